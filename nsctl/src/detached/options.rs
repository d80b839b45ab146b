//! What the options of a life of its own mean.

use std::os::fd::OwnedFd;

use nsshim::keep::{Format, HealthCheck, JOURNAL, JournalTo, LogTo, Restart};

use crate::args::{LifeArgs, LogDriver};
use crate::error::{Error, shown};
use crate::resolve;

/// All of them, as the shim has them.
pub(super) struct Meant {
    pub log: Option<LogTo>,
    /// Connected.
    pub journal: Option<OwnedFd>,
    pub restart: Restart,
    pub health: Option<HealthCheck>,
    pub attached: Option<OwnedFd>,
}

impl Meant {
    pub fn of(life: &LifeArgs, attached: Option<OwnedFd>) -> Result<Self, Error> {
        Ok(Meant {
            log: log_to(life)?,
            journal: journal(life)?,
            restart: restart(life.restart.as_deref())?,
            health: super::health::check(&life.health)?,
            attached,
        })
    }
}

/// docker's `--log-opt`, as the options of our own that say the same.
pub(super) fn log_options(life: &mut LifeArgs) -> Result<Option<String>, Error> {
    let mut tag = None;
    for option in std::mem::take(&mut life.log_opt) {
        let wrong = |why: String| Error::new(format!("--log-opt {}: {why}", shown(&option)));
        match option.split_once('=') {
            Some(("max-size", size)) => life.log_max_size = size.into(),
            Some(("max-file", number)) => {
                let number = number.parse().ok().filter(|number| (1..=1000).contains(number));
                let no_number = || wrong("no number of files from 1 to 1000".into());
                life.log_max_files = number.ok_or_else(no_number)?;
            }
            Some(("tag", text)) if life.log_driver == LogDriver::Journald => {
                tag = Some(text.into())
            }
            // It never waits for a reader.
            Some(("mode", "non-blocking")) => {}
            _ => {
                return Err(wrong("there is no such option here".into()).try_this(
                    "max-size=SIZE, max-file=N, mode=non-blocking, and tag=TEXT for journald",
                ));
            }
        }
    }
    Ok(tag)
}

/// What `--log-opt` says of the limits: the size as typed, and how many files.
pub fn log_limits(options: &[String]) -> Result<(Option<String>, Option<u32>), Error> {
    let mut life = LifeArgs {
        log_opt: options.to_vec(),
        // Told apart from what is usual.
        log_max_size: String::new(),
        log_max_files: 0,
        ..LifeArgs::default()
    };
    log_options(&mut life)?;
    let size = Some(life.log_max_size).filter(|size| !size.is_empty());
    Ok((size, Some(life.log_max_files).filter(|&files| files > 0)))
}

fn log_to(life: &LifeArgs) -> Result<Option<LogTo>, Error> {
    let format = match life.log_driver {
        LogDriver::JsonFile => Format::Json,
        LogDriver::File => Format::Plain,
        LogDriver::None | LogDriver::Journald => return Ok(None),
        LogDriver::Other => {
            return Err(Error::new("--log-driver: nsctl writes files, or to systemd's journal")
                .because("another log server is not here to be spoken to")
                .try_this("--log-driver json-file, and nsctl logs -f NAME for whoever takes it"));
        }
    };
    let max_size = log_size(&life.log_max_size)?;
    Ok(Some(LogTo { format, max_size, max_files: life.log_max_files }))
}

/// The connection to journald, which must be there: a log that nobody takes is none.
fn journal(life: &LifeArgs) -> Result<Option<OwnedFd>, Error> {
    if life.log_driver != LogDriver::Journald {
        return Ok(None);
    }
    JournalTo::connect().map(Some).map_err(|errno| {
        Error::new(format!("--log-driver journald: connect({JOURNAL:?}): {errno}"))
            .because("systemd's journal does not run here, or may not be spoken to")
            .try_this("--log-driver json-file")
    })
}

/// `--log-max-size`
pub fn log_size(text: &str) -> Result<u64, Error> {
    resolve::bytes(text).filter(|&size| size > 0).ok_or_else(|| {
        Error::new(format!("--log-max-size {}: no size", shown(text)))
            .try_this("bytes, or 512k, 10m, 1g")
    })
}

/// `--restart`
pub fn restart(policy: Option<&str>) -> Result<Restart, Error> {
    let wrong = |policy: &str| {
        Error::new(format!("--restart {policy}: no policy"))
            .try_this("no, always, on-failure or on-failure:TIMES")
    };
    match policy {
        None | Some("no") => Ok(Restart::No),
        Some("always" | "unless-stopped") => Ok(Restart::Always),
        Some("on-failure") => Ok(Restart::OnFailure(0)),
        Some(other) => match other.strip_prefix("on-failure:").map(str::parse::<u32>) {
            Some(Ok(times)) if times > 0 => Ok(Restart::OnFailure(times)),
            _ => Err(wrong(other)),
        },
    }
}
