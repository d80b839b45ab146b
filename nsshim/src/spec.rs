//! What is wanted, resolved: absolute paths, numeric ids, open descriptors, no
//! default left to choose. Every front end ends in a [`Spec`]; [`plan`](crate::plan())
//! turns it into steps.

mod cgroup;
mod idmap;
mod mount;
mod namespace;
mod process;
mod rights;
mod root;

use std::ffi::CString;

use nix::pty::Winsize;
use nix::sys::termios::Termios;

pub use cgroup::Cgroup;
pub use idmap::{IdKind, IdMap, IdMaps, Setgroups};
pub(crate) use idmap::{parse as parse_idmap, text as idmap_text};
pub use mount::{Attributes, Bind, COVERABLE, Mount, Placed};
pub use namespace::{
    Choice, Joined, Kind, Namespaces, Persist, Propagation, TimeOffsets, Together,
};
pub use process::{ContainerId, HostId, Process, Rlimit, User, Workdir};
pub use rights::{FileAccess, Keyring, Label, Landlock, Nested, Rights, Seccomp};
pub use root::{ImageType, Kept, Overlay, Part, PartKind, Root, RootSource, Upper};

/// A container as it is wanted.
#[derive(Debug)]
pub struct Spec {
    /// Per kind: the caller's, a new one, or one that exists.
    pub namespaces: Namespaces,
    /// The id maps of a user namespace other than the caller's: to be written when
    /// it is new, as they are when it is joined. `None`: it has none.
    pub id_maps: Option<IdMaps>,
    /// The host name of a new UTS namespace.
    pub hostname: Option<CString>,
    /// The NIS domain name of a new UTS namespace.
    pub domainname: Option<CString>,
    /// The clock offsets of a new time namespace.
    pub time_offsets: TimeOffsets,
    /// How the mounts of a new mount namespace relate to the host's.
    pub propagation: Propagation,
    /// A root of its own, or `None` for the host's as it is. Needs a new mount namespace
    /// and id maps.
    pub root: Option<Root>,
    /// What is placed in the root, in this order. Needs `root`.
    pub mounts: Vec<Mount>,
    /// The control groups that it is in; `None` leaves it in the caller's.
    pub cgroup: Option<Cgroup>,
    /// Namespaces to keep in files.
    pub persist: Vec<Persist>,
    /// The workload.
    pub process: Process,
    /// A terminal of its own, or `None` for the caller's standard streams.
    pub terminal: Option<Terminal>,
    /// Whose session the workload belongs to.
    pub session: Session,
    /// What the workload may do.
    pub rights: Rights,
    /// Whether nsinit is PID 1; else the workload is.
    pub init: bool,
    /// How long the container may run; then it is killed.
    pub timeout: Option<std::time::Duration>,
    /// Whether the caller is told when the workload runs.
    pub report_start: bool,
    /// Whether the namespace ids are to be reported.
    pub report_namespaces: bool,
}

/// A pseudo-terminal to make inside.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// The size it starts with.
    pub size: Winsize,
    /// The modes of the user's terminal, to start with the same keys and flags.
    pub modes: Option<Termios>,
    /// Whether a new line also returns to the first column, as the user's raw terminal needs.
    pub adds_returns: bool,
    /// Whether standard error goes to it too.
    pub takes_errors: bool,
}

/// Which session and process group the workload runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// Its own: nothing that the terminal or `kill(0)` sends crosses the boundary.
    Own,
    /// The caller's, because it was given the caller's terminal as a standard
    /// stream and must be able to read it: like any command of a shell.
    Callers,
}
