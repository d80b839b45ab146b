//! Resource limits, nice value, umask.

use std::fmt;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::resource::setrlimit;
use nix::sys::stat::Mode;

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

/// By the host's /proc: the container's may be anybody's. In the child of vfork(2) it is the
/// child's alone, though it shares its parent's memory.
pub(super) fn oom_score(proc: BorrowedFd<'_>, adjustment: i32) -> Result<()> {
    openat(proc, "self/oom_score_adj", OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())
        .and_then(|file| nix::unistd::write(&file, adjustment.to_string().as_bytes()))
        .map(drop)
        .call(|| oom_score_call(adjustment))
}

pub(super) fn oom_score_call(adjustment: i32) -> String {
    format!("write(\"/proc/self/oom_score_adj\", \"{adjustment}\")")
}

pub(super) fn umask(mask: u32) -> Result<()> {
    sys::umask(mask);
    Ok(())
}

/// In /proc: how many user namespaces may be made in the reader's own one.
pub(crate) const USER_NAMESPACES: &str = "sys/user/max_user_namespaces";

/// The filter says so too: where /proc/sys is read-only here, it says so alone.
pub(super) fn no_user_namespaces(proc: BorrowedFd<'_>) -> Result<()> {
    let written = openat(proc, USER_NAMESPACES, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())
        .and_then(|file| nix::unistd::write(&file, b"0"));
    match written {
        Ok(_) | Err(Errno::ENOENT | Errno::EROFS | Errno::EACCES | Errno::EPERM) => Ok(()),
        Err(errno) => Err(errno).call(|| format!("write(\"/proc/{USER_NAMESPACES}\", \"0\")")),
    }
}
