//! The mounts that were asked for, besides the container's own /proc, /dev and /sys.

use std::ffi::CString;
use std::path::PathBuf;

use super::{Overlay, Propagation};

/// Files of proc(5) that may be covered, as runc allows it: lxcfs shows a container's own
/// numbers in them. Everything else of /proc is what the kernel says, or nothing is
/// (CVE-2019-16884).
pub const COVERABLE: [&str; 9] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/slabinfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/uptime",
];

/// One thing to place in the container's root, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where, inside; absolute. Symbolic links in it are followed, but never out of
    /// the root. What is missing is made.
    pub target: PathBuf,
    /// What.
    pub what: Placed,
}

/// What is placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placed {
    /// A file or directory of the host's.
    Bind(Bind),
    /// A new file system of the kernel's: tmpfs, proc, sysfs, mqueue, devpts, cgroup2.
    New {
        /// The name that mount(2) knows.
        fstype: CString,
        /// `KEY=VALUE` or `KEY`, one option each; no comma has a meaning in them.
        options: Vec<CString>,
        /// The mount's flags.
        attributes: Attributes,
    },
    /// Directories shown as one.
    Overlay {
        /// The lowest layers; `Overlay::lower` are all of them here. Absolute.
        overlay: Overlay,
        /// The mount's flags.
        attributes: Attributes,
    },
    /// A file with this content, private to the container.
    File {
        /// All of it.
        content: Vec<u8>,
        /// Permission bits.
        mode: u32,
        /// Whether a root without such a file (and without a layer where one can be
        /// made) simply goes without.
        optional: bool,
        /// The mount's flags.
        attributes: Attributes,
    },
    /// A symbolic link to this. What is there already stays when it says the same.
    Symlink(PathBuf),
}

/// A file or directory of the host's, shown inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Absolute; symbolic links are followed on the host.
    pub source: PathBuf,
    /// Whether with all that is mounted below it.
    pub recursive: bool,
    /// The mount's flags.
    pub attributes: Attributes,
    /// How mounts travel between it and the source.
    pub propagation: Propagation,
    /// As [`Root::idmap`](super::Root::idmap).
    pub idmap: bool,
}

/// Flags of a mount, `MOUNT_ATTR_*` of mount_setattr(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes {
    /// Set these.
    pub set: u64,
    /// Clear these.
    pub clear: u64,
    /// Whether on all mounts below it as well.
    pub recursive: bool,
}

impl Attributes {
    /// Whether they change nothing.
    pub fn is_empty(&self) -> bool {
        self.set == 0 && self.clear == 0
    }
}
