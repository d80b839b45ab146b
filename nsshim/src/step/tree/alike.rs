//! A directory made like one that is there.

use std::os::fd::OwnedFd;

use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, fchmodat};
use nix::unistd::{Gid, Uid, fchownat};

use crate::error::{Named, Result};

/// How it is held.
pub(super) const DIRECTORY: OFlag =
    OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Gives a new directory the mode of another one, and its owner, if that one exists inside.
pub(super) fn resemble(made: &OwnedFd, like: &FileStat) -> Result<()> {
    let (owner, group) = (Uid::from_raw(like.st_uid), Gid::from_raw(like.st_gid));
    let _ = fchownat(made, c"", Some(owner), Some(group), AtFlags::AT_EMPTY_PATH);
    let mode = Mode::from_bits_truncate(like.st_mode & 0o7777);
    // Not fchmod(2), which takes no O_PATH.
    fchmodat(made, c".", mode, FchmodatFlags::FollowSymlink)
        .call(|| format!("fchmodat(directory, {mode:o})"))
}
