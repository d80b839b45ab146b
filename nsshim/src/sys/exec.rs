//! Becoming another program.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

use super::fd::inherit;

/// Executes `image` with a copy of `channel` as descriptor `report`.
///
/// Returns only when it failed. execveat(2) with `AT_EMPTY_PATH`, Linux 3.19.
pub fn exec_with_report(
    image: OwnedFd,
    channel: &OwnedFd,
    report: RawFd,
    argv: &[CString],
    env: &[CString],
) -> Errno {
    // Out of the way of `report`, whose number it might have.
    let image = match fcntl(&image, FcntlArg::F_DUPFD_CLOEXEC(report + 1)) {
        // SAFETY: fcntl made a new descriptor that nobody else owns.
        Ok(fd) => unsafe { OwnedFd::from_raw_fd(fd) },
        Err(errno) => return errno,
    };
    // SAFETY: what owns `report`, if anything, is not used again: execve or exit comes next.
    if let Err(errno) = unsafe { inherit(channel.as_fd(), report) } {
        return errno;
    }
    let argv = pointers(argv.iter().map(CString::as_c_str));
    let env = pointers(env.iter().map(CString::as_c_str));
    // SAFETY: both arrays end in a null pointer and their strings outlive the call.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            image.as_raw_fd(),
            c"".as_ptr(),
            argv.as_ptr(),
            env.as_ptr(),
            libc::AT_EMPTY_PATH,
        )
    };
    Errno::last()
}

fn pointers<'a>(strings: impl Iterator<Item = &'a CStr>) -> Vec<*const libc::c_char> {
    strings.map(CStr::as_ptr).chain([ptr::null()]).collect()
}
