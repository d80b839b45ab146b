//! What of a container is kept, as it was asked for.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::{JournalTo, LogTo};

/// What of the container's is kept, and where.
#[derive(Debug)]
pub struct Keep {
    /// The container's directory, private to its owner.
    pub directory: OwnedFd,
    /// The host's /proc.
    pub proc: OwnedFd,
    /// Stays open, and locked, as long as the shim lives. `None`: nothing is written down, as for
    /// a command that is run in a container of others.
    pub lock: Option<OwnedFd>,
    /// What the container is, an object of JSON that becomes a part of `state`; not longer than
    /// [`ABOUT_ROOM`](super::ABOUT_ROOM).
    pub about: Option<String>,
    /// What the workload writes, unless it has a terminal.
    pub output: Vec<(Stream, OwnedFd)>,
    /// What the workload reads, if somebody may attach to write it.
    pub input: Option<OwnedFd>,
    /// Where output is written to.
    pub log: Option<LogTo>,
    /// The journal that it is told to.
    pub journal: Option<JournalTo>,
    /// Takes those who attach.
    pub listener: Option<OwnedFd>,
    /// One who is attached from the start, and misses nothing.
    pub attached: Option<OwnedFd>,
    /// Where the end is told, as a line of JSON.
    pub status: Option<OwnedFd>,
    /// When it is started again.
    pub restart: Restart,
    /// How often it was started again before, by another shim.
    pub restarts: u32,
    /// What tells whether it does what it is there for.
    pub health: Option<HealthCheck>,
    /// The pod that it is in, as a member: held open as long as the shim lives.
    pub pod: Option<OwnedFd>,
    /// The pipe that all members of this pod hold: it ends with the last of them.
    pub members: Option<OwnedFd>,
    /// Whether the directory goes when the container ended.
    pub remove: Option<Remove>,
    /// What the caller needs no more, and the shim has a copy of: freed once the workload runs. It
    /// owns no descriptor: all but those named here are closed by then.
    pub unneeded: Vec<Box<dyn std::fmt::Debug>>,
}

impl Keep {
    /// Nothing is kept, as for a command that is run in a container of others.
    pub fn nothing(directory: OwnedFd, proc: OwnedFd) -> Self {
        Keep {
            directory,
            proc,
            lock: None,
            about: None,
            output: Vec::new(),
            input: None,
            log: None,
            journal: None,
            listener: None,
            attached: None,
            status: None,
            restart: Restart::No,
            restarts: 0,
            health: None,
            pod: None,
            members: None,
            remove: None,
            unneeded: Vec::new(),
        }
    }
}

/// What is removed with a container.
#[derive(Debug)]
pub struct Remove {
    /// The directory that holds the container's.
    pub containers: OwnedFd,
    /// The name of the container's in it, which is its id.
    pub id: CString,
    /// The directory of names.
    pub names: OwnedFd,
    /// Its name.
    pub name: CString,
}

/// A command that tells whether a container does what it is there for: by its exit status, 0 for
/// yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// The command and its arguments, run as another process of the container's.
    pub command: Vec<CString>,
    /// From the start to the first check, and from the end of one to the next.
    pub interval: Duration,
    /// One that takes longer is killed and has failed.
    pub timeout: Duration,
    /// So many failures in a row make it unhealthy; at least 1.
    pub retries: u32,
    /// How long after the start failures do not count.
    pub start_period: Duration,
}

impl HealthCheck {
    /// The exit status that is noted for one that took too long; timeout(1)'s.
    pub const TIMED_OUT: i32 = 124;
}

/// What may be changed while the container lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// When it is started again.
    pub restart: Restart,
    /// As [`LogTo::max_size`].
    pub log_max_size: u64,
    /// As [`LogTo::max_files`].
    pub log_max_files: u32,
}

/// Which of the workload's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output, and all of a terminal's.
    Stdout,
    /// Standard error.
    Stderr,
}

/// When a container that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Never.
    No,
    /// When its status is not 0; at most so many times, 0 for without end.
    OnFailure(u32),
    /// Whatever its status.
    Always,
}
