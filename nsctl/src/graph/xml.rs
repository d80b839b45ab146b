//! Others' words in XML and HTML.

use crate::output::harmless;

/// Text, also between quotes, that is never read as anything else. Letters that XML 1.0 cannot
/// hold, not even as references, are shown as Rust writes them.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => safe.extend(c.escape_unicode()),
            c => safe.push_str(&harmless(c)),
        }
    }
    safe
}

/// No more than so many letters, the last of them a mark where some are missing.
pub fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_string(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}
