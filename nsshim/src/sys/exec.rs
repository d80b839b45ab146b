//! Becoming another program.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// Executes `image`, which inherits what is `kept` at the numbers it has.
///
/// Makes no descriptor: the limit for the workload's may be in force, and be low.
/// Returns only when it failed. execveat(2) with `AT_EMPTY_PATH`, Linux 3.19.
pub fn exec_with(
    image: BorrowedFd<'_>,
    kept: &[Option<BorrowedFd<'_>>],
    argv: &[CString],
    env: &[CString],
) -> Errno {
    for fd in kept.iter().flatten() {
        if let Err(errno) = fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty())) {
            return errno;
        }
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
