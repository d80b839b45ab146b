//! The keys that detach.

use crate::error::{Error, shown};

/// The keys that detach, at least one.
pub struct Keys(pub Vec<u8>);

impl Keys {
    /// docker's words: `a`, `ctrl-p`, with commas between.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let key = |word: &str| match word.as_bytes() {
            [byte] => Some(*byte),
            _ => match word.strip_prefix("ctrl-")?.as_bytes() {
                [byte @ (b'a'..=b'z' | b'@' | b'['..=b'_')] => {
                    Some(byte.to_ascii_uppercase() & 0x1f)
                }
                _ => None,
            },
        };
        let keys: Option<Vec<u8>> = text.split(',').map(key).collect();
        keys.filter(|keys| !keys.is_empty()).map(Keys).ok_or_else(|| {
            Error::new(format!("--detach-keys {}: no keys", shown(text)))
                .try_this("single characters and ctrl-LETTER, such as ctrl-p,ctrl-q")
        })
    }
}
