//! Why a root of the container's own cannot be made, or something cannot be placed in it.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, PROC_SUPER_MAGIC, statfs};
use nsshim::Failure;
use nsshim::spec::{IdMap, RootSource, Upper};

use super::inside::PlacedAt;
use super::{Cause, Scene, access, call_name};
use crate::error::Finding;
use crate::mountinfo::Mount;

pub const CAUSES: &[Cause] = &[
    Cause { name: "no-directory-in-root", explains: is_graft, look: no_directory },
    Cause { name: "place-in-proc", explains: is_in_proc, look: place_in_proc },
    Cause { name: "shared-place", explains: is_shared, look: shared_place },
    Cause {
        name: "file-on-directory",
        explains: |failure| failure.errno == Errno::EISDIR && is_move(failure),
        look: file_on_directory,
    },
    Cause {
        name: "directory-on-file",
        explains: |failure| failure.errno == Errno::ENOTDIR && is_move(failure),
        look: directory_on_file,
    },
    Cause { name: "way-to-place", explains: is_lookup, look: way_to_place },
    Cause { name: "source-gone", explains: is_copy, look: source_gone },
    Cause { name: "source-closed", explains: is_copy, look: source_closed },
    Cause { name: "layer-is-a-link", explains: is_overlay, look: layer_link },
    Cause { name: "layer-type", explains: is_overlay, look: layer_type },
    Cause { name: "changes-in-use", explains: is_lock, look: changes_in_use },
    Cause { name: "work-directory", explains: is_overlay, look: work_directory },
    Cause { name: "layer-in-use", explains: is_overlay, look: layer_in_use },
    Cause { name: "layer-cannot-change", explains: makes_layer, look: layer_for_changes },
    Cause {
        name: "overlay-unmapped-owner",
        explains: |failure| failure.errno == Errno::EOVERFLOW,
        look: unmapped_owner,
    },
    Cause { name: "idmap", explains: is_idmap, look: idmap },
    Cause { name: "loop-devices", explains: is_loop, look: loop_devices },
    Cause { name: "file-system-unknown", explains: is_new, look: unknown_file_system },
    Cause { name: "image-damaged", explains: is_new, look: damaged_image },
    Cause {
        name: "noexec-place",
        explains: |failure| call_name(failure) == "execve" && failure.errno == Errno::EACCES,
        look: noexec_place,
    },
    Cause {
        name: "mount-max",
        explains: |failure| failure.errno == Errno::ENOSPC && makes_mounts(failure),
        look: mount_max,
    },
];

fn is_graft(failure: &Failure) -> bool {
    let refused = matches!(failure.errno, Errno::ELOOP | Errno::ENOTDIR | Errno::EXDEV);
    refused && failure.call.contains("RESOLVE_NO_SYMLINKS")
}

fn is_in_proc(failure: &Failure) -> bool {
    failure.call.contains("PROC_SUPER_MAGIC")
}

fn is_shared(failure: &Failure) -> bool {
    failure.call.contains("shared with the host")
}

fn is_move(failure: &Failure) -> bool {
    call_name(failure) == "move_mount"
}

fn is_lookup(failure: &Failure) -> bool {
    failure.call.contains("RESOLVE_IN_ROOT") || failure.call.starts_with("openat(directory")
}

fn is_copy(failure: &Failure) -> bool {
    failure.call.starts_with("open_tree(AT_FDCWD")
}

fn is_overlay(failure: &Failure) -> bool {
    failure.call.starts_with("mount(\"overlay\"")
}

fn is_lock(failure: &Failure) -> bool {
    call_name(failure) == "flock"
}

fn makes_layer(failure: &Failure) -> bool {
    failure.call.starts_with("mkdir(overlay")
}

fn is_idmap(failure: &Failure) -> bool {
    failure.call.contains("MOUNT_ATTR_IDMAP")
}

fn is_loop(failure: &Failure) -> bool {
    failure.call.contains("/dev/loop") || failure.call.contains("LOOP_")
}

fn is_new(failure: &Failure) -> bool {
    failure.call.starts_with("fsopen(")
}

fn makes_mounts(failure: &Failure) -> bool {
    matches!(call_name(failure), "open_tree" | "move_mount" | "mount" | "fsopen" | "fsmount")
}

