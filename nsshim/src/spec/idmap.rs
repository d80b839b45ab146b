//! Id maps of a user namespace, user_namespaces(7).

use std::fmt;

use super::{ContainerId, HostId};

/// Users or groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdKind {
    /// uid_map, newuidmap(1), /etc/subuid.
    User,
    /// gid_map, newgidmap(1), /etc/subgid.
    Group,
}

impl IdKind {
    /// The file in /proc/PID.
    pub fn map_file(self) -> &'static str {
        match self {
            IdKind::User => "uid_map",
            IdKind::Group => "gid_map",
        }
    }

    /// The set-user-ID helper that may write ranges.
    pub fn helper(self) -> &'static str {
        match self {
            IdKind::User => "newuidmap",
            IdKind::Group => "newgidmap",
        }
    }

    /// The file that grants ranges to users.
    pub fn grants_file(self) -> &'static str {
        match self {
            IdKind::User => "/etc/subuid",
            IdKind::Group => "/etc/subgid",
        }
    }

    /// `uid` or `gid`.
    pub fn id(self) -> &'static str {
        match self {
            IdKind::User => "uid",
            IdKind::Group => "gid",
        }
    }
}

/// One line of a map: `count` ids from `inside` on are the host's from `outside` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdMap {
    /// The first id inside.
    pub inside: ContainerId,
    /// The first id outside.
    pub outside: HostId,
    /// How many.
    pub count: u32,
}

impl IdMap {
    /// Whether an id inside is mapped by this line.
    pub fn maps(&self, id: ContainerId) -> bool {
        id.0.checked_sub(self.inside.0).is_some_and(|offset| offset < self.count)
    }
}

impl fmt::Display for IdMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.inside.0, self.outside.0, self.count)
    }
}

/// Both maps of a user namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdMaps {
    /// The lines of uid_map.
    pub users: Vec<IdMap>,
    /// The lines of gid_map.
    pub groups: Vec<IdMap>,
    /// Whether setgroups(2) will work inside.
    pub setgroups: Setgroups,
}

/// /proc/PID/setgroups, Linux 3.19.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setgroups {
    /// Groups may be dropped. Needs CAP_SETGID outside, or newgidmap.
    Allow,
    /// They may not: else a process could drop a group that denies it a file.
    Deny,
}

impl IdMaps {
    /// The lines for one kind.
    pub fn lines(&self, kind: IdKind) -> &[IdMap] {
        match kind {
            IdKind::User => &self.users,
            IdKind::Group => &self.groups,
        }
    }

    /// Whether an id inside is mapped.
    pub fn maps(&self, kind: IdKind, id: ContainerId) -> bool {
        self.lines(kind).iter().any(|line| line.maps(id))
    }
}

/// The lines as the kernel takes them.
pub(crate) fn text(lines: &[IdMap]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
