//! The eight kinds of namespaces, and what can be asked of each.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::sched::CloneFlags;

/// A kind of namespace, namespaces(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// User and group ids, capabilities. user_namespaces(7)
    User,
    /// The cgroup root. cgroup_namespaces(7)
    Cgroup,
    /// System V IPC and POSIX message queues. ipc_namespaces(7)
    Ipc,
    /// Host and domain name. uts_namespaces(7)
    Uts,
    /// Network devices, addresses, ports. network_namespaces(7)
    Net,
    /// Process ids. pid_namespaces(7)
    Pid,
    /// Boot and monotonic clocks. time_namespaces(7), Linux 5.6
    Time,
    /// Mounts. mount_namespaces(7)
    Mnt,
}

/// One row of the table of kinds.
struct Row {
    kind: Kind,
    /// The file in /proc/PID/ns.
    file: &'static str,
    /// The file for the namespace that children will be in.
    children_file: &'static str,
    flag: CloneFlags,
    /// What people call it.
    words: &'static str,
    /// The file in /proc/sys/user that limits it.
    limit: &'static str,
    /// unshare(1)'s option.
    unshare: &'static str,
}

/// `CLONE_NEWTIME`, include/uapi/linux/sched.h; nix lacks it.
const NEWTIME: CloneFlags = CloneFlags::from_bits_retain(0x80);

/// In the order in which they are joined: the user namespace first, since it
/// gives the right to join the others; the mount namespace last, since it
/// changes what every path means.
const TABLE: [Row; 8] = [
    row(
        Kind::User,
        "user",
        "user",
        CloneFlags::CLONE_NEWUSER,
        "user",
        "max_user_namespaces",
        "--user",
    ),
    row(
        Kind::Cgroup,
        "cgroup",
        "cgroup",
        CloneFlags::CLONE_NEWCGROUP,
        "cgroup",
        "max_cgroup_namespaces",
        "--cgroup",
    ),
    row(Kind::Ipc, "ipc", "ipc", CloneFlags::CLONE_NEWIPC, "IPC", "max_ipc_namespaces", "--ipc"),
    row(Kind::Uts, "uts", "uts", CloneFlags::CLONE_NEWUTS, "UTS", "max_uts_namespaces", "--uts"),
    row(
        Kind::Net,
        "net",
        "net",
        CloneFlags::CLONE_NEWNET,
        "network",
        "max_net_namespaces",
        "--net",
    ),
    row(
        Kind::Pid,
        "pid",
        "pid_for_children",
        CloneFlags::CLONE_NEWPID,
        "PID",
        "max_pid_namespaces",
        "--pid",
    ),
    row(Kind::Time, "time", "time_for_children", NEWTIME, "time", "max_time_namespaces", "--time"),
    row(Kind::Mnt, "mnt", "mnt", CloneFlags::CLONE_NEWNS, "mount", "max_mnt_namespaces", "--mount"),
];

const fn row(
    kind: Kind,
    file: &'static str,
    children_file: &'static str,
    flag: CloneFlags,
    words: &'static str,
    limit: &'static str,
    unshare: &'static str,
) -> Row {
    Row { kind, file, children_file, flag, words, limit, unshare }
}

