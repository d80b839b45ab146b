//! A file right behind its letter, `-n/run/netns/lab`, as nsenter(1) takes it.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The letters of kinds and directories, whose value is optional.
const OPTIONAL: &[u8] = b"muinpUCTrw";

/// The letters with a value: what is behind them, or the next word.
const VALUED: &[u8] = b"tSGNW";

/// Their words.
const VALUED_WORDS: [&str; 5] = ["--target", "--setuid", "--setgid", "--net-socket", "--state-dir"];

/// Puts `=` where a path stands right behind its letter. Other text there is more letters, so that
/// `-mu` is `-m -u`. Words from the target on stay as they are.
pub fn apart(mut words: Vec<OsString>) -> Vec<OsString> {
    let mut at = 1;
    let mut is_enter = false;
    while let Some(word) = words.get_mut(at) {
        at += 1;
        let text = word.as_bytes();
        if text == b"enter" && !is_enter {
            is_enter = true;
        } else if VALUED_WORDS.iter().any(|known| known.as_bytes() == text) {
            at += 1;
        } else if text == b"--" || !text.starts_with(b"-") {
            break;
        } else if is_enter && !text.starts_with(b"--") {
            match path_behind(text) {
                Behind::Path(letter) => {
                    let mut text = std::mem::take(word).into_vec();
                    text.insert(letter + 1, b'=');
                    *word = OsString::from_vec(text);
                }
                Behind::NextWord => at += 1,
                Behind::Nothing => {}
            }
        }
    }
    words
}

enum Behind {
    /// The letter here has a path right behind it.
    Path(usize),
    /// The last letter takes the next word.
    NextWord,
    Nothing,
}

fn path_behind(text: &[u8]) -> Behind {
    for (at, letter) in text.iter().enumerate().skip(1) {
        let next = text.get(at + 1);
        match (VALUED.contains(letter), next) {
            (true, None) => return Behind::NextWord,
            (true, Some(_)) => return Behind::Nothing,
            (false, Some(b'/' | b'.')) if OPTIONAL.contains(letter) => return Behind::Path(at),
            (false, _) => {}
        }
    }
    Behind::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_from_more_letters() {
        let read = |line: &str| {
            let words = apart(line.split(' ').map(OsString::from).collect());
            words.join(std::ffi::OsStr::new(" ")).into_string().unwrap()
        };
        for (typed, meant) in [
            ("nsctl enter -n/run/x id", "nsctl enter -n=/run/x id"),
            ("nsctl -v enter -Umn./x -w/a id", "nsctl -v enter -Umn=./x -w=/a id"),
            ("nsctl enter -t 1 -r/ id", "nsctl enter -t 1 -r=/ id"),
            ("nsctl enter -mt 1 -r/ id", "nsctl enter -mt 1 -r=/ id"),
            ("nsctl --state-dir run enter -w/a 1", "nsctl --state-dir run enter -w=/a 1"),
            // A letter with a value has it behind it.
            ("nsctl enter -W/n/x -t1 id", "nsctl enter -W/n/x -t1 id"),
            // The command's own, and other verbs.
            ("nsctl enter -n 1 ls -n/x", "nsctl enter -n 1 ls -n/x"),
            ("nsctl enter -n -- -n/x", "nsctl enter -n -- -n/x"),
            ("nsctl run -w/x id", "nsctl run -w/x id"),
        ] {
            assert_eq!(read(typed), meant);
        }
    }
}
