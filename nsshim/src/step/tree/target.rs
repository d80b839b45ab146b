//! Where something is placed: found in the root, or made, and never outside of it.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat, fstatat, mkdirat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};

use super::Assembly;
use crate::error::{CallError, Named, Result};
use crate::sys;

/// What a mount point must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Directory,
    File,
}

/// As many as the kernel follows. path_resolution(7)
const MOST_LINKS: usize = 40;

/// A path has 2,048 names at most, and for each there may be a stand-in. Who needs more
/// is being led around by somebody who changes the root meanwhile.
const MOST_TRIES: usize = 2 * 2048 + MOST_LINKS;

/// Opens a path in the root for mounting on it, with `O_PATH`. What is missing is made, on
/// a layer of the container's own.
pub(super) fn find_or_make(assembly: &mut Assembly, path: &Path, shape: Shape) -> Result<OwnedFd> {
    let mut path = path.to_path_buf();
    let mut links = 0;
    for _ in 0..MOST_TRIES {
        match in_root(assembly.root()?, &path) {
            Err(Errno::ENOENT) => {}
            found => return found.call(|| call(&path)),
        }
        match first_missing(assembly, &path)? {
            Missing::Nothing => {}
            Missing::Link { leads_to } if links < MOST_LINKS => {
                links += 1;
                path = leads_to;
            }
            Missing::Link { .. } => {
                return Err(CallError { call: call(&path), errno: Errno::ELOOP });
            }
            Missing::Name { parent, name, is_last } => {
                if !is_own(assembly, parent.as_fd())? {
                    assembly.stand_in_for(parent.as_fd())?;
                    continue;
                }
                let shape = if is_last { shape } else { Shape::Directory };
                match make(&parent, &name, shape) {
                    // A layer of ours that shows a directory of somebody without an id
                    // inside, or is read-only.
                    Err(error) if is_denied(&error) && !assembly.is_stand_in(parent.as_fd())? => {
                        assembly.stand_in_for(parent.as_fd())?;
                    }
                    // Somebody makes and removes the same name.
                    Err(error) if error.errno == Errno::EEXIST => {}
                    done => done?,
                }
            }
        }
    }
    Err(CallError { call: call(&path), errno: Errno::EAGAIN })
}

/// Whether a mount point can be had without a stand-in for a directory of the user's.
pub(super) fn is_at_hand(assembly: &Assembly, path: &Path) -> Result<bool> {
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match in_root(assembly.root()?, &path) {
            Ok(found) => return can_be_covered(&found),
            Err(Errno::ENOENT) => {}
            // A hostile root's own loss.
            Err(Errno::ELOOP | Errno::ENOTDIR | Errno::EACCES) => return Ok(false),
            Err(errno) => return Err(CallError { call: call(&path), errno }),
        }
        match first_missing(assembly, &path)? {
            Missing::Nothing => {}
            // A dangling link, as of systemd-resolved's resolv.conf: where it leads decides.
            Missing::Link { leads_to } => path = leads_to,
            Missing::Name { parent, .. } => return is_own(assembly, parent.as_fd()),
        }
    }
    Ok(false)
}

/// A root may have a symbolic link in the file's place, to one of the devices or of /proc.
fn can_be_covered(found: &OwnedFd) -> Result<bool> {
    let kind = fstat(found).call(|| "fstat(file)".into())?.st_mode & SFlag::S_IFMT.bits();
    let device = [SFlag::S_IFCHR, SFlag::S_IFBLK, SFlag::S_IFDIR].map(|kind| kind.bits());
    let holder = fstatfs(found).call(|| "fstatfs(file)".into())?;
    Ok(!device.contains(&kind) && holder.filesystem_type() != PROC_SUPER_MAGIC)
}

/// The directory that holds the last name of `path`, made when missing, and that name.
pub(super) fn parent_and_name(assembly: &mut Assembly, path: &Path) -> Result<(OwnedFd, PathBuf)> {
    let name = path.file_name().map(PathBuf::from);
    let (Some(parent), Some(name)) = (path.parent(), name) else {
        return Err(CallError { call: call(path), errno: Errno::EEXIST });
    };
    for _ in 0..MOST_LINKS {
        let found = find_or_make(assembly, parent, Shape::Directory)?;
        if is_own(assembly, found.as_fd())? {
            return Ok((found, name));
        }
        assembly.stand_in_for(found.as_fd())?;
    }
    // Somebody leads the path elsewhere each time.
    Err(CallError { call: call(path), errno: Errno::EAGAIN })
}

