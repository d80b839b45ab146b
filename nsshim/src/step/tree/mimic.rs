//! A tmpfs in front of a directory that shows what the directory holds.
//!
//! So a mount point that a root lacks is made without a write to the user's directory.
//! What is there stays itself, changes and all; only new names in that one directory
//! are the container's and vanish with it.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::dir::{Dir, Type};
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, fchownat, symlinkat};

use super::file_system::new_file_system;
use crate::error::{Named, Result};
use crate::sys;

/// Covers `directory` with a mount of these `MOUNT_ATTR_*`, and returns it.
pub(super) fn mount_over(directory: BorrowedFd<'_>, attributes: u64) -> Result<OwnedFd> {
    let like = fstat(directory).call(|| "fstat(directory)".into())?;
    let mode = CString::new(format!("{:o}", like.st_mode & 0o7777)).unwrap_or_default();
    let layer = new_file_system(c"tmpfs", &[(c"mode", Some(&mode))], attributes)?;
    // An owner without an id inside stays ours.
    let (owner, group) = (Uid::from_raw(like.st_uid), Gid::from_raw(like.st_gid));
    let _ = fchownat(&layer, c"", Some(owner), Some(group), AtFlags::AT_EMPTY_PATH);
    // Attached first: below a tree that is attached nowhere nothing can be mounted
    // before Linux 6.15. What it covers stays reachable by the descriptor.
    sys::move_mount(layer.as_fd(), directory).call(|| "move_mount(tmpfs, directory)".into())?;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let listing = openat(directory, c".", flags, Mode::empty())
        .call(|| "openat(directory, \".\", O_RDONLY)".into())?;
    let mut entries = Dir::from_fd(listing).call(|| "fdopendir(directory)".into())?;
    for entry in entries.iter() {
        let entry = entry.call(|| "getdents64(directory)".into())?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        show(directory, layer.as_fd(), name, entry.file_type())?;
    }
    Ok(layer)
}

fn show(
    directory: BorrowedFd<'_>,
    layer: BorrowedFd<'_>,
    name: &CStr,
    kind: Option<Type>,
) -> Result<()> {
    let kind =
        kind.unwrap_or_else(|| match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(found) => kind_of(&found),
            Err(_) => Type::File,
        });
    match kind {
        Type::Symlink => {
            let target = readlinkat(directory, name).call(|| format!("readlinkat({name:?})"))?;
            return symlinkat(target.as_os_str(), layer, name)
                .call(|| format!("symlinkat(tmpfs, {name:?})"));
        }
        Type::Directory => mkdirat(layer, name, Mode::from_bits_truncate(0o755))
            .call(|| format!("mkdirat(tmpfs, {name:?})"))?,
        _ => {
            let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
            openat(layer, name, flags, Mode::from_bits_truncate(0o644))
                .call(|| format!("openat(tmpfs, {name:?}, O_CREAT)"))
                .map(drop)?;
        }
    }
    let tree = sys::open_tree_clone(Some(directory), name, true, false)
        .call(|| format!("open_tree(directory, {name:?})"))?;
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let place = openat(layer, name, flags, Mode::empty())
        .call(|| format!("openat(tmpfs, {name:?}, O_PATH)"))?;
    sys::move_mount(tree.as_fd(), place.as_fd()).call(|| format!("move_mount({name:?})"))
}

fn kind_of(found: &FileStat) -> Type {
    match SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFLNK => Type::Symlink,
        SFlag::S_IFDIR => Type::Directory,
        _ => Type::File,
    }
}