impl Kind {
    /// Every kind, in the order in which they are joined.
    pub const ALL: [Kind; 8] = [
        Kind::User,
        Kind::Cgroup,
        Kind::Ipc,
        Kind::Uts,
        Kind::Net,
        Kind::Pid,
        Kind::Time,
        Kind::Mnt,
    ];

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The name in /proc/PID/ns, `net`.
    pub fn file(self) -> &'static str {
        self.row().file
    }

    /// The name in /proc/PID/ns of the namespace that new children get, `pid_for_children`.
    pub fn children_file(self) -> &'static str {
        self.row().children_file
    }

    /// The `CLONE_NEW*` flag.
    pub fn flag(self) -> CloneFlags {
        self.row().flag
    }

    /// The name for people, `network`.
    pub fn words(self) -> &'static str {
        self.row().words
    }

    /// The file in /proc/sys/user that limits how many there may be.
    pub fn limit(self) -> &'static str {
        self.row().limit
    }

    /// The option of unshare(1).
    pub fn unshare_option(self) -> &'static str {
        self.row().unshare
    }

    /// The kind with this name in /proc/PID/ns, or a common other name.
    pub fn parse(name: &str) -> Option<Kind> {
        let name = match name {
            "mount" => "mnt",
            "network" => "net",
            other => other.trim_end_matches("ns"),
        };
        TABLE.iter().find(|row| row.file == name).map(|row| row.kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// What to do about one kind.
#[derive(Debug, Default)]
pub enum Choice {
    /// Stay in the caller's.
    #[default]
    Host,
    /// Make one.
    New,
    /// Join one that exists.
    Join(Joined),
}

/// A namespace that exists.
#[derive(Debug)]
pub struct Joined {
    /// The open namespace.
    pub fd: OwnedFd,
    /// The path it was opened by, for messages.
    pub path: PathBuf,
}

/// A process whose namespaces are joined all at once, so that the kernel finds the right order:
/// some may be owned by a user namespace around the one that the process is in.
#[derive(Debug)]
pub struct Together {
    /// The process, by pidfd_open(2): never another one that has its number later.
    pub process: OwnedFd,
    /// Its number, for messages.
    pub pid: i32,
    /// Which of its namespaces. For each the choice is a [`Choice::Join`].
    pub kinds: Vec<Kind>,
    /// A directory to become the root once it is joined.
    pub root: Option<PathBuf>,
}

/// The choice for every kind.
#[derive(Debug, Default)]
pub struct Namespaces {
    choices: [Choice; 8],
    together: Option<Together>,
}

impl Namespaces {
    /// The choice for `kind`.
    pub fn get(&self, kind: Kind) -> &Choice {
        &self.choices[kind as usize]
    }

    /// The choice for `kind`, to change.
    pub fn get_mut(&mut self, kind: Kind) -> &mut Choice {
        &mut self.choices[kind as usize]
    }

    /// Sets the choice for `kind`.
    pub fn set(&mut self, kind: Kind, choice: Choice) {
        self.choices[kind as usize] = choice;
    }

    /// The process whose namespaces are joined at once.
    pub fn together(&self) -> Option<&Together> {
        self.together.as_ref()
    }

    /// Sets or takes it.
    pub fn together_mut(&mut self) -> &mut Option<Together> {
        &mut self.together
    }

    /// Whether `kind` will be new.
    pub fn is_new(&self, kind: Kind) -> bool {
        matches!(self.get(kind), Choice::New)
    }

    /// Whether `kind` will be the caller's.
    pub fn is_host(&self, kind: Kind) -> bool {
        matches!(self.get(kind), Choice::Host)
    }
}

/// A namespace to keep in a file after its last process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persist {
    /// Which one.
    pub kind: Kind,
    /// An existing file on which it is bound.
    pub path: PathBuf,
}

/// How mounts and unmounts travel between the host and a new mount namespace.
/// mount_namespaces(7), "Shared subtrees"
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    /// Neither sees the other's.
    #[default]
    Private,
    /// The container sees the host's.
    Slave,
    /// Both see both.
    Shared,
    /// As the host has them.
    Unchanged,
}

/// The offsets of a new time namespace, in nanoseconds. time_namespaces(7)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeOffsets {
    /// Added to `CLOCK_MONOTONIC`.
    pub monotonic: i128,
    /// Added to `CLOCK_BOOTTIME`, which /proc/uptime shows.
    pub boottime: i128,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_at_its_own_row() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
            assert_eq!(kind.row().kind, kind);
            assert_eq!(Kind::parse(kind.file()), Some(kind));
        }
        assert_eq!(Kind::parse("mount"), Some(Kind::Mnt));
        assert_eq!(Kind::parse("userns"), Some(Kind::User));
        assert_eq!(Kind::parse("nets"), None);
    }
}
