//! Exit codes, and which of them are told as others.

#![forbid(unsafe_code)]

use crate::text::{parse_number, split};

/// What nsinit exits with when `--timeout` was over, as timeout(1) does.
pub const TIMED_OUT: u8 = 124;

/// For every exit code of the workload the one that nsinit exits with.
#[derive(Clone, Debug)]
pub struct Codes([u8; 256]);

impl Codes {
    /// Every code stays as it is.
    pub fn new() -> Codes {
        let mut codes = [0; 256];
        for (code, entry) in (0..=u8::MAX).zip(&mut codes) {
            *entry = code;
        }
        Codes(codes)
    }

    /// What the workload's `code` is told as.
    pub fn map(&self, code: u8) -> u8 {
        self.0.get(usize::from(code)).copied().unwrap_or(code)
    }

    /// Takes `CODE[-CODE][:CODE]`: one code or a range, and what it is told as (0). `None` if
    /// `text` is no such thing.
    pub fn remap(&mut self, text: &[u8]) -> Option<()> {
        let (range, to) = split(text, b':');
        let to = match to {
            Some(to) => parse_code(to)?,
            None => 0,
        };
        let (first, last) = split(range, b'-');
        let first = parse_code(first)?;
        let last = match last {
            Some(last) => parse_code(last)?,
            None => first,
        };
        if first > last {
            return None;
        }
        for entry in self.0.get_mut(usize::from(first)..=usize::from(last))? {
            *entry = to;
        }
        Some(())
    }
}

fn parse_code(text: &[u8]) -> Option<u8> {
    u8::try_from(parse_number(text)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(texts: &[&str]) -> Vec<(u8, u8)> {
        let mut codes = Codes::new();
        for text in texts {
            codes.remap(text.as_bytes()).expect("a good mapping");
        }
        (0..=255).map(|code| (code, codes.map(code))).filter(|(code, to)| code != to).collect()
    }

    #[test]
    fn nothing_changes_unless_asked_for() {
        assert_eq!(changed(&[]), []);
    }

    #[test]
    fn one_code_becomes_0_as_with_tini() {
        assert_eq!(changed(&["143"]), [(143, 0)]);
        assert_eq!(changed(&["255", "1"]), [(1, 0), (255, 0)]);
    }

    #[test]
    fn a_range_becomes_any_code() {
        assert_eq!(changed(&["129-131"]), [(129, 0), (130, 0), (131, 0)]);
        assert_eq!(changed(&["3:9"]), [(3, 9)]);
        assert_eq!(changed(&["1-2:7", "2:8"]), [(1, 7), (2, 8)]);
    }

    #[test]
    fn wrong_mappings_are_refused() {
        for text in ["", "256", "-1", "x", "1-", "-", "2-1", "1:", "1:256", "1-2-3", "1:2:3", ":1"]
        {
            assert_eq!(Codes::new().remap(text.as_bytes()), None, "{text}");
        }
    }
}
