//! Whether the workload's ids may enter a directory or execute a file.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use caps::Capability;
use nsshim::Host;
use nsshim::spec::{Choice, ContainerId, IdKind, IdMap, IdMaps, Kind, Spec};

/// The workload's ids as the host sees them; `None` where an id is not mapped.
#[derive(Debug, Clone, Default)]
pub struct Ids {
    uid: Option<u32>,
    gid: Option<u32>,
    /// `None`: the caller's, read only when it matters.
    groups: Option<Vec<u32>>,
    /// Whether CAP_DAC_OVERRIDE will be there, and over which ids.
    overrides: Option<Over>,
}

#[derive(Debug, Clone)]
enum Over {
    All,
    Mapped(IdMaps),
}

impl Ids {
    /// Reads the spec, and for ids that stay the caller's.
    pub fn of(spec: &Spec, host: &Host) -> Ids {
        let maps = spec.id_maps.as_ref();
        let out = |kind: IdKind, id: ContainerId| match maps {
            Some(maps) => outside(maps.lines(kind), id),
            None => Some(id.0),
        };
        let user = spec.process.user.as_ref();
        let given = user.and_then(|user| user.groups.as_ref());
        let groups =
            given.map(|groups| groups.iter().filter_map(|&id| out(IdKind::Group, id)).collect());
        let (uid, gid) = match user {
            Some(user) => (out(IdKind::User, user.uid), out(IdKind::Group, user.gid)),
            None => (Some(host.uid.0), Some(host.gid.0)),
        };
        let becomes_root = match user {
            Some(user) => user.uid == ContainerId(0),
            None => maps.map_or(host.uid.0 == 0, |maps| {
                outside(&maps.users, ContainerId(0)) == Some(host.uid.0)
            }),
        };
        let kept = spec.rights.capabilities & Capability::CAP_DAC_OVERRIDE.bitmask() != 0;
        let overrides = match spec.namespaces.get(Kind::User) {
            _ if !becomes_root || !kept => None,
            Choice::Host => host.has(Capability::CAP_DAC_OVERRIDE).then_some(Over::All),
            Choice::New => maps.cloned().map(Over::Mapped),
            Choice::Join(_) => None,
        };
        Ids { uid, gid, groups, overrides }
    }

    /// The caller's own, which the container starts with.
    pub fn callers(host: &Host) -> Ids {
        Ids {
            uid: Some(host.uid.0),
            gid: Some(host.gid.0),
            groups: None,
            overrides: host.has(Capability::CAP_DAC_OVERRIDE).then_some(Over::All),
        }
    }

    fn is_member(&self, group: u32) -> bool {
        match &self.groups {
            Some(groups) => groups.contains(&group),
            None => nix::unistd::getgroups()
                .is_ok_and(|groups| groups.iter().any(|own| own.as_raw() == group)),
        }
    }

    fn overrides(&self, found: &Metadata) -> bool {
        let covered = |lines: &[IdMap], id: u32| {
            lines.iter().any(|line| id.checked_sub(line.outside.0).is_some_and(|o| o < line.count))
        };
        match &self.overrides {
            None => false,
            Some(Over::All) => true,
            // capable_wrt_inode_uidgid(): only over files whose owner exists inside.
            Some(Over::Mapped(maps)) => {
                covered(&maps.users, found.uid()) && covered(&maps.groups, found.gid())
            }
        }
    }

    fn bits(&self, found: &Metadata) -> u32 {
        if self.uid == Some(found.uid()) {
            found.mode() >> 6
        } else if self.gid == Some(found.gid()) || self.is_member(found.gid()) {
            found.mode() >> 3
        } else {
            found.mode()
        }
    }

    /// Whether they may search a directory.
    pub fn may_enter(&self, directory: &Metadata) -> bool {
        self.bits(directory) & 1 != 0 || self.overrides(directory)
    }

    /// Whether they may execute a file; CAP_DAC_OVERRIDE needs that somebody may.
    pub fn may_execute(&self, file: &Metadata) -> bool {
        self.bits(file) & 1 != 0 || (self.overrides(file) && file.mode() & 0o111 != 0)
    }

    /// `1000:1000`, as the host sees them.
    pub fn shown(&self) -> String {
        let id = |id: Option<u32>| id.map_or("unmapped".into(), |id| id.to_string());
        format!("{}:{}", id(self.uid), id(self.gid))
    }
}

fn outside(lines: &[IdMap], id: ContainerId) -> Option<u32> {
    let line = lines.iter().find(|line| line.maps(id))?;
    Some(line.outside.0 + (id.0 - line.inside.0))
}

/// What is in the way to a path.
#[derive(Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// This is not there.
    Missing(PathBuf),
    /// This is no directory, and something in it was asked for.
    NotDirectory(PathBuf),
    /// This directory may not be searched by the workload's ids: mode and owner.
    Closed(PathBuf, String),
}

impl Obstacle {
    /// As it is told.
    pub fn told(&self, ids: &Ids) -> String {
        match self {
            Obstacle::Missing(path) => format!("there is no {}", path.display()),
            Obstacle::NotDirectory(path) => format!("{} is not a directory", path.display()),
            Obstacle::Closed(path, mode) => format!(
                "the directory {} ({mode}) may not be entered by {}, whom the workload is on the \
                 host",
                path.display(),
                ids.shown()
            ),
        }
    }
}

/// `mode 0700, owner 0:0`.
pub fn mode_and_owner(found: &Metadata) -> String {
    format!("mode {:04o}, owner {}:{}", found.mode() & 0o7777, found.uid(), found.gid())
}

/// What is missing on the way to a path, or its end.
pub fn absent(path: &Path) -> Option<Obstacle> {
    let mut parts: Vec<&Path> = path.ancestors().filter(|part| *part != Path::new("")).collect();
    parts.reverse();
    parts.into_iter().find_map(|part| match fs::metadata(part) {
        Ok(found) if !found.is_dir() && part != path => Some(Obstacle::NotDirectory(part.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Some(Obstacle::Missing(part.into()))
        }
        _ => None,
    })
}

/// The directory on the way to a path that these ids may not search.
pub fn closed(path: &Path, ids: &Ids) -> Option<Obstacle> {
    let on_the_way = |path: &Path| {
        let mut directories: Vec<&Path> = path.ancestors().skip(1).collect();
        directories.reverse();
        directories.into_iter().find_map(|directory| {
            let found = fs::metadata(directory).ok().filter(Metadata::is_dir)?;
            (!ids.may_enter(&found))
                .then(|| Obstacle::Closed(directory.into(), mode_and_owner(&found)))
        })
    };
    // A symbolic link leads through other directories.
    on_the_way(path).or_else(|| on_the_way(&fs::canonicalize(path).ok()?))
}

/// The permitted set of a file, in its extended attribute `security.capability`.
/// capabilities(7)
pub fn file_capabilities(file: &Path) -> Option<u64> {
    let value = nsshim::sys::get_xattr(file, c"security.capability")?;
    // struct vfs_cap_data, include/uapi/linux/capability.h: magic, then pairs of
    // permitted and inheritable, the low 32 bits first.
    let word =
        |at: usize| Some(u64::from(u32::from_le_bytes(value.get(at..at + 4)?.try_into().ok()?)));
    Some(word(4)? | word(12).unwrap_or(0) << 32)
}
