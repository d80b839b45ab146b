//! Numbers and names with one strict reading each: `4294967296` is an error,
//! never user 0 (CVE-2024-40635).

use signal_hook::low_level::signal_name;

use crate::error::{Error, shown};

/// A user or group id: decimal, below 2^32-1, which means "unchanged" to the kernel.
pub fn id(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|&id| id != u32::MAX)
}

/// An id, or the count 4294967295 with which the kernel writes "all of them".
pub fn id_or_all(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// A signal: `TERM`, `SIGTERM`, `15`, `RTMIN+3`.
pub fn signal(text: &str) -> Result<i32, Error> {
    let wrong = || {
        Error::new(format!("no such signal: {}", shown(text)))
            .try_this("a name such as TERM or RTMIN+3, or a number from 1 to 64")
    };
    if let Ok(number) = text.parse::<i32>() {
        return if (1..=64).contains(&number) { Ok(number) } else { Err(wrong()) };
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let real_time = |base: i32, rest: &str| match rest {
        "" => Some(base),
        rest => rest.parse::<i32>().ok().map(|offset| base + offset),
    };
    // glibc keeps 32 and 33 for itself, so RTMIN is 34 for programs.
    let found = if let Some(rest) = name.strip_prefix("RTMIN") {
        real_time(34, rest)
    } else if let Some(rest) = name.strip_prefix("RTMAX") {
        real_time(64, rest)
    } else {
        let full = format!("SIG{name}");
        (1..32).find(|&number| signal_name(number) == Some(full.as_str()))
    };
    found.filter(|number| (1..=64).contains(number)).ok_or_else(wrong)
}

/// Seconds with up to nine decimals, as nanoseconds.
pub fn seconds(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty())
        || !all_digits(whole)
        || !all_digits(fraction)
        || whole.len() > 18
        || fraction.len() > 9
    {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction: i128 = format!("{fraction:0<9}").parse().ok()?;
    let nanoseconds = whole * 1_000_000_000 + fraction;
    Some(if negative { -nanoseconds } else { nanoseconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_never_read_as_another() {
        assert_eq!(id("0"), Some(0));
        assert_eq!(id("4294967294"), Some(4_294_967_294));
        for wrong in
            ["", "-1", "+1", "4294967295", "4294967296", "18446744073709551616", "1 ", "0x1"]
        {
            assert_eq!(id(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn seconds_may_be_negative_and_fractional() {
        assert_eq!(seconds("864000"), Some(864_000_000_000_000));
        assert_eq!(seconds("-0.5"), Some(-500_000_000));
        assert_eq!(seconds(".000000001"), Some(1));
        for wrong in ["", ".", "-", "1e3", "1.0000000001", "--1", "1.-5"] {
            assert_eq!(seconds(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn signals_have_names_and_numbers() {
        for (text, number) in
            [("TERM", 15), ("sigint", 2), ("9", 9), ("RTMIN", 34), ("SIGRTMAX-1", 63)]
        {
            assert_eq!(signal(text).unwrap(), number, "{text}");
        }
        assert!(signal("RTMIN+31").is_err());
        assert!(signal("0").is_err());
        assert!(signal("NOPE").is_err());
    }
}
