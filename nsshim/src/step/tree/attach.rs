//! The stage, the root on it, and the way in.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, mkdirat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
use nix::sys::statvfs::FsFlags;
use nix::unistd::{chdir, fchdir, pivot_root};

use super::file_system::new_file_system;
use super::take::c_path;
use super::target::{self, Shape};
use super::{Assembly, mimic, mount_id};
use crate::error::{CallError, Named, Result};
use crate::sys::{self, MountChange};

/// Covers "/" with a tmpfs of ours. Paths still start below it, at the host's root, and
/// only we hold it: what is made there can be seen by nobody and needs no directory.
pub(super) fn stage(assembly: &mut Assembly) -> Result<()> {
    assembly.umask = Some(sys::umask(0o022));
    let stage = new_file_system(c"tmpfs", &[(c"mode", Some(c"0700"))], 0)?;
    let top = open("/", OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
        .call(|| "open(\"/\", O_PATH)".into())?;
    sys::move_mount(stage.as_fd(), top.as_fd()).call(|| "move_mount(tmpfs, \"/\")".into())?;
    fchdir(&stage).call(|| "fchdir(stage)".into())?;
    assembly.stage = Some(stage);
    Ok(())
}

pub(super) fn root_of_taken(assembly: &mut Assembly) -> Result<()> {
    let tree = assembly.next_taken()?;
    put_on_stage(assembly, &tree, c"root")?;
    assembly.root = Some(tree);
    Ok(())
}

pub(super) fn root_empty(assembly: &mut Assembly, attributes: u64) -> Result<()> {
    let tree = new_file_system(c"tmpfs", &[(c"mode", Some(c"0755"))], attributes)?;
    put_on_stage(assembly, &tree, c"root")?;
    assembly.keep_own(tree.as_fd())?;
    assembly.root = Some(tree);
    Ok(())
}

/// Makes a mount point on the stage and attaches the tree there.
pub(super) fn put_on_stage(assembly: &Assembly, tree: &OwnedFd, name: &CStr) -> Result<()> {
    let place = directory_on_stage(assembly, name)?;
    sys::move_mount(tree.as_fd(), place.as_fd()).call(|| format!("move_mount(tree, {name:?})"))
}

pub(super) fn directory_on_stage(assembly: &Assembly, name: &CStr) -> Result<OwnedFd> {
    let stage = assembly.stage()?;
    mkdirat(stage, name, Mode::from_bits_truncate(0o755))
        .call(|| format!("mkdirat(stage, {name:?}, 0755)"))?;
    open_on_stage(stage, name)
}

pub(super) fn open_on_stage(stage: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    openat(stage, name, flags, Mode::empty()).call(|| format!("openat(stage, {name:?}, O_PATH)"))
}

/// /proc, /dev and /sys must be real directories: through a symbolic link somebody else's
/// choice of a place would get them (CVE-2023-27561, CVE-2026-41579).
pub(super) fn graft(assembly: &mut Assembly, path: &'static str, own: bool) -> Result<()> {
    let mut place = real_directory(assembly.root()?, path);
    if let Err(Errno::ENOENT) = place {
        target::find_or_make(assembly, Path::new(path), Shape::Directory)?;
        // Looked at again: somebody may have put a symbolic link there meanwhile.
        place = real_directory(assembly.root()?, path);
    }
    let place = place.call(|| format!("openat2(root, {path:?}, RESOLVE_NO_SYMLINKS)"))?;
    let c_path = c_path(Path::new(path));
    let tree = match own {
        true => sys::open_tree_attached(&c_path),
        false => sys::open_tree_clone(None, &c_path, true, true),
    }
    .call(|| format!("open_tree({path:?})"))?;
    sys::move_mount(tree.as_fd(), place.as_fd())
        .call(|| format!("move_mount({path:?}, \"root{path}\")"))?;
    // The container's own devices are a tmpfs, where a mount point may be made.
    if own && path == "/dev" { assembly.keep_own(tree.as_fd()) } else { Ok(()) }
}

fn real_directory(root: BorrowedFd<'_>, path: &str) -> nix::Result<OwnedFd> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_SYMLINKS);
    openat2(root, path, how)
}

pub(super) fn seal(assembly: &mut Assembly, root_too: bool) -> Result<()> {
    let change = MountChange { set: libc::MOUNT_ATTR_RDONLY, ..MountChange::default() };
    let root = root_too.then(|| assembly.root()).transpose()?;
    let others = assembly.layers.iter().chain(&assembly.stand_ins).map(AsFd::as_fd);
    for mount in root.into_iter().chain(others) {
        sys::mount_setattr(mount, change)
            .call(|| "mount_setattr(root, {attr_set=MOUNT_ATTR_RDONLY})".into())?;
    }
    Ok(())
}

/// pivot_root(2) stacks the old root on the new one. There it is let go, with the stage, and
/// with them every path to the host.
pub(super) fn enter(assembly: &mut Assembly) -> Result<()> {
    // Mount points can be made in them until now.
    let change = MountChange { set: libc::MOUNT_ATTR_RDONLY, ..MountChange::default() };
    for layer in &assembly.read_only_stand_ins {
        sys::mount_setattr(layer.as_fd(), change)
            .call(|| "mount_setattr(tmpfs, {attr_set=MOUNT_ATTR_RDONLY})".into())?;
    }
    let root = assembly.root()?;
    let _ = aside(assembly.stage()?);
    fchdir(root).call(|| "fchdir(root)".into())?;
    pivot_root(".", ".").call(|| "pivot_root(\".\", \".\")".into())?;
    let ours = sys::mount_id(root).call(|| "statx(root, STATX_MNT_ID)".into())?;
    while top_of_root()? != ours {
        umount2("/..", MntFlags::MNT_DETACH).call(|| "umount2(\"/..\", MNT_DETACH)".into())?;
    }
    chdir("/").call(|| "chdir(\"/\")".into())?;
    if let Some(umask) = assembly.umask {
        sys::umask(umask);
    }
    *assembly = Assembly::default();
    Ok(())
}

/// Moves the stage from the top of the host's root to its /proc. Else it would have to be let
/// go in a call of its own, and each of them waits for an RCU grace period.
fn aside(stage: BorrowedFd<'_>) -> nix::Result<()> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    sys::move_mount(stage, open("/proc", flags, Mode::empty())?.as_fd())
}

/// The mount that lies on top of the root: ".." stays at the root but climbs what is
/// mounted on it, where "/" does not.
fn top_of_root() -> Result<u64> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let top = open("/..", flags, Mode::empty()).call(|| "open(\"/..\", O_PATH)".into())?;
    sys::mount_id(top.as_fd()).call(|| "statx(\"/..\", STATX_MNT_ID)".into())
}