/// What was to be placed when it failed: the step's text ends in its place.
fn placed<'a>(scene: &'a Scene<'_>) -> Option<&'a PlacedAt> {
    let ends =
        |placed: &&PlacedAt| scene.failure.step.ends_with(&format!(" {}", placed.target.display()));
    let all = scene.asked.inside.placed.iter().filter(ends);
    all.max_by_key(|placed| placed.target.as_os_str().len())
}

/// The first name on the way that is no directory, in the topmost layer that has it.
enum Way {
    Link(PathBuf, PathBuf),
    File(PathBuf),
    Closed(PathBuf, String),
}

fn way(scene: &Scene<'_>, path: &Path) -> Option<Way> {
    let mut parts: Vec<&Path> = path.ancestors().collect();
    parts.reverse();
    parts.into_iter().find_map(|part| {
        let name = part.strip_prefix("/").unwrap_or(part);
        let mut layers = scene.asked.inside.layers().into_iter();
        let (file, found) = layers.find_map(|layer| {
            let file = layer.join(name);
            fs::symlink_metadata(&file).ok().map(|found| (file, found))
        })?;
        if found.is_symlink() {
            return Some(Way::Link(part.into(), fs::read_link(file).ok()?));
        }
        if !found.is_dir() {
            return Some(Way::File(part.into()));
        }
        (!scene.asked.ids.may_enter(&found))
            .then(|| Way::Closed(part.into(), access::mode_and_owner(&found)))
    })
}

/// The directory that the root is, for a command.
fn root_directory(scene: &Scene<'_>) -> Option<PathBuf> {
    match &scene.asked.inside.root.as_ref()?.source {
        RootSource::Directory(path) => Some(path.clone()),
        _ => None,
    }
}

fn no_directory(scene: &Scene<'_>) -> Option<Finding> {
    let path = ["/proc", "/dev", "/sys"]
        .into_iter()
        .find(|path| scene.failure.step.starts_with(&format!("put {path} ")))?;
    let finding = match way(scene, Path::new(path))? {
        Way::Link(_, target) => Finding::new(format!(
            "{path} of the root is a symbolic link, to {}; what is mounted on it could be led \
             anywhere",
            target.display()
        )),
        Way::File(_) => Finding::new(format!("{path} of the root is not a directory")),
        Way::Closed(..) => return None,
    };
    let directory = root_directory(scene)?;
    let file = format!("{}{path}", directory.display());
    Some(finding.try_this(format!("rm '{file}': a missing directory is made for the container")))
}

fn place_in_proc(scene: &Scene<'_>) -> Option<Finding> {
    const WHY: &str = "of /proc only a few files may be covered (meminfo, cpuinfo, stat, uptime \
                       …): what the kernel says there must stay what it says";
    if let Some(directory) = root_directory(scene)
        && statfs(&directory).is_ok_and(|found| found.filesystem_type() == PROC_SUPER_MAGIC)
    {
        return Some(
            Finding::new(format!("the root, {}, is a proc file system", directory.display()))
                .try_this("a directory with programs in it"),
        );
    }
    let target = &placed(scene)?.target;
    let leads = match way(scene, target) {
        Some(Way::Link(link, to)) => format!(
            "{} of the root is a symbolic link to {}, and so {} is in /proc; ",
            link.display(),
            to.display(),
            target.display()
        ),
        _ => String::new(),
    };
    Some(Finding::new(format!("{leads}{WHY}")).try_this("another place inside"))
}

fn shared_place(scene: &Scene<'_>) -> Option<Finding> {
    let target = placed(scene)?.target.display();
    Some(
        Finding::new(format!(
            "{target} is in a volume whose mounts travel to the host (rshared): it would appear \
             there, and stay when the container is gone"
        ))
        .try_this("rslave or rprivate for that volume, or another place"),
    )
}

fn file_on_directory(scene: &Scene<'_>) -> Option<Finding> {
    let PlacedAt { target, source, .. } = placed(scene)?;
    let name = source.as_ref().and_then(|source| source.file_name()).unwrap_or_default();
    let inside = target.join(name);
    let what = source.as_ref().map_or("what is placed".into(), |path| path.display().to_string());
    Some(
        Finding::new(format!("{what} is a file, and {} inside is a directory", target.display()))
            .try_this(format!("{} as the place inside", inside.display())),
    )
}

