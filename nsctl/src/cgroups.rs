//! The hierarchies of control groups that can be reached here. cgroups(7)

use std::fs;
use std::path::{Component, Path, PathBuf};

use nix::sys::statfs::{CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, statfs};
use nsshim::cgroup::Version;

use crate::mountinfo::{self, Mount};

/// A hierarchy, and where it is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// The interface.
    pub version: Version,
    /// Of version 1: what it controls, or `name=systemd`.
    pub controllers: Vec<String>,
    /// The group that nsctl is in.
    pub own: PathBuf,
    /// Where it is mounted.
    pub point: PathBuf,
    /// The group that is mounted there.
    root: PathBuf,
}

/// Those that are mounted where we can see them, version 2 first.
pub fn mounted() -> Vec<Hierarchy> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut found = read(&own, &mountinfo::here());
    // What is mounted over it later hides it, and mountinfo does not say so.
    found.retain(|one| {
        statfs(&one.point).is_ok_and(|found| match one.version {
            Version::V1 => found.filesystem_type() == CGROUP_SUPER_MAGIC,
            Version::V2 => found.filesystem_type() == CGROUP2_SUPER_MAGIC,
        })
    });
    let known = |one: &Hierarchy| (one.version == Version::V1, one.controllers.clone());
    found.sort_by_key(known);
    found.dedup_by_key(|one| known(one));
    found
}

/// The controllers of version 1 that count or do something for us.
const USEFUL: [&str; 6] = ["blkio", "cpu", "cpuacct", "freezer", "memory", "pids"];

/// Those in which a container may have a group.
pub fn useful() -> Vec<Hierarchy> {
    let mut found = mounted();
    found.retain(|one| {
        one.version == Version::V2 || one.controllers.iter().any(|name| USEFUL.contains(&&**name))
    });
    found
}

fn read(own: &str, mounts: &[Mount]) -> Vec<Hierarchy> {
    let mut found = Vec::new();
    for line in own.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let controllers: Vec<&str> =
            controllers.split(',').filter(|controller| !controller.is_empty()).collect();
        let version = if controllers.is_empty() { Version::V2 } else { Version::V1 };
        let is_it = |mount: &&Mount| match version {
            Version::V2 => mount.fstype == "cgroup2",
            Version::V1 => {
                let options: Vec<&str> = mount.options.split(',').collect();
                mount.fstype == "cgroup" && controllers.iter().all(|one| options.contains(one))
            }
        };
        found.extend(mounts.iter().filter(is_it).map(|mount| Hierarchy {
            version,
            controllers: controllers.iter().map(ToString::to_string).collect(),
            own: path.into(),
            point: mount.target.clone(),
            root: mount.root.clone(),
        }));
    }
    found
}

impl Hierarchy {
    /// The directory of a group that is named from the root of the hierarchy on; `None` when it
    /// lies outside of what is mounted.
    pub fn directory(&self, group: &Path) -> Option<PathBuf> {
        let below = group.strip_prefix(&self.root).ok()?;
        let plain = below.components().all(|part| matches!(part, Component::Normal(_)));
        plain.then(|| match below.as_os_str().is_empty() {
            true => self.point.clone(),
            false => self.point.join(below),
        })
    }

    /// The directory of the group that nsctl is in.
    pub fn own_directory(&self) -> Option<PathBuf> {
        self.directory(&self.own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(fstype: &str, root: &str, target: &str, options: &str) -> Mount {
        Mount {
            id: 1,
            parent: 1,
            root: root.into(),
            target: target.into(),
            read_only: false,
            shared: false,
            fstype: fstype.into(),
            options: options.into(),
        }
    }

    #[test]
    fn hierarchies_are_found_with_the_own_group() {
        let own = "5:name=systemd:/\n4:cpu,cpuacct:/a\n3:memory:/b:c\n0::/user.slice/x\n";
        let mounts = [
            mount("cgroup2", "/user.slice", "/unified", "rw,nsdelegate"),
            mount("cgroup", "/", "/cg/cpuacct,cpu", "rw,cpuacct,cpu"),
            mount("cgroup", "/../..", "/cg/memory", "rw,memory"),
            mount("tmpfs", "/", "/cg", "rw"),
        ];
        let found = read(own, &mounts);
        let of = |name: &str| found.iter().find(|one| one.controllers.contains(&name.into()));
        assert!(of("name=systemd").is_none());
        let cpu = of("cpu").unwrap();
        assert_eq!(cpu.own_directory().unwrap(), Path::new("/cg/cpuacct,cpu/a"));
        assert_eq!(cpu.directory(Path::new("/")).unwrap(), Path::new("/cg/cpuacct,cpu"));
        assert_eq!(cpu.directory(Path::new("/a/../b")), None);
        let memory = of("memory").unwrap();
        assert_eq!((memory.own.as_path(), memory.own_directory()), (Path::new("/b:c"), None));
        let unified = found.iter().find(|one| one.version == Version::V2).unwrap();
        assert_eq!(unified.own_directory().unwrap(), Path::new("/unified/x"));
        assert_eq!(unified.directory(Path::new("/other")), None);
    }
}
