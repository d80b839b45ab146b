//! The mount calls that nix lacks.

use std::ffi::CStr;
use std::mem::size_of;

use nix::errno::Errno;

/// Makes the mount at `path` and all below it read-only; every other flag stays
/// as it is, locked ones too.
///
/// mount_setattr(2), Linux 5.12.
pub fn mount_setattr_readonly(path: &CStr) -> nix::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_RDONLY,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: `path` ends in NUL, `attributes` outlives the call and its size is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    Errno::result(result).map(drop)
}