fn directory_on_file(scene: &Scene<'_>) -> Option<Finding> {
    let PlacedAt { target, source, .. } = placed(scene)?;
    let what = source.as_ref().map_or("what is placed".into(), |path| path.display().to_string());
    Some(
        Finding::new(format!("{what} is a directory, and {} inside is a file", target.display()))
            .try_this("a file to show there, or another place inside"),
    )
}

fn way_to_place(scene: &Scene<'_>) -> Option<Finding> {
    let target = &placed(scene)?.target;
    let another = "another place inside";
    Some(match (scene.failure.errno, way(scene, target)?) {
        (Errno::ELOOP, Way::Link(link, to)) => Finding::new(format!(
            "{} of the root is a symbolic link to {}, and the links lead in a circle",
            link.display(),
            to.display()
        ))
        .try_this(another),
        (Errno::ENOTDIR, Way::File(file)) => {
            Finding::new(format!("{} of the root is not a directory", file.display()))
                .try_this(another)
        }
        (Errno::EACCES, Way::Closed(directory, mode)) => Finding::new(format!(
            "the directory {} of the root ({mode}) may not be entered by {}, whom the workload \
             is on the host",
            directory.display(),
            scene.asked.ids.shown()
        ))
        .try_this("a root whose files belong to the caller, or --map-auto"),
        (Errno::EAGAIN, Way::Link(link, _)) => Finding::new(format!(
            "somebody changes {} of the root while the container starts",
            link.display()
        )),
        _ => return None,
    })
}

/// The path in a call's quotes, `open_tree(AT_FDCWD, "/mnt", …)`.
fn quoted(call: &str) -> Option<PathBuf> {
    call.split('"').nth(1).map(PathBuf::from)
}

fn source_gone(scene: &Scene<'_>) -> Option<Finding> {
    if !matches!(scene.failure.errno, Errno::ENOENT | Errno::ENOTDIR) {
        return None;
    }
    let obstacle = access::absent(&quoted(&scene.failure.call)?)?;
    Some(Finding::new(obstacle.told(&scene.asked.ids)).try_this("a path that exists"))
}

fn source_closed(scene: &Scene<'_>) -> Option<Finding> {
    if scene.failure.errno != Errno::EACCES {
        return None;
    }
    let path = quoted(&scene.failure.call)?;
    let closed = access::closed(&path, &scene.asked.starter)?;
    Some(Finding::new(closed.told(&scene.asked.starter)).try_this("a path that it may enter"))
}

/// The directory for changes, if the root has one.
fn kept(scene: &Scene<'_>) -> Option<PathBuf> {
    match &scene.asked.inside.root.as_ref()?.overlay.as_ref()?.upper {
        Upper::Kept(path) => Some(path.clone()),
        _ => None,
    }
}

fn layer_link(scene: &Scene<'_>) -> Option<Finding> {
    if scene.failure.errno != Errno::ELOOP {
        return None;
    }
    let directory = kept(scene)?;
    let link = ["upper", "work"].map(|name| directory.join(name));
    let link = link.iter().find(|path| path.is_symlink())?.display();
    Some(
        Finding::new(format!(
            "{link} is a symbolic link, and changes are kept in that place alone"
        ))
        .try_this(format!("rm '{link}'")),
    )
}

fn layer_type(scene: &Scene<'_>) -> Option<Finding> {
    if scene.failure.errno != Errno::EINVAL {
        return None;
    }
    let upper = kept(scene).into_iter();
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
    let all = upper.chain(scene.asked.inside.layers());
    all.into_iter().find_map(|path| {
        let mount = scene.machine.mount_of(&fs::canonicalize(&path).ok()?)?;
        unfit.contains(&mount.fstype.as_str()).then(|| {
            Finding::new(format!(
                "{} is on {}, of which an overlay cannot be made",
                path.display(),
                mount.fstype
            ))
            .try_this("a directory on ext4, XFS, btrfs or tmpfs")
        })
    })
}

fn changes_in_use(scene: &Scene<'_>) -> Option<Finding> {
    let directory = scene.failure.step.strip_prefix("keep changes in ")?;
    Some(
        Finding::new(format!("another container keeps its changes in {directory}"))
            .try_this("another directory, or wait for the end of that container (nsctl ps)"),
    )
}

