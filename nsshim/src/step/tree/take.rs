//! Copies of the host's mounts, taken before anything covers them.

use std::ffi::CString;
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Take;
use crate::error::{Named, Result};
use crate::spec::{Attributes, Propagation};
use crate::sys::{self, MountChange};

pub(super) fn copy(take: &Take) -> Result<OwnedFd> {
    let tree = sys::open_tree_clone(None, &c_path(&take.path), take.recursive, true)
        .call(|| clone_call(take))?;
    // A copy of a shared mount is its peer: what is mounted on the copy would appear
    // on the host.
    let propagation = match take.propagation {
        Propagation::Private => libc::MS_PRIVATE,
        Propagation::Slave => libc::MS_SLAVE,
        Propagation::Shared => libc::MS_SHARED,
        Propagation::Unchanged => 0,
    };
    let travel = MountChange { propagation, recursive: take.recursive, ..Default::default() };
    let flags = change(take.attributes);
    let changes = if flags.recursive == travel.recursive || take.attributes.is_empty() {
        vec![MountChange { propagation, recursive: travel.recursive, ..flags }]
    } else {
        vec![travel, flags]
    };
    for change in changes {
        sys::mount_setattr(tree.as_fd(), change).call(|| setattr_call(take))?;
    }
    Ok(tree)
}

/// The flags as mount_setattr(2) takes them.
pub(super) fn change(attributes: Attributes) -> MountChange {
    let Attributes { set, clear, recursive } = attributes;
    MountChange { set, clear, propagation: 0, recursive }
}

pub(super) fn c_path(path: &Path) -> CString {
    // resolve refuses paths with a NUL.
    CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, take: &Take) -> fmt::Result {
    write!(f, "{}; {}", clone_call(take), setattr_call(take))
}

fn clone_call(take: &Take) -> String {
    let recursive = if take.recursive { "|AT_RECURSIVE" } else { "" };
    format!("open_tree(AT_FDCWD, {:?}, OPEN_TREE_CLONE{recursive})", take.path)
}

fn setattr_call(take: &Take) -> String {
    let propagation = match take.propagation {
        Propagation::Private => "MS_PRIVATE",
        Propagation::Slave => "MS_SLAVE",
        Propagation::Shared => "MS_SHARED",
        Propagation::Unchanged => "0",
    };
    let flags = attribute_words(take.attributes);
    format!("mount_setattr(tree, {{{flags}propagation={propagation}}})")
}

/// `attr_set=MOUNT_ATTR_RDONLY|…, attr_clr=…, `
pub(super) fn attribute_words(attributes: Attributes) -> String {
    let mut text = String::new();
    for (field, bits) in [("attr_set", attributes.set), ("attr_clr", attributes.clear)] {
        if bits != 0 {
            text += &format!("{field}={}, ", bit_names(bits));
        }
    }
    text
}

/// linux/mount.h
const NAMES: [(u64, &str); 8] = [
    (libc::MOUNT_ATTR_RDONLY, "MOUNT_ATTR_RDONLY"),
    (libc::MOUNT_ATTR_NOSUID, "MOUNT_ATTR_NOSUID"),
    (libc::MOUNT_ATTR_NODEV, "MOUNT_ATTR_NODEV"),
    (libc::MOUNT_ATTR_NOEXEC, "MOUNT_ATTR_NOEXEC"),
    (libc::MOUNT_ATTR_NOATIME, "MOUNT_ATTR_NOATIME"),
    (libc::MOUNT_ATTR_STRICTATIME, "MOUNT_ATTR_STRICTATIME"),
    (libc::MOUNT_ATTR_NODIRATIME, "MOUNT_ATTR_NODIRATIME"),
    (libc::MOUNT_ATTR_NOSYMFOLLOW, "MOUNT_ATTR_NOSYMFOLLOW"),
];

fn bit_names(bits: u64) -> String {
    let named = NAMES.iter().filter(|(bit, _)| bits & bit != 0);
    let names: Vec<&str> = named.map(|(_, name)| *name).collect();
    names.join("|")
}
