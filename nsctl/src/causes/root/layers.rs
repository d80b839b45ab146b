//! Overlays: what they are made of, and where their changes go.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, statfs};
use nsshim::spec::{IdMap, Kept, Overlay, RootSource, Upper};

use super::super::{Scene, access};
use super::place::placed;
use crate::error::Finding;

/// The overlay that failed: one that was to be placed, or the root's.
fn overlay<'a>(scene: &'a Scene<'_>) -> Option<&'a Overlay> {
    let placed = placed(scene).and_then(|placed| placed.overlay.as_ref());
    placed.or(scene.asked.inside.root.as_ref()?.overlay.as_ref())
}

/// Where its changes are kept.
fn kept<'a>(scene: &'a Scene<'_>) -> Option<&'a Kept> {
    match &overlay(scene)?.upper {
        Upper::Kept(kept) => Some(kept),
        Upper::Discarded | Upper::None => None,
    }
}

/// What it is over: directories, or a part of the host's root.
fn lower(scene: &Scene<'_>) -> Vec<PathBuf> {
    if let Some(part) = scene.failure.step.strip_prefix("put a layer over ") {
        return vec![part.into()];
    }
    match placed(scene).and_then(|placed| placed.overlay.as_ref()) {
        Some(overlay) => overlay.lower.clone(),
        None => scene.asked.inside.layers(),
    }
}

pub(super) fn layer_link(scene: &Scene<'_>) -> Option<Finding> {
    if scene.failure.errno != Errno::ELOOP {
        return None;
    }
    let kept = kept(scene)?;
    let link = [&kept.upper, &kept.work].map(|name| kept.base.join(name));
    let link = link.iter().find(|path| path.is_symlink())?.display();
    Some(
        Finding::new(format!(
            "{link} is a symbolic link, and changes are kept in that place alone"
        ))
        .try_this(format!("rm '{link}'")),
    )
}

pub(super) fn layer_type(scene: &Scene<'_>) -> Option<Finding> {
    if scene.failure.errno != Errno::EINVAL {
        return None;
    }
    let upper = kept(scene).map(|kept| kept.base.clone()).into_iter();
    let overlay = |path: &PathBuf| {
        statfs(path).is_ok_and(|found| found.filesystem_type() == OVERLAYFS_SUPER_MAGIC)
    };
    if let Some(upper) = upper.clone().find(overlay) {
        return Some(
            Finding::new(format!(
                "{} is on an overlay, which takes no changes of another",
                upper.display()
            ))
            .try_this("--overlay=DIR with DIR on a file system of its own, or on a tmpfs"),
        );
    }
    let unfit = ["proc", "sysfs", "cgroup2", "cgroup", "vfat", "exfat", "ntfs3", "nfs", "nfs4"];
    let lower = lower(scene);
    let all = upper.chain(lower.iter().cloned());
    let found = all.into_iter().find_map(|path| {
        let mount = scene.machine.mount_of(&fs::canonicalize(&path).ok()?)?;
        unfit.contains(&mount.fstype.as_str()).then(|| {
            Finding::new(format!(
                "{} is on {}, of which an overlay cannot be made",
                path.display(),
                mount.fstype
            ))
            .try_this("a directory on ext4, XFS, btrfs or tmpfs")
        })
    });
    found.or_else(|| {
        let deep = lower.into_iter().find(overlay)?;
        Some(
            // FILESYSTEM_MAX_STACK_DEPTH, include/linux/fs.h
            Finding::new(format!(
                "{} is on an overlay, and the kernel puts no more than two on one another",
                deep.display()
            ))
            .try_this("a directory that is not on an overlay"),
        )
    })
}

pub(super) fn changes_in_use(scene: &Scene<'_>) -> Option<Finding> {
    let directory = scene.failure.step.strip_prefix("keep changes in ")?;
    Some(
        Finding::new(format!("another container keeps its changes in {directory}"))
            .try_this("another directory, or wait for the end of that container (nsctl ps)"),
    )
}

pub(super) fn work_directory(scene: &Scene<'_>) -> Option<Finding> {
    let kept = kept(scene)?;
    let work = kept.base.join(&kept.work);
    let work = work.display();
    (scene.failure.errno == Errno::EROFS).then(|| {
        Finding::new(format!("the kernel cannot use what an earlier container left in {work}"))
            .try_this(format!("rm -rf '{work}', as who ran that container"))
    })
}

pub(super) fn layer_in_use(scene: &Scene<'_>) -> Option<Finding> {
    let kept = kept(scene)?;
    let directory = kept.base.join(&kept.upper);
    let directory = directory.display();
    match scene.failure.errno {
        Errno::EBUSY => Some(
            Finding::new(format!("the changes in {directory} are in use by another overlay"))
                .try_this("--overlay=DIR with another directory, or wait for the other container"),
        ),
        Errno::ESTALE => Some(
            Finding::new(format!("the changes in {directory} were made over another directory"))
                .try_this("the --rootfs that they were made over, or another --overlay=DIR"),
        ),
        _ => None,
    }
}

pub(super) fn layer_for_changes(scene: &Scene<'_>) -> Option<Finding> {
    let directory = &kept(scene)?.base;
    let shown = directory.display();
    let found = fs::metadata(directory).ok()?;
    let finding = match scene.failure.errno {
        Errno::EACCES => Finding::new(format!(
            "{shown} ({}) may not be written by {}, whom the container is on the host",
            access::mode_and_owner(&found),
            scene.asked.starter.shown()
        )),
        Errno::EROFS => Finding::new(format!("{shown} is on a file system that is read-only")),
        _ => {
            let mount = scene.machine.mount_of(&fs::canonicalize(directory).ok()?)?;
            let fstype = mount.fstype;
            Finding::new(format!("{shown} is on {fstype}, in which no directory can be made"))
        }
    };
    Some(finding.try_this("--overlay=DIR with a directory of the caller's"))
}

/// How many files are looked at.
const LOOKED_AT: usize = 4096;

/// An overlay copies a file before it changes it, with its owner: who must exist inside.
/// ovl_copy_up_one(), fs/overlayfs/copy_up.c
pub(super) fn unmapped_owner(scene: &Scene<'_>) -> Option<Finding> {
    let root = scene.asked.inside.root.as_ref()?;
    let overlay = root.overlay.as_ref().filter(|overlay| overlay.upper != Upper::None)?;
    let RootSource::Directory(lowest) = &root.source else { return None };
    let maps = scene.asked.maps.as_ref().filter(|_| !root.idmap)?;
    let mapped = |lines: &[IdMap], id: u32| {
        lines.iter().any(|line| id.checked_sub(line.outside.0).is_some_and(|at| at < line.count))
    };
    // Breadth first: what is near the root is what is changed first.
    let mut paths: VecDeque<PathBuf> = overlay.lower.iter().chain([lowest]).cloned().collect();
    let mut looked_at = 0;
    while let Some(path) = paths.pop_front() {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        let (uid, gid) = (found.uid(), found.gid());
        if !mapped(&maps.users, uid) || !mapped(&maps.groups, gid) {
            return Some(
                Finding::new(format!(
                    "{} belongs to {uid}:{gid}, who does not exist inside: an overlay cannot copy \
                     such a file, so that changing it fails with EOVERFLOW",
                    path.display()
                ))
                .try_this(
                    "--map-auto and a root whose files have these owners, or as root: \
                     --rootfs DIR:idmap --map-auto",
                ),
            );
        }
        looked_at += 1;
        if found.is_dir() && looked_at + paths.len() < LOOKED_AT {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            paths.extend(entries.map(|entry| entry.path()).take(LOOKED_AT));
        }
    }
    None
}
