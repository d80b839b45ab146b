//! The file system of namespaces.

use std::fs::File;

use nix::sys::statfs::{FsType, fstatfs};

/// `NSFS_MAGIC`, include/uapi/linux/magic.h.
const NSFS: FsType = FsType(0x6e73_6673);

/// Whether an open file is a namespace, of whatever kind.
pub fn is_namespace(file: &File) -> bool {
    fstatfs(file).is_ok_and(|stat| stat.filesystem_type() == NSFS)
}
