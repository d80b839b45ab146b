//! What was asked for, put in the root: a descriptor on a descriptor.

use std::ffi::{CStr, CString};
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
use nix::unistd::{symlinkat, write};

use super::file_system::new_file_system;
use super::take::{attribute_words, change};
use super::target::{self, Shape};
use super::{Assembly, Layers, layers, mount_id, out_of_order};
use crate::error::{CallError, Named, Result};
use crate::spec::{Attributes, COVERABLE, Mount, Placed, Propagation};
use crate::sys;

pub(super) fn place(assembly: &mut Assembly, mount: &Mount, layers: Option<&Layers>) -> Result<()> {
    let target = mount.target.as_path();
    match &mount.what {
        Placed::Bind(bind) => {
            let tree = assembly.next_taken()?;
            put(assembly, &tree, target, false)?;
            if bind.propagation == Propagation::Shared {
                assembly.shared.push(mount_id(tree.as_fd())?);
            }
            Ok(())
        }
        Placed::New { fstype, options, attributes } => {
            let tree = new(fstype, options, *attributes)?;
            put(assembly, &tree, target, fstype.as_c_str() == c"proc")?;
            // Nothing but a tmpfs takes mount points.
            if fstype.as_c_str() == c"tmpfs" { assembly.keep_own(tree.as_fd()) } else { Ok(()) }
        }
        Placed::Overlay { attributes, .. } => {
            let tree = layers::mount(assembly, layers.ok_or_else(|| out_of_order("layers"))?)?;
            sys::mount_setattr(tree.as_fd(), change(*attributes))
                .call(|| "mount_setattr(overlay)".into())?;
            put(assembly, &tree, target, false)
        }
        Placed::File { content, mode, optional, attributes } => {
            if *optional && !target::is_at_hand(assembly, target)? {
                return Ok(());
            }
            let tree = file(assembly, content, *mode, *attributes)?;
            put(assembly, &tree, target, false)
        }
        Placed::Symlink(leads_to) => link(assembly, target, leads_to),
    }
}

fn put(assembly: &mut Assembly, tree: &OwnedFd, target: &Path, is_proc: bool) -> Result<()> {
    let shape = if is_directory(tree)? { Shape::Directory } else { Shape::File };
    let place = target::find_or_make(assembly, target, shape)?;
    if !is_proc {
        refuse_proc(&place, target)?;
    }
    assembly.refuse_shared(place.as_fd())?;
    let call = || format!("move_mount(tree, \"root{}\")", target.display());
    sys::move_mount(tree.as_fd(), place.as_fd()).map_err(|errno| {
        // The kernel says EINVAL for a file on a directory and a directory on a file.
        let errno = match (errno, shape, is_directory(&place)) {
            (Errno::EINVAL, Shape::File, Ok(true)) => Errno::EISDIR,
            (Errno::EINVAL, Shape::Directory, Ok(false)) => Errno::ENOTDIR,
            _ => errno,
        };
        CallError { call: call(), errno }
    })
}

fn is_directory(file: &OwnedFd) -> Result<bool> {
    let found = fstat(file).call(|| "fstat(file)".into())?;
    Ok(SFlag::from_bits_truncate(found.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFDIR)
}

/// What is written to or read from /proc must be the kernel's, for whoever enters or
/// watches the container too (CVE-2019-16884, CVE-2019-19921, CVE-2025-52881).
fn refuse_proc(place: &OwnedFd, target: &Path) -> Result<()> {
    let found = fstatfs(place).call(|| format!("fstatfs({target:?})"))?;
    let replaceable = COVERABLE.iter().any(|path| target == Path::new(path));
    if found.filesystem_type() == PROC_SUPER_MAGIC && !replaceable {
        return Err(CallError {
            call: format!("fstatfs(\"root{}\") = PROC_SUPER_MAGIC", target.display()),
            errno: Errno::EPERM,
        });
    }
    Ok(())
}

fn new(fstype: &CStr, options: &[CString], attributes: Attributes) -> Result<OwnedFd> {
    let split: Vec<(CString, Option<CString>)> =
        options.iter().map(|option| key_value(option)).collect();
    let options: Vec<(&CStr, Option<&CStr>)> =
        split.iter().map(|(key, value)| (key.as_c_str(), value.as_deref())).collect();
    new_file_system(fstype, &options, attributes.set)
}

fn key_value(option: &CStr) -> (CString, Option<CString>) {
    let bytes = option.to_bytes();
    let c = |bytes: &[u8]| CString::new(bytes).unwrap_or_default();
    match bytes.iter().position(|&byte| byte == b'=') {
        Some(at) => (c(&bytes[..at]), Some(c(&bytes[at + 1..]))),
        None => (c(bytes), None),
    }
}

/// A file on the stage, as a mount of its own: only this file is shown.
fn file(
    assembly: &mut Assembly,
    content: &[u8],
    mode: u32,
    attributes: Attributes,
) -> Result<OwnedFd> {
    let name = assembly.next_name();
    let stage = assembly.stage()?;
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    let file = openat(stage, name.as_c_str(), flags, Mode::from_bits_truncate(0o600))
        .call(|| format!("openat(stage, {name:?}, O_CREAT)"))?;
    let mut rest = content;
    while !rest.is_empty() {
        let written = write(&file, rest).call(|| "write(file)".into())?;
        rest = &rest[written..];
    }
    fchmod(&file, Mode::from_bits_truncate(mode)).call(|| format!("fchmod(file, {mode:o})"))?;
    let tree = sys::open_tree_clone(Some(stage), &name, false, false)
        .call(|| format!("open_tree(stage, {name:?}, OPEN_TREE_CLONE)"))?;
    if !attributes.is_empty() {
        sys::mount_setattr(tree.as_fd(), change(attributes))
            .call(|| "mount_setattr(file)".into())?;
    }
    Ok(tree)
}

fn link(assembly: &mut Assembly, path: &Path, leads_to: &Path) -> Result<()> {
    let (parent, name) = target::parent_and_name(assembly, path)?;
    match symlinkat(leads_to, &parent, name.as_path()) {
        Err(Errno::EEXIST)
            if readlinkat(&parent, name.as_path()).is_ok_and(|found| found == leads_to) =>
        {
            Ok(())
        }
        other => other.call(|| format!("symlinkat({leads_to:?}, \"root{}\")", path.display())),
    }
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, mount: &Mount) -> fmt::Result {
    let target = mount.target.display();
    match &mount.what {
        Placed::Bind(bind) => write!(f, "move_mount({:?}, \"root{target}\")", bind.source),
        Placed::New { fstype, options, attributes } => {
            let options: Vec<_> = options.iter().map(|option| option.to_string_lossy()).collect();
            write!(
                f,
                "mount({fstype:?}, \"root{target}\", {fstype:?}, {{{}}}, {:?})",
                attribute_words(*attributes).trim_end_matches(", "),
                options.join(",")
            )
        }
        Placed::Overlay { .. } => {
            write!(f, "mount(\"overlay\", \"root{target}\", \"overlay\", 0, …)")
        }
        Placed::File { content, mode, .. } => {
            write!(
                f,
                "write(file, {} bytes, 0{mode:o}); move_mount(file, \"root{target}\")",
                content.len()
            )
        }
        Placed::Symlink(leads_to) => write!(f, "symlinkat({leads_to:?}, \"root{target}\")"),
    }
}
