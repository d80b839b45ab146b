//! Listing a directory of /proc, as much at a time as the kernel gives.

use std::ffi::CStr;
use std::os::fd::AsFd;

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nsshim::sys;

/// The numbers that a directory of /proc names, as it lists them.
pub(super) fn numbers(from: impl AsFd, path: &str) -> nix::Result<Vec<i32>> {
    let directory = openat(from, path, LISTED, Mode::empty())?;
    let mut room = vec![0; LIST];
    let mut found = Vec::new();
    loop {
        let entries = sys::getdents64(&directory, &mut room)?;
        let number = |name: &CStr| name.to_str().ok()?.parse::<i32>().ok();
        found.extend(sys::names(entries).filter_map(number));
        if is_last(entries) {
            return Ok(found);
        }
    }
}

pub(super) const LISTED: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// Room for entries of a directory.
pub(super) const LIST: usize = 32 * 1024;

/// Whether no more entries come: /proc fills the room that there is, and a name has 255 bytes.
pub(super) fn is_last(entries: &[u8]) -> bool {
    entries.len() + 300 < LIST
}
