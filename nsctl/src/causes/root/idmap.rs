//! Trees whose owners are mapped.

use std::fs;
use std::path::Path;

use nix::errno::Errno;

use super::super::Scene;
use crate::error::Finding;
use crate::mountinfo::Mount;

/// What maps the owners of files, as of Linux 6.18; each learned it in a release of its own.
const MAPS_OWNERS: [&str; 18] = [
    "btrfs",
    "ceph",
    "erofs",
    "exfat",
    "ext2",
    "ext3",
    "ext4",
    "f2fs",
    "fuse",
    "hugetlbfs",
    "mqueue",
    "msdos",
    "ntfs3",
    "overlay",
    "squashfs",
    "tmpfs",
    "vfat",
    "xfs",
];

/// A tree is mapped as a whole.
fn unmappable_below<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    mounts.iter().find(|mount| {
        mount.target.starts_with(path) && !MAPS_OWNERS.contains(&mount.fstype.as_str())
    })
}

pub(super) fn idmap(scene: &Scene<'_>) -> Option<Finding> {
    let path = scene.failure.step.strip_prefix("take ")?;
    let mount = scene.machine.mount_of(&fs::canonicalize(path).ok()?)?;
    let fstype = mount.fstype;
    match scene.failure.errno {
        Errno::EPERM => Some(
            Finding::new(format!(
                "only the owner of a file system may map the owners of its files, and {path} is \
                 on {fstype} of the host's"
            ))
            .try_this("as root, or --map-auto and a root whose files have these owners"),
        ),
        Errno::EINVAL if MAPS_OWNERS.contains(&fstype.as_str()) => {
            let mounts = scene.machine.mounts()?;
            let below = unmappable_below(&mounts, &fs::canonicalize(path).ok()?)?;
            let (target, fstype) = (below.target.display(), &below.fstype);
            Some(
                Finding::new(format!(
                    "{target} is mounted in it, and the owners of files on {fstype} cannot be mapped"
                ))
                .try_this("a directory without such mounts"),
            )
        }
        Errno::EINVAL => Some(
            Finding::new(format!("the owners of files on {fstype} cannot be mapped by a mount"))
                .try_this("a copy on ext4, XFS, btrfs or tmpfs"),
        ),
        _ => None,
    }
}
