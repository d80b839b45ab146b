//! A process that is surely the one meant: a pid alone may be used again.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use nsshim::sys::{self, SignalInfo};

/// A process by descriptor.
#[derive(Debug)]
pub struct Pinned {
    /// The host's number.
    pub pid: i32,
    fd: OwnedFd,
}

impl Pinned {
    /// The process with this number that was started then; `None` when it is gone.
    pub fn open(pid: i32, start_ticks: Option<u64>) -> Option<Self> {
        let fd = sys::pidfd_open(Pid::from_raw(pid)).ok()?;
        // After it is pinned: what is read now is of the process that we hold, or it is dead.
        if start_ticks.is_some() && started(pid) != start_ticks {
            return None;
        }
        Some(Pinned { pid, fd })
    }

    /// Sends it a signal, 1 to 64.
    pub fn signal(&self, signal: i32) -> nix::Result<()> {
        match sys::pidfd_send_signal(&self.fd, &SignalInfo::new(signal)) {
            Err(Errno::ESRCH) => Ok(()),
            done => done,
        }
    }

    /// Whether it lives and has not begun to end.
    pub fn lives(&self) -> bool {
        // In this order: what is read is then of the process that we hold.
        !ends(self.pid) && !self.wait(Some(Duration::ZERO))
    }

    /// Waits for its end; `false` when the time was up before. `None` waits as long as it takes.
    pub fn wait(&self, most: Option<Duration>) -> bool {
        let limit = most.map_or(PollTimeout::NONE, |most| {
            PollTimeout::try_from(most).unwrap_or(PollTimeout::MAX)
        });
        let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, limit).is_ok_and(|ready| ready > 0)
    }
}

/// Whether it ends, PF_EXITING of include/linux/sched.h: before it has ended its namespaces cannot
/// be joined any more. One that is gone has ended. proc_pid_stat(5), flags
pub fn ends(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let flags = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(6));
    flags.and_then(|flags| flags.parse::<u64>().ok()).is_none_or(|flags| flags & 0x4 != 0)
}

fn started(pid: i32) -> Option<u64> {
    nsshim::keep::start_ticks(File::open("/proc").ok()?, Pid::from_raw(pid))
}
