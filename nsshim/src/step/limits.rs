//! Resource limits, nice value, umask.

use std::fmt;

use nix::sys::resource::setrlimit;

use crate::error::{Named, Result};
use crate::spec::Rlimit;
use crate::sys;

pub(super) fn rlimit(limit: &Rlimit) -> Result<()> {
    setrlimit(limit.resource, limit.soft, limit.hard).call(|| rlimit_call(limit))
}

pub(super) fn describe_rlimit(f: &mut fmt::Formatter<'_>, limit: &Rlimit) -> fmt::Result {
    f.write_str(&rlimit_call(limit))
}

fn rlimit_call(limit: &Rlimit) -> String {
    let number = |value: u64| match value {
        nix::sys::resource::RLIM_INFINITY => "RLIM_INFINITY".to_string(),
        value => value.to_string(),
    };
    format!("setrlimit({:?}, {{{}, {}}})", limit.resource, number(limit.soft), number(limit.hard))
}

pub(super) fn nice(nice: i32) -> Result<()> {
    sys::set_nice(nice).call(|| format!("setpriority(PRIO_PROCESS, 0, {nice})"))
}

pub(super) fn umask(mask: u32) -> Result<()> {
    sys::umask(mask);
    Ok(())
}
