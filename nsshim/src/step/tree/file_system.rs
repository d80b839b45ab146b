//! A file system of our own, on which others are put or what is made is seen.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use crate::error::{CallError, Result};
use crate::sys;

/// A new file system, attached nowhere.
pub(super) fn new_file_system(
    fstype: &CStr,
    options: &[(&CStr, Option<&CStr>)],
    attributes: u64,
) -> Result<OwnedFd> {
    let named = |errno| CallError { call: mount_call(fstype, options), errno };
    let fs = sys::fsopen(fstype).map_err(named)?;
    // What the first column of /proc/mounts says.
    if !options.iter().any(|(key, _)| *key == c"source") {
        sys::fsconfig(fs.as_fd(), c"source", Some(fstype)).map_err(named)?;
    }
    for (key, value) in options {
        sys::fsconfig(fs.as_fd(), key, *value).map_err(named)?;
    }
    sys::fsconfig_create(fs.as_fd()).map_err(named)?;
    sys::fsmount(fs.as_fd(), attributes).map_err(named)
}

fn mount_call(fstype: &CStr, options: &[(&CStr, Option<&CStr>)]) -> String {
    let mut text = format!("fsopen({fstype:?})");
    for (key, value) in options {
        text += &match value {
            Some(value) => format!(", {}={}", key.to_string_lossy(), value.to_string_lossy()),
            None => format!(", {}", key.to_string_lossy()),
        };
    }
    text + "; fsmount()"
}
