//! What is said, cut into lines.

use super::Stream;

/// docker cuts longer lines, too: a record must end some time.
const LONGEST: usize = 16 * 1024;

/// The beginnings of lines whose ends were not heard yet, of stdout and stderr.
#[derive(Default)]
pub(super) struct Lines([Vec<u8>; 2]);

impl Lines {
    /// Gives `deed` each line that is whole by now, with its end; one that is too long in parts.
    pub fn hear(&mut self, stream: Stream, bytes: &[u8], mut deed: impl FnMut(&[u8])) {
        let partial = &mut self.0[stream as usize];
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = rest.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
            let room = LONGEST - partial.len();
            let (taken, whole) = match end {
                Some(end) if end <= room => (end, true),
                _ if rest.len() >= room => (room, true),
                _ => (rest.len(), false),
            };
            partial.extend(&rest[..taken]);
            rest = &rest[taken..];
            if whole {
                deed(partial);
                partial.clear();
            }
        }
    }

    /// A line without an end, when no more can come.
    pub fn rest(&mut self, stream: Stream) -> Option<Vec<u8>> {
        Some(std::mem::take(&mut self.0[stream as usize])).filter(|line| !line.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_those_that_are_too_long_are_cut() {
        let mut lines = Lines::default();
        let mut heard: Vec<Vec<u8>> = Vec::new();
        for part in [&b"a"[..], b"b\nc\n", b"", &[b'x'; LONGEST + 3]] {
            lines.hear(Stream::Stdout, part, |line| heard.push(line.to_vec()));
        }
        lines.hear(Stream::Stderr, b"other", |_| panic!("no line"));
        assert_eq!(heard[..2], [b"ab\n".to_vec(), b"c\n".to_vec()]);
        assert_eq!(heard[2], vec![b'x'; LONGEST]);
        assert_eq!(lines.rest(Stream::Stdout), Some(b"xxx".to_vec()));
        assert_eq!(lines.rest(Stream::Stdout), None);
        assert_eq!(lines.rest(Stream::Stderr), Some(b"other".to_vec()));
    }
}
