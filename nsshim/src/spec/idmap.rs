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

    /// What an id of the host's is inside, when this line maps it.
    pub fn inside_of(&self, id: HostId) -> Option<ContainerId> {
        let offset = id.0.checked_sub(self.outside.0).filter(|&offset| offset < self.count)?;
        Some(ContainerId(self.inside.0 + offset))
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

    /// Whom the caller is inside without a word: itself where it is mapped, else
    /// root, else the first id that is. An id that is not mapped owns no file and
    /// would still have the caller's rights on the host's.
    pub fn default_id(&self, kind: IdKind, own: HostId) -> Option<ContainerId> {
        let lines = self.lines(kind);
        let kept = lines.iter().find_map(|line| line.inside_of(own));
        let root = || self.maps(kind, ContainerId(0)).then_some(ContainerId(0));
        kept.or_else(root).or_else(|| lines.first().map(|line| line.inside))
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

/// The lines of a map file of /proc, as the kernel writes them.
pub(crate) fn parse(text: &str) -> Vec<IdMap> {
    let line = |line: &str| {
        let mut fields = line.split_whitespace().map(|field| field.parse().ok());
        let (inside, outside, count) = (fields.next()??, fields.next()??, fields.next()??);
        Some(IdMap { inside: ContainerId(inside), outside: HostId(outside), count })
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(text: &str) -> IdMaps {
        IdMaps { users: parse(text), groups: vec![], setgroups: Setgroups::Deny }
    }

    #[test]
    fn the_caller_stays_itself_else_is_root_else_the_first() {
        let default = |text: &str| maps(text).default_id(IdKind::User, HostId(1000));
        assert_eq!(default("5 1000 1\n0 100000 5\n"), Some(ContainerId(5)));
        assert_eq!(default("         0          0 4294967295\n"), Some(ContainerId(1000)));
        assert_eq!(default("7 1001 1\n0 100000 5\n"), Some(ContainerId(0)));
        assert_eq!(default("7 1001 1\n8 100000 5\n"), Some(ContainerId(7)));
        assert_eq!(default(""), None);
    }
}
