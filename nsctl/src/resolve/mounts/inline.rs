//! `--file DST=CONTENT|-` and `--symlink LINK=TARGET`: things made of the command line.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::target;

/// Where a file's content comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// From the command line.
    Given(Vec<u8>),
    /// From standard input.
    Stdin,
}

/// Reads the value of `--file`.
///
/// # Errors
/// What is wrong with it.
pub fn file(text: &[u8]) -> Result<(PathBuf, Content), String> {
    let (place, content) = split(text).ok_or("it has no =")?;
    let target = target::parse(place)?;
    target::check_proc(&target)?;
    let content = match content {
        b"-" => Content::Stdin,
        content => Content::Given(content.to_vec()),
    };
    Ok((target, content))
}

/// Reads the value of `--symlink`: where the link is, and what it says.
///
/// # Errors
/// What is wrong with it.
pub fn symlink(text: &[u8]) -> Result<(PathBuf, PathBuf), String> {
    let (place, to) = split(text).ok_or("it has no =")?;
    let link = target::parse(place)?;
    if link.starts_with("/proc") {
        return Err("there can be no link in /proc".into());
    }
    // symlink(2): an empty one is ENOENT, a longer one ENAMETOOLONG.
    if to.is_empty() || to.len() > 4095 {
        return Err("what a link says has 1 to 4095 bytes".into());
    }
    Ok((link, PathBuf::from(OsString::from_vec(to.to_vec()))))
}

/// At the first `=`.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == b'=')?;
    Some((&text[..at], &text[at + 1..]))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::samples;
    use super::*;

    #[test]
    fn a_file_has_its_content() {
        let given = |text: &str| Content::Given(text.into());
        for (text, place, content) in [
            ("/a=b", "/a", given("b")),
            ("/a=", "/a", given("")),
            ("/a==b=\n", "/a", given("=b=\n")),
            ("/a=-", "/a", Content::Stdin),
            ("/a=--", "/a", given("--")),
        ] {
            assert_eq!(file(text.as_bytes()), Ok((place.into(), content)), "{text}");
        }
        for wrong in ["", "/a", "=b", "a=b", "/=b", "/../a=b", "/proc/self/comm=x"] {
            assert!(file(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_link_says_anything_but_nothing() {
        assert_eq!(symlink(b"/bin=usr/bin"), Ok(("/bin".into(), "usr/bin".into())));
        assert_eq!(symlink(b"/a=../../b=c"), Ok(("/a".into(), "../../b=c".into())));
        let long = format!("/a={}", "x".repeat(4096));
        for wrong in ["", "/a", "/a=", "=b", "a=b", "/=b", "/proc/a=b", "/proc=b", &long] {
            assert!(symlink(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_input_makes_them_panic_or_leave_the_root() {
        for sample in samples() {
            for text in [sample.clone(), [b"/".as_slice(), &sample, b"=", &sample].concat()] {
                for place in [file(&text).map(|found| found.0), symlink(&text).map(|found| found.0)]
                {
                    assert!(place.is_err() || place.is_ok_and(|place| place != Path::new("/")));
                }
            }
        }
    }
}
