//! What the options about health mean.

use std::ffi::CString;
use std::time::Duration;

use nsshim::keep::HealthCheck;

use crate::args::HealthArgs;
use crate::error::{Error, shown};
use crate::resolve;

/// docker's.
const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const RETRIES: u32 = 3;

/// Less would be a load, not a check; docker's least, too.
const LEAST: Duration = Duration::from_millis(1);

/// The check, if one was asked for.
pub(super) fn check(args: &HealthArgs) -> Result<Option<HealthCheck>, Error> {
    let Some(command) = &args.health_cmd else { return Ok(None) };
    let time = |option: &str, typed: &Option<String>, usual: Duration| match typed {
        None => Ok(usual),
        Some(text) => resolve::duration(text).ok_or_else(|| {
            Error::new(format!("{option} {}: no time", shown(text)))
                .try_this("such as 30s, 1m30s or 500ms")
        }),
    };
    let at_least = |option: &str, time: Duration| match time < LEAST {
        true => Err(Error::new(format!("{option} is shorter than a millisecond"))),
        false => Ok(time),
    };
    let interval = time("--health-interval", &args.health_interval, INTERVAL)?;
    let timeout = time("--health-timeout", &args.health_timeout, TIMEOUT)?;
    let start_period = time("--health-start-period", &args.health_start_period, Duration::ZERO)?;
    Ok(Some(HealthCheck {
        command: words(command)?,
        interval: at_least("--health-interval", interval)?,
        timeout: at_least("--health-timeout", timeout)?,
        retries: args.health_retries.unwrap_or(RETRIES),
        start_period,
    }))
}

/// For the shell, as docker has it; or, as podman takes it too, an array of words.
fn words(command: &str) -> Result<Vec<CString>, Error> {
    let wrong = || {
        Error::new(format!("--health-cmd {}: no command", shown(command)))
            .try_this("a line for /bin/sh, or [\"PROGRAM\", \"ARGUMENT\"]")
    };
    let words: Vec<String> = match command.trim_start().starts_with('[') {
        // What is no array may be a command of the shell's: [ -f /ready ].
        true => serde_json::from_str::<serde_json::Value>(command)
            .ok()
            .and_then(|value| texts(&value))
            .unwrap_or_else(|| shell(command)),
        false => shell(command),
    };
    if command.trim().is_empty() || words.is_empty() {
        return Err(wrong());
    }
    words.into_iter().map(|word| CString::new(word).map_err(|_| wrong())).collect()
}

fn shell(command: &str) -> Vec<String> {
    ["/bin/sh", "-c", command].map(str::to_string).to_vec()
}

fn texts(value: &serde_json::Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|word| word.as_str().map(str::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_for_the_shell_and_an_array_is_not() {
        let read = |text: &str| {
            let words = words(text).unwrap();
            words.iter().map(|word| word.to_str().unwrap().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(read("true && false"), ["/bin/sh", "-c", "true && false"]);
        assert_eq!(read("[ -f /x ]"), ["/bin/sh", "-c", "[ -f /x ]"]);
        assert_eq!(read(r#"["/check", "a b"]"#), ["/check", "a b"]);
        for wrong in ["", " ", "[]", "a\0b"] {
            assert!(words(wrong).is_err(), "{wrong:?}");
        }
    }
}
