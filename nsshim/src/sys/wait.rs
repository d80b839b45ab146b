//! waitid(2), with the death by every signal: nix knows signals up to 31 only,
//! and fails on the others when the zombie is already gone.

use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::null_mut;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::exit::Exit;
use crate::usage::Usage;

/// Whose change to wait for.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// Any child's.
    Any,
    /// The child's behind a pidfd, `P_PIDFD`, Linux 5.4.
    PidFd(std::os::fd::BorrowedFd<'a>),
    /// The child's with this pid.
    Pid(Pid),
}

/// What happened to a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It ended.
    Exited(Exit),
    /// It was stopped by this signal.
    Stopped(i32),
    /// It goes on.
    Continued,
}

/// Waits for a change of a child; with `WNOHANG` in `flags` there may be none.
pub fn waitid(whose: Whose<'_>, flags: i32) -> nix::Result<Option<(Pid, Change)>> {
    wait(whose, flags, None)
}

/// Waits for the end of a child, and tells what it used, and those that it waited for itself.
///
/// waitid(2), the system call's fifth argument, which glibc's function has not.
pub(crate) fn wait_for_end(child: impl AsFd) -> nix::Result<(Exit, Usage)> {
    // SAFETY: struct rusage is plain data, for which all zeroes is a value.
    let mut usage: libc::rusage = unsafe { zeroed() };
    match wait(Whose::PidFd(child.as_fd()), libc::WEXITED, Some(&mut usage))? {
        Some((_, Change::Exited(exit))) => Ok((exit, Usage::of(&usage))),
        _ => Err(Errno::ECHILD),
    }
}

fn wait(
    whose: Whose<'_>,
    flags: i32,
    usage: Option<&mut libc::rusage>,
) -> nix::Result<Option<(Pid, Change)>> {
    let (kind, id) = match whose {
        Whose::Any => (libc::P_ALL, 0),
        Whose::PidFd(fd) => (libc::P_PIDFD, fd.as_fd().as_raw_fd() as libc::id_t),
        Whose::Pid(pid) => (libc::P_PID, pid.as_raw() as libc::id_t),
    };
    // SAFETY: siginfo_t is plain data, for which all zeroes is a value.
    let mut info: libc::siginfo_t = unsafe { zeroed() };
    let usage: *mut libc::rusage = usage.map_or(null_mut(), |usage| &raw mut *usage);
    loop {
        // SAFETY: the kernel writes one siginfo_t and, unless that pointer is null, one rusage.
        let done =
            unsafe { libc::syscall(libc::SYS_waitid, kind, id, &raw mut info, flags, usage) };
        match Errno::result(done) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
            Ok(_) => break,
        }
    }
    // SAFETY: waitid succeeded, so these fields are either filled or still zero.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    if pid == 0 {
        return Ok(None);
    }
    let change = match info.si_code {
        libc::CLD_EXITED => Change::Exited(Exit::Code(status as u8)),
        libc::CLD_KILLED => Change::Exited(Exit::Signaled { signal: status, core: false }),
        libc::CLD_DUMPED => Change::Exited(Exit::Signaled { signal: status, core: true }),
        libc::CLD_CONTINUED => Change::Continued,
        _ => Change::Stopped(status),
    };
    Ok(Some((Pid::from_raw(pid), change)))
}
