//! A part of the host's root, put where it is on the host: as a layer that takes changes, as it
//! is but read-only, or made anew to hold others.
//!
//! A user namespace must not see behind the mounts that came into it, so there an overlay cannot
//! be over a directory with mounts in it; clone_private_mount(), fs/namespace.c. Such a directory
//! is made anew on the root's tmpfs, and each of its entries is a part.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::{Mode, SFlag, fstat, lstat, mkdirat};
use nix::unistd::symlinkat;

use super::alike::{DIRECTORY, resemble};
use super::{Assembly, Layers, layers, out_of_order};
use crate::error::{Named, Result};
use crate::spec::{Part, PartKind};
use crate::sys;

pub(super) fn make(assembly: &mut Assembly, part: &Part, layers: Option<&Layers>) -> Result<()> {
    let path = part.path.as_path();
    match &part.what {
        PartKind::Layer => {
            let layers = layers.ok_or_else(|| out_of_order("layers"))?;
            let tree = layers::mount(assembly, layers)?;
            put(assembly, &tree, path)?;
            assembly.keep_own(tree.as_fd())?;
            assembly.layers.push(tree);
            Ok(())
        }
        PartKind::ReadOnly => {
            let tree = assembly.next_taken()?;
            put(assembly, &tree, path)
        }
        PartKind::Directory => {
            // By the host's path, which is still the host's: the stage does not cover it.
            let like = lstat(path).call(|| format!("lstat({path:?})"))?;
            let parent = parent(assembly, path)?;
            let name = path.file_name().unwrap_or_default();
            mkdirat(&parent, name, Mode::from_bits_truncate(0o755))
                .call(|| format!("mkdirat(root, {path:?})"))?;
            let made = openat(&parent, name, DIRECTORY, Mode::empty())
                .call(|| format!("openat(root, {path:?})"))?;
            resemble(&made, &like)
        }
        PartKind::Symlink(leads_to) => {
            let parent = parent(assembly, path)?;
            symlinkat(leads_to, &parent, path.file_name().unwrap_or_default())
                .call(|| format!("symlinkat({leads_to:?}, \"root{}\")", path.display()))
        }
    }
}

/// Puts a tree where it is on the host. What holds it there is either a layer, which shows it, or
/// new. No link is followed: who may write there on the host could have put one meanwhile.
fn put(assembly: &Assembly, tree: &OwnedFd, path: &Path) -> Result<()> {
    let mut place = find(assembly, path);
    if let Err(Errno::ENOENT) = place {
        make_place(assembly, tree, path)?;
        place = find(assembly, path);
    }
    let place = place.call(|| call(path))?;
    sys::move_mount(tree.as_fd(), place.as_fd())
        .call(|| format!("move_mount({path:?}, \"root{}\")", path.display()))
}

fn make_place(assembly: &Assembly, tree: &OwnedFd, path: &Path) -> Result<()> {
    let found = fstat(tree).call(|| format!("fstat({path:?})"))?;
    let parent = parent(assembly, path)?;
    let name = path.file_name().unwrap_or_default();
    if found.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits() {
        return mkdirat(&parent, name, Mode::from_bits_truncate(0o755))
            .call(|| format!("mkdirat(root, {path:?})"));
    }
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    openat(&parent, name, flags, Mode::from_bits_truncate(0o644))
        .call(|| format!("openat(root, {path:?}, O_CREAT|O_EXCL)"))
        .map(drop)
}

fn parent(assembly: &Assembly, path: &Path) -> Result<OwnedFd> {
    let parent = path.parent().unwrap_or(path);
    find(assembly, parent).call(|| call(parent))
}

fn find(assembly: &Assembly, path: &Path) -> nix::Result<OwnedFd> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_SYMLINKS);
    openat2(assembly.root().map_err(|error| error.errno)?, path, how)
}

fn call(path: &Path) -> String {
    format!("openat2(root, {path:?}, O_PATH, RESOLVE_NO_SYMLINKS)")
}

pub(super) fn purpose(part: &Part) -> String {
    let path = part.path.display();
    match &part.what {
        PartKind::Layer => format!("put a layer over {path}"),
        PartKind::ReadOnly => format!("show {path} read-only"),
        PartKind::Directory => format!("make a directory like {path}"),
        PartKind::Symlink(_) => format!("make a link like {path}"),
    }
}

pub(super) fn describe(
    f: &mut fmt::Formatter<'_>,
    part: &Part,
    layers: Option<&Layers>,
) -> fmt::Result {
    let path = part.path.display();
    match (&part.what, layers) {
        (PartKind::Layer, Some(layers)) => layers::describe(f, layers, &format!("root{path}")),
        (PartKind::Directory, _) => write!(f, "mkdirat(root, \"{path}\")"),
        (PartKind::Symlink(to), _) => write!(f, "symlinkat({to:?}, \"root{path}\")"),
        _ => write!(f, "move_mount(\"{path}\", \"root{path}\")"),
    }
}
