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

/// Bytes as docker has them: a whole number with `b`, `k`, `m`, `g` or `t`, powers of 1024,
/// also as `kb` or `KiB`. None above the kernel's largest file.
pub fn bytes(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    let most = u64::try_from(i64::MAX).ok()?;
    number.parse::<u64>().ok()?.checked_mul(1 << shift).filter(|&bytes| bytes <= most)
}

/// Permission bits: octal, up to 07777.
pub fn mode(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
        return None;
    }
    u32::from_str_radix(text, 8).ok().filter(|&mode| mode <= 0o7777)
}

/// A time as docker's options have it: `1h30m`, `1.5s`, `500ms`; a number alone is seconds.
pub fn duration(text: &str) -> Option<std::time::Duration> {
    let mut rest = text;
    let mut sum = std::time::Duration::ZERO;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let nanoseconds = seconds(number).and_then(|it| u64::try_from(it).ok())?;
        let number = std::time::Duration::from_nanos(nanoseconds);
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let part = match unit {
            "ms" => number / 1000,
            "s" => number,
            "" if text == rest => number,
            "m" => number.checked_mul(60)?,
            "h" => number.checked_mul(3600)?,
            _ => return None,
        };
        sum = sum.checked_add(part)?;
        if after.is_empty() {
            return Some(sum);
        }
        rest = after;
    }
}

/// A switch as docker's `readonly=` takes it: Go's `strconv.ParseBool`.
pub fn switch(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
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
    fn a_time_is_read_as_docker_reads_it() {
        let milliseconds = |text: &str| duration(text).map(|time| time.as_millis());
        for (text, expected) in [
            ("0", 0),
            ("2", 2000),
            ("30s", 30_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1.5s", 1500),
        ] {
            assert_eq!(milliseconds(text), Some(expected), "{text}");
        }
        assert_eq!(milliseconds("1h1m1s1ms"), Some(3_661_001));
        for wrong in ["", "s", "-1s", "1x", "1m30", "1s ", "1..2s", "99999999999999999999h", "1 s"]
        {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

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
    fn sizes_have_units_and_never_overflow() {
        for (text, expected) in [
            ("0", 0),
            ("1", 1),
            ("10b", 10),
            ("64k", 65536),
            ("64KiB", 65536),
            ("10m", 10 << 20),
            ("1g", 1 << 30),
            ("1GB", 1 << 30),
            ("2T", 2 << 40),
            ("9223372036854775807", i64::MAX as u64),
            ("8388607t", 8_388_607 << 40),
        ] {
            assert_eq!(bytes(text), Some(expected), "{text}");
        }
        for wrong in [
            "",
            "k",
            "-1",
            "+1",
            "1.5g",
            "1 k",
            " 1",
            "1kk",
            "1p",
            "0x10",
            "1e3",
            "9223372036854775808",
            "18446744073709551616",
            "16777216t",
            "8388608t",
            "१k",
        ] {
            assert_eq!(bytes(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_mode_is_octal() {
        assert_eq!(mode("1777"), Some(0o1777));
        assert_eq!(mode("00755"), Some(0o755));
        for wrong in ["", "8", "10000", "+7", "-1", "0o7", "u+x", "777777777777777"] {
            assert_eq!(mode(wrong), None, "{wrong:?}");
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
