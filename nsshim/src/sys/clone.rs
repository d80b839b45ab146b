//! clone3(2).

use std::mem::size_of;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::unistd::Pid;

/// On which side of the call we are.
pub(crate) enum Cloned {
    /// In the parent, with the child and a descriptor that pins it.
    Parent {
        /// The child, in the caller's pid namespace.
        pid: Pid,
        /// Refers to the child for ever, also after its pid is used again.
        pidfd: OwnedFd,
    },
    /// In the child, a copy of the caller.
    Child,
}

/// Creates a child straight into new namespaces, with a pidfd for the parent.
///
/// The child is a copy of the caller as after fork(2). Only the shim calls this:
/// itself a fork, it has one thread, and starts none.
///
/// # Errors
/// `EPERM`, `ENOSPC` (limits in /proc/sys/user, nesting depth), `EINVAL`, `EAGAIN`.
///
/// clone3(2), Linux 5.3; `CLONE_PIDFD` 5.2.
pub(crate) fn clone3(namespaces: CloneFlags) -> nix::Result<Cloned> {
    // struct clone_args, include/uapi/linux/sched.h, version 0 (64 bytes).
    #[repr(C)]
    #[derive(Default)]
    struct CloneArgs {
        flags: u64,
        pidfd: u64,
        child_tid: u64,
        parent_tid: u64,
        exit_signal: u64,
        stack: u64,
        stack_size: u64,
        tls: u64,
    }
    let mut pidfd: RawFd = -1;
    let args = CloneArgs {
        flags: namespaces.bits() as u64 | libc::CLONE_PIDFD as u64,
        pidfd: &raw mut pidfd as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    // SAFETY: `args` outlives the call and its size is passed; the kernel writes only `pidfd`.
    // No CLONE_VM, so the child owns a copy of all memory; the shim has one thread.
    let result =
        unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>()) };
    match Errno::result(result)? {
        0 => Ok(Cloned::Child),
        pid => Ok(Cloned::Parent {
            pid: Pid::from_raw(pid as i32),
            // SAFETY: clone3 succeeded with CLONE_PIDFD, so `pidfd` is a new descriptor of ours.
            pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) },
        }),
    }
}
