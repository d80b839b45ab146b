//! A line of text, put together without allocation and without core's formatting (which is
//! larger than all of nsinit).

use crate::sys;
use core::ffi::CStr;

/// At most 512 bytes of text: what does not fit is cut off.
#[derive(Clone, Debug)]
pub struct Text {
    bytes: [u8; Text::SIZE],
    length: usize,
}

impl Text {
    /// More than enough for a message; less than a pipe takes at once.
    pub const SIZE: usize = 512;

    /// No text.
    pub const fn new() -> Text {
        Text { bytes: [0; Text::SIZE], length: 0 }
    }

    /// The text so far.
    #[inline(never)]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }

    /// The text up to the first NUL, if there is one.
    pub fn as_c_str(&self) -> Option<&CStr> {
        sys::until_nul(self.as_bytes())
    }

    /// Appends `bytes`.
    #[inline(never)]
    pub fn push(&mut self, bytes: &[u8]) -> &mut Text {
        for byte in bytes {
            if let Some(free) = self.bytes.get_mut(self.length) {
                *free = *byte;
                self.length += 1;
            }
        }
        self
    }

    /// Ends the line, cutting off what leaves no room for that.
    pub fn end_line(&mut self) -> &mut Text {
        self.length = self.length.min(Text::SIZE - 1);
        self.push(b"\n")
    }

    /// Appends `text`.
    pub fn str(&mut self, text: &str) -> &mut Text {
        self.push(text.as_bytes())
    }

    /// Appends `number` in decimal digits.
    pub fn number(&mut self, number: i64) -> &mut Text {
        if number < 0 {
            self.push(b"-");
        }
        self.digits(number.unsigned_abs(), 1)
    }

    /// Appends `number` in at least `width` decimal digits.
    pub fn digits(&mut self, mut number: u64, width: usize) -> &mut Text {
        // 2^64 has 20 digits.
        let mut digits = [b'0'; 20];
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
            used += 1;
            if number == 0 && used >= width {
                break;
            }
        }
        let skipped = digits.len().saturating_sub(used);
        self.push(digits.get(skipped..).unwrap_or(&[]))
    }
}

impl Default for Text {
    fn default() -> Text {
        Text::new()
    }
}

/// A word of a table, kept in the row itself: a reference to it would be larger than most are.
#[derive(Clone, Copy)]
pub struct Word([u8; Word::SIZE]);

impl Word {
    /// The longest that any table has.
    const SIZE: usize = 15;

    /// `text`, which is no longer than that: else the table does not compile.
    pub const fn new(text: &str) -> Word {
        let text = text.as_bytes();
        let mut bytes = [0; Word::SIZE];
        let mut at = 0;
        while at < text.len() {
            bytes[at] = text[at];
            at += 1;
        }
        Word(bytes)
    }

    /// Whether `text` is this word. (It comes from a C string, and has no NUL.)
    #[inline(never)]
    pub fn is(&self, text: &[u8]) -> bool {
        self.0.starts_with(text) && self.0.get(text.len()).is_none_or(|byte| *byte == 0)
    }

    /// The word.
    #[cfg(not(freestanding))]
    pub fn as_str(&self) -> &str {
        str::from_utf8(split(&self.0, 0).0).expect("written as text in its table")
    }
}

/// What `table` has for `word`. (A comparison with each of many constants would be inlined.)
pub fn pick<T: Copy>(table: &[(Word, T)], word: &[u8]) -> Option<T> {
    table.iter().find(|(known, _)| known.is(word)).map(|(_, value)| *value)
}

/// The value of `digits` in decimal; `None` for anything but digits, and above `i32`.
pub fn parse_number(digits: &[u8]) -> Option<i32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_i32, |value, digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(i32::from(digit - b'0')),
        _ => None,
    })
}

/// The value of up to 16 hexadecimal digits, with or without `0x`.
pub fn parse_hex(digits: &[u8]) -> Option<u64> {
    let digits = match digits {
        [b'0', b'x', digits @ ..] => digits,
        digits => digits,
    };
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

/// What is before the first `separator`, and what is behind it, if it is there.
pub fn split(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == separator) {
        Some(at) => (text.get(..at).unwrap_or(text), text.get(at + 1..)),
        None => (text, None),
    }
}

/// Seconds with at most three digits behind the point, in milliseconds.
pub fn parse_seconds(text: &[u8]) -> Option<u64> {
    let (seconds, fraction) = split(text, b'.');
    let seconds = parse_number(seconds)? as u64;
    let fraction = match fraction {
        None => 0,
        Some(digits) => {
            let value = parse_number(digits)? as u64;
            match digits.len() {
                1 => value * 100,
                2 => value * 10,
                3 => value,
                _ => return None,
            }
        }
    };
    Some(seconds * 1000 + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(fill: impl FnOnce(&mut Text) -> &mut Text) -> String {
        let mut text = Text::new();
        fill(&mut text);
        String::from_utf8(text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        assert_eq!(text(|t| t.number(0)), "0");
        assert_eq!(text(|t| t.number(-42)), "-42");
        assert_eq!(text(|t| t.number(i64::MIN)), i64::MIN.to_string());
        assert_eq!(text(|t| t.digits(u64::MAX, 1)), u64::MAX.to_string());
        assert_eq!(text(|t| t.digits(7, 3)), "007");
        assert_eq!(text(|t| t.digits(1234, 3)), "1234");
    }

    #[test]
    fn what_does_not_fit_is_cut_off() {
        let long = text(|t| t.push(&[b'x'; 600]).str("end"));
        assert_eq!(long, "x".repeat(Text::SIZE));
        let line = text(|t| t.push(&[b'x'; 600]).end_line());
        assert_eq!(line, "x".repeat(Text::SIZE - 1) + "\n");
    }

    #[test]
    fn a_word_is_only_itself() {
        for word in ["", "own", "die-with-parent"] {
            let known = Word::new(word);
            assert_eq!(known.as_str(), word);
            for text in ["", "o", "ow", "own", "owns", "die-with-paren", "die-with-parent", "nwo"] {
                assert_eq!(known.is(text.as_bytes()), text == word, "{word} {text}");
            }
            assert!(!known.is(b"die-with-parents"), "{word}");
        }
    }

    #[test]
    fn numbers_are_read_strictly() {
        assert_eq!(parse_number(b"0"), Some(0));
        assert_eq!(parse_number(b"2147483647"), Some(i32::MAX));
        for wrong in ["", "-1", "+1", " 1", "1 ", "2147483648", "0x1", "99999999999999999999"] {
            assert_eq!(parse_number(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(parse_hex(b"ffffffffffffffff"), Some(u64::MAX));
        assert_eq!(parse_hex(b"0x4000"), Some(0x4000));
        for wrong in ["", "0x", "g", "10000000000000000", "-1"] {
            assert_eq!(parse_hex(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn seconds_are_read_with_their_fraction() {
        for (text, ms) in [("0", 0), ("1", 1000), ("0.5", 500), ("1.05", 1050), ("2.001", 2001)] {
            assert_eq!(parse_seconds(text.as_bytes()), Some(ms), "{text}");
        }
        for wrong in ["", ".5", "1.", "-1", "1s", "1.0005", "1.-1", "inf", "1.2.3"] {
            assert_eq!(parse_seconds(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