/// The first name of a path that is not there.
enum Missing {
    /// It is a symbolic link that leads nowhere yet.
    Link { leads_to: PathBuf },
    /// Somebody made it meanwhile.
    Nothing,
    /// It is not there at all.
    Name { parent: OwnedFd, name: PathBuf, is_last: bool },
}

fn first_missing(assembly: &Assembly, path: &Path) -> Result<Missing> {
    let names: Vec<&OsStr> = path
        .components()
        .filter(|component| matches!(component, Component::Normal(_) | Component::ParentDir))
        .map(Component::as_os_str)
        .collect();
    let mut before = PathBuf::from("/");
    for (at, name) in names.iter().enumerate() {
        let here = before.join(name);
        match in_root(assembly.root()?, &here) {
            Ok(_) => before = here,
            Err(Errno::ENOENT) => {
                let parent = match in_root(assembly.root()?, &before) {
                    Err(Errno::ENOENT) => return Ok(Missing::Nothing),
                    parent => parent.call(|| call(&before))?,
                };
                if let Some(target) = link_target(&parent, name)? {
                    // Not by join(""): a slash at the end would ask for a directory.
                    let mut leads_to = before.join(target);
                    leads_to.extend(&names[at + 1..]);
                    return Ok(Missing::Link { leads_to });
                }
                let is_last = at + 1 == names.len();
                return Ok(Missing::Name { parent, name: name.into(), is_last });
            }
            Err(errno) => return Err(CallError { call: call(&here), errno }),
        }
    }
    Ok(Missing::Nothing)
}

fn link_target(parent: &OwnedFd, name: &OsStr) -> Result<Option<PathBuf>> {
    match fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(CallError { call: format!("fstatat(root, {name:?})"), errno }),
        Ok(found)
            if SFlag::from_bits_truncate(found.st_mode & SFlag::S_IFMT.bits())
                == SFlag::S_IFLNK =>
        {
            readlinkat(parent, name)
                .call(|| format!("readlinkat(root, {name:?})"))
                .map(|target| Some(target.into()))
        }
        Ok(_) => Ok(None),
    }
}

fn is_denied(error: &CallError) -> bool {
    matches!(error.errno, Errno::EACCES | Errno::EPERM | Errno::EROFS | Errno::EOVERFLOW)
}

fn make(parent: &OwnedFd, name: &Path, shape: Shape) -> Result<()> {
    if shape == Shape::Directory {
        return mkdirat(parent, name, Mode::from_bits_truncate(0o755))
            .call(|| format!("mkdirat(root, {name:?}, 0755)"));
    }
    let flags =
        OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    openat(parent, name, flags, Mode::from_bits_truncate(0o644))
        .call(|| format!("openat(root, {name:?}, O_CREAT|O_EXCL, 0644)"))
        .map(drop)
}

fn is_own(assembly: &Assembly, directory: BorrowedFd<'_>) -> Result<bool> {
    let id = sys::mount_id(directory).call(|| "statx(directory, STATX_MNT_ID)".into())?;
    Ok(assembly.own.contains(&id))
}

/// Follows symbolic links as if the root were "/", and no magic link of /proc.
/// openat2(2), Linux 5.6
fn in_root(root: BorrowedFd<'_>, path: &Path) -> nix::Result<OwnedFd> {
    let how = || {
        OpenHow::new()
            .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS)
    };
    // EAGAIN: something was renamed meanwhile, so that ".." could not be trusted.
    let mut found = openat2(root, path, how());
    for _ in 0..100 {
        if !matches!(found, Err(Errno::EAGAIN)) {
            break;
        }
        found = openat2(root, path, how());
    }
    found
}

fn call(path: &Path) -> String {
    format!("openat2(root, {path:?}, O_PATH, RESOLVE_IN_ROOT)")
}