fn work_directory(scene: &Scene<'_>) -> Option<Finding> {
    let directory = kept(scene)?;
    let directory = directory.display();
    (scene.failure.errno == Errno::EROFS).then(|| {
        Finding::new(format!(
            "the kernel cannot use what an earlier container left in {directory}/work"
        ))
        .try_this(format!("rm -rf '{directory}/work', as who ran that container"))
    })
}

fn layer_in_use(scene: &Scene<'_>) -> Option<Finding> {
    let directory = kept(scene)?;
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

fn layer_for_changes(scene: &Scene<'_>) -> Option<Finding> {
    let directory = kept(scene)?;
    let shown = directory.display();
    let found = fs::metadata(&directory).ok()?;
    let finding = match scene.failure.errno {
        Errno::EACCES => Finding::new(format!(
            "{shown} ({}) may not be written by {}, whom the container is on the host",
            access::mode_and_owner(&found),
            scene.asked.starter.shown()
        )),
        Errno::EROFS => Finding::new(format!("{shown} is on a file system that is read-only")),
        _ => {
            let mount = scene.machine.mount_of(&fs::canonicalize(&directory).ok()?)?;
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
fn unmapped_owner(scene: &Scene<'_>) -> Option<Finding> {
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

fn idmap(scene: &Scene<'_>) -> Option<Finding> {
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

fn loop_devices(scene: &Scene<'_>) -> Option<Finding> {
    match scene.failure.errno {
        Errno::ENOENT | Errno::ENODEV | Errno::ENXIO => Some(
            Finding::new("this machine has no loop devices, which show a file as a disk")
                .try_this("sudo modprobe loop"),
        ),
        Errno::EACCES | Errno::EPERM => Some(
            Finding::new("a loop device belongs to the machine, and only its root may use one")
                .try_this("as root, or unpack the image: unsquashfs, fsck.erofs --extract=DIR"),
        ),
        Errno::EBUSY => Some(
            Finding::new("other processes took every free loop device first").try_this("once more"),
        ),
        _ => None,
    }
}

fn unknown_file_system(scene: &Scene<'_>) -> Option<Finding> {
    if scene.failure.errno != Errno::ENODEV {
        return None;
    }
    let fstype = quoted(&scene.failure.call)?;
    let fstype = fstype.to_str()?;
    let known = scene.machine.read("/proc/filesystems")?;
    let has = known.lines().any(|line| line.split('\t').nth(1) == Some(fstype));
    (!has).then(|| {
        Finding::new(format!("this kernel has no {fstype}, or has not loaded it"))
            .try_this(format!("sudo modprobe {fstype}"))
    })
}

fn damaged_image(scene: &Scene<'_>) -> Option<Finding> {
    let RootSource::Image { file, fstype } = &scene.asked.inside.root.as_ref()?.source else {
        return None;
    };
    let damage = [Errno::EINVAL, Errno::EIO, Errno::EUCLEAN];
    if !scene.failure.step.starts_with("open the image") || !damage.contains(&scene.failure.errno) {
        return None;
    }
    let size = fs::metadata(file).ok()?.len();
    let (file, name) = (file.display(), fstype.name());
    Some(
        Finding::new(format!(
            "{file} begins like {name}, but the kernel cannot read it: it is damaged, cut off \
             ({size} bytes), or of a kind that this kernel does not know"
        ))
        .try_this("get it again; the last lines of dmesg say more"),
    )
}

fn mount_max(scene: &Scene<'_>) -> Option<Finding> {
    let most = scene.machine.number("/proc/sys/fs/mount-max")?;
    let here = scene.machine.mounts()?.len() as i64;
    (here * 2 > most).then(|| {
        Finding::new(format!(
            "a mount namespace may hold {most} mounts (fs.mount-max), and here are {here}, which \
             the container gets too"
        ))
        .try_this(format!("sudo sysctl -w fs.mount-max={}", most.max(here) * 4))
    })
}

fn noexec_place(scene: &Scene<'_>) -> Option<Finding> {
    let command = &scene.asked.command;
    let over = scene.asked.inside.placed.iter().rev();
    let place = over.into_iter().find(|placed| command.starts_with(&placed.target))?;
    place.noexec.then(|| {
        let (shown, place) = (command.display(), place.target.display());
        Finding::new(format!("{shown} is on {place}, which is mounted noexec"))
            .try_this(format!("the option exec for what is mounted on {place}"))
    })
}
