//! What the options of a life of its own mean.

use std::os::fd::OwnedFd;

use nsshim::keep::{Format, HealthCheck, LogTo, Restart};

use crate::args::{LifeArgs, LogDriver};
use crate::error::{Error, shown};
use crate::resolve;

/// All of them, as the shim has them.
pub(super) struct Meant {
    pub log: Option<LogTo>,
    pub restart: Restart,
    pub health: Option<HealthCheck>,
    pub attached: Option<OwnedFd>,
}

impl Meant {
    pub fn of(life: &LifeArgs, attached: Option<OwnedFd>) -> Result<Self, Error> {
        Ok(Meant {
            log: log_to(life)?,
            restart: restart(life.restart.as_deref())?,
            health: super::health::check(&life.health)?,
            attached,
        })
    }
}

fn log_to(life: &LifeArgs) -> Result<Option<LogTo>, Error> {
    let format = match life.log_driver {
        LogDriver::JsonFile => Format::Json,
        LogDriver::File => Format::Plain,
        LogDriver::None => return Ok(None),
        LogDriver::Journald => {
            return Err(Error::new("--log-driver: nsctl writes files only")
                .because("a journal or a log server is a daemon, and nsctl needs none")
                .try_this("--log-driver json-file, and nsctl logs -f NAME | systemd-cat -t NAME"));
        }
    };
    let max_size = log_size(&life.log_max_size)?;
    Ok(Some(LogTo { format, max_size, max_files: life.log_max_files }))
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
