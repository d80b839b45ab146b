//! The workload as a process.

use std::ffi::CString;
use std::path::PathBuf;

use nix::sys::resource::Resource;

/// A user or group id as the host sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostId(pub u32);

/// A user or group id as the container sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerId(pub u32);

/// The workload.
#[derive(Debug, Clone)]
pub struct Process {
    /// The command and its arguments; the first is searched in PATH. Empty: there is none, and
    /// nsinit only holds the namespaces until it is told to end.
    pub argv: Vec<CString>,
    /// What the command is told it is called, when that is not `argv[0]`.
    pub argv0: Option<CString>,
    /// `NAME=VALUE`, all of it.
    pub env: Vec<CString>,
    /// Where it starts.
    pub workdir: Workdir,
    /// Who it is; `None` leaves the ids as they are.
    pub user: Option<User>,
    /// Resource limits to set.
    pub rlimits: Vec<Rlimit>,
    /// The file mode creation mask, when not the caller's.
    pub umask: Option<u32>,
    /// The nice value, when not the caller's.
    pub nice: Option<i32>,
    /// How early it is killed when memory runs out, -1000 to 1000, when not as the caller.
    pub oom_score_adj: Option<i32>,
    /// How many descriptors after 2 it inherits.
    pub preserve_fds: u32,
    /// The signal mask it starts with: bit n-1 blocks signal n.
    pub signal_mask: u64,
    /// Whether SIGCHLD was ignored by the caller, which the workload inherits.
    pub sigchld_ignored: bool,
}

/// The working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Workdir {
    /// The caller's where it exists inside, else `/`.
    Keep(PathBuf),
    /// This one, or an error.
    Set(PathBuf),
}

/// User, group and supplementary groups, inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// setresuid(2)
    pub uid: ContainerId,
    /// setresgid(2)
    pub gid: ContainerId,
    /// setgroups(2); `None` where it is denied or the caller's are kept.
    pub groups: Option<Vec<ContainerId>>,
}

/// A resource limit, setrlimit(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rlimit {
    /// Which.
    pub resource: Resource,
    /// What is enforced.
    pub soft: u64,
    /// How far the process may raise it.
    pub hard: u64,
}