pub(super) fn share() -> Result<()> {
    let flags = MsFlags::MS_REC | MsFlags::MS_SHARED;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)
        .call(|| "mount(NULL, \"/\", NULL, MS_REC|MS_SHARED)".into())
}

/// What a mount forbids, read-only aside.
pub(super) fn attributes_of(flags: FsFlags) -> u64 {
    let table = [
        (FsFlags::ST_NODEV, libc::MOUNT_ATTR_NODEV),
        (FsFlags::ST_NOSUID, libc::MOUNT_ATTR_NOSUID),
        (FsFlags::ST_NOEXEC, libc::MOUNT_ATTR_NOEXEC),
    ];
    table.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, bit)| bit).sum()
}

impl Assembly {
    /// Whether a directory is on a tmpfs that stands in for another directory.
    pub(super) fn is_stand_in(&self, directory: BorrowedFd<'_>) -> Result<bool> {
        let id = |fd| sys::mount_id(fd).call(|| "statx(directory, STATX_MNT_ID)".into());
        let wanted = id(directory)?;
        for layer in &self.stand_ins {
            if id(layer.as_fd())? == wanted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is mounted in a tree whose mounts travel to the host would appear there, and stay
    /// when the container is gone.
    pub(super) fn refuse_shared(&self, place: BorrowedFd<'_>) -> Result<()> {
        if self.shared.is_empty() || !self.shared.contains(&mount_id(place)?) {
            return Ok(());
        }
        let call = "move_mount(tree, a mount shared with the host)".into();
        Err(CallError { call, errno: Errno::EINVAL })
    }

    /// Puts a tmpfs that shows the same in front of a directory, so that a mount point
    /// can be made there and the directory stays as it is. It forbids what the mount
    /// that holds the directory forbids.
    ///
    /// # Errors
    /// `EPERM` in /proc, which must stay the kernel's (CVE-2019-16884): a symbolic link of
    /// the root's may lead to a name that is not there.
    pub(super) fn stand_in_for(&mut self, directory: BorrowedFd<'_>) -> Result<()> {
        let found = fstatfs(directory).call(|| "fstatfs(directory)".into())?;
        if found.filesystem_type() == PROC_SUPER_MAGIC {
            let call = "fstatfs(directory) = PROC_SUPER_MAGIC".into();
            return Err(CallError { call, errno: Errno::EPERM });
        }
        self.refuse_shared(directory)?;
        let flags = found.flags();
        let is_root = {
            let root = nix::sys::stat::fstat(self.root()?).call(|| "fstat(root)".into())?;
            let found = nix::sys::stat::fstat(directory).call(|| "fstat(directory)".into())?;
            let same_mount = sys::mount_id(self.root()?).ok() == sys::mount_id(directory).ok();
            same_mount && (root.st_dev, root.st_ino) == (found.st_dev, found.st_ino)
        };
        let layer = mimic::mount_over(directory, attributes_of(flags))?;
        self.keep_own(layer.as_fd())?;
        let copy = || layer.try_clone().call(|| "fcntl(F_DUPFD_CLOEXEC)".into());
        self.stand_ins.push(copy()?);
        if flags.contains(FsFlags::ST_RDONLY) {
            self.read_only_stand_ins.push(copy()?);
        }
        if is_root {
            self.root = Some(layer);
        }
        Ok(())
    }
}
