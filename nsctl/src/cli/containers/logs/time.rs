//! Points in time, in nanoseconds since 1970: as logs have them, and as people type them.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, shown};
use crate::output::seconds_of;
use crate::resolve;

const SECOND: i128 = 1_000_000_000;

/// Now.
#[allow(clippy::disallowed_methods, reason = "logs have the times that people read")]
pub fn now() -> i128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_nanos() as i128
}

/// docker's words: RFC 3339, with or without an offset, a date, seconds since 1970, or so long ago.
pub fn typed(text: &str) -> Result<i128, Error> {
    let has_unit = text.ends_with(['s', 'm', 'h']);
    let ago = resolve::duration(text).filter(|_| has_unit).map(|time| time.as_nanos() as i128);
    ago.map(|ago| now() - ago)
        .or_else(|| since_1970(text))
        .or_else(|| rfc_3339(text))
        .or_else(|| rfc_3339(&format!("{text}T00:00:00Z")))
        .ok_or_else(|| {
            Error::new(format!("{}: no time", shown(text))).try_this(
                "2026-01-31T12:00:00Z, 2026-01-31, seconds since 1970, or so long ago: 90s, 1h30m",
            )
        })
}

fn since_1970(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(i128::from(whole.parse::<i64>().ok()?) * SECOND + fraction_of(fraction)?)
}

/// Up to nine digits.
fn fraction_of(digits: &str) -> Option<i128> {
    if digits.len() > 9 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<9}").parse().ok()
}

/// `2026-01-31T12:00:00.123456789Z`, `…+02:00`; without an offset it is UTC, as logs are.
pub fn rfc_3339(text: &str) -> Option<i128> {
    let seconds = seconds_of(text)?;
    let rest = text.get(19..)?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (digits, offset) = rest.split_at(end);
            (fraction_of(digits).filter(|_| !digits.is_empty())?, offset)
        }
        None => (0, rest),
    };
    let offset = match offset.as_bytes() {
        b"" | b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let number = |from: usize| offset.get(from..from + 2)?.parse::<i64>().ok();
            let minutes =
                number(1).filter(|&it| it < 24)? * 60 + number(4).filter(|&it| it < 60)?;
            if *sign == b'+' { minutes * 60 } else { -minutes * 60 }
        }
        _ => return None,
    };
    Some(i128::from(seconds - offset) * SECOND + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_docker_and_date_read_it() {
        // date -u -d TEXT +%s%N
        for (text, expected) in [
            ("2024-02-29T23:59:59Z", 1_709_251_199_000_000_000),
            ("2024-02-29T23:59:59.5Z", 1_709_251_199_500_000_000),
            ("2024-02-29T23:59:59.000000001", 1_709_251_199_000_000_001),
            ("2024-03-01T01:59:59+02:00", 1_709_251_199_000_000_000),
            ("2024-02-29T22:29:59-01:30", 1_709_251_199_000_000_000),
            ("2024-02-29", 1_709_164_800_000_000_000),
            ("1709251199", 1_709_251_199_000_000_000),
            ("1709251199.25", 1_709_251_199_250_000_000),
        ] {
            assert_eq!(typed(text).unwrap(), expected, "{text}");
        }
        let then = typed("1h30m").unwrap();
        let ago = now() - then;
        assert!((5400 * SECOND..5401 * SECOND).contains(&ago), "{ago}");
        for wrong in ["", "yesterday", "2024-02-29T23:59:59+2", "2024-13-01", "-1s", "12x"] {
            assert!(typed(wrong).is_err(), "{wrong}");
        }
    }
}
