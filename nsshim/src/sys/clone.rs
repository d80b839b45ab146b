//! A child straight into new namespaces: as a copy of us, or in our own memory.

use std::convert::Infallible;
use std::ffi::{c_int, c_void};
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;

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

/// Creates a child straight into new namespaces, and into a control group of version 2, with a
/// pidfd for the parent.
///
/// The child is a copy of the caller as after fork(2). Only the shim calls this:
/// itself a fork, it has one thread, and starts none.
///
/// # Errors
/// `EPERM`, `ENOSPC` (limits in /proc/sys/user, nesting depth), `EINVAL`, `EAGAIN`; of the group
/// `EACCES`, `EBUSY`, `EOPNOTSUPP`, `ENOENT`, `ENODEV`.
///
/// clone3(2), Linux 5.3; `CLONE_PIDFD` 5.2, `CLONE_INTO_CGROUP` 5.7.
pub(crate) fn clone3(namespaces: CloneFlags, group: Option<BorrowedFd<'_>>) -> nix::Result<Cloned> {
    const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
    // struct clone_args, include/uapi/linux/sched.h, version 2 (88 bytes). An older kernel takes
    // it as long as what it does not know is zero.
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
        set_tid: u64,
        set_tid_size: u64,
        cgroup: u64,
    }
    let mut pidfd: RawFd = -1;
    let args = CloneArgs {
        flags: namespaces.bits() as u64
            | libc::CLONE_PIDFD as u64
            | group.map_or(0, |_| CLONE_INTO_CGROUP),
        cgroup: group.map_or(0, |group| group.as_raw_fd() as u64),
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

/// Where a child in our memory keeps what it works with; only what it touches costs.
pub(crate) struct Stack(NonNull<c_void>);

/// It may be used up; then the child ends.
const STACK_BYTES: usize = 1 << 20;

impl Stack {
    /// # Errors
    /// `ENOMEM`. mmap(2)
    pub(crate) fn new() -> nix::Result<Self> {
        // SAFETY: asks for fresh memory at an address of the kernel's choice.
        let stack = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                STACK_BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK,
                -1,
                0,
            )
        };
        match NonNull::new(stack) {
            Some(stack) if stack.as_ptr() != libc::MAP_FAILED => Ok(Stack(stack)),
            _ => Err(Errno::last()),
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: of `new`; no child uses it, since who makes one stands still until it has left.
        unsafe { libc::munmap(self.0.as_ptr(), STACK_BYTES) };
    }
}

/// Creates a child that runs `child` in *our* memory, on that stack, while we stand still until it
/// executes a program or ends. `flags`: new namespaces, and what else it shares.
///
/// Nothing is copied for it: no page tables, no pages that either writes. What it
/// leaves in memory is ours afterwards; descriptors and the working directory are
/// its own unless they are shared. It must not lock what another thread of ours may.
///
/// # Errors
/// As [`clone3`].
///
/// clone(2) with `CLONE_VM|CLONE_VFORK`.
pub(crate) fn clone_vfork<C>(stack: &mut Stack, flags: CloneFlags, child: C) -> nix::Result<Pid>
where
    C: FnOnce() -> Infallible,
{
    clone_on(stack, flags.bits(), &mut -1, child)
}

/// As [`clone_vfork`], with a pidfd for the parent.
///
/// # Errors
/// As [`clone3`].
///
/// `CLONE_PIDFD`, Linux 5.2.
pub(crate) fn clone_vfork_pinned<C>(
    stack: &mut Stack,
    flags: CloneFlags,
    child: C,
) -> nix::Result<(Pid, OwnedFd)>
where
    C: FnOnce() -> Infallible,
{
    let mut pidfd: RawFd = -1;
    let pid = clone_on(stack, flags.bits() | libc::CLONE_PIDFD, &mut pidfd, child)?;
    // SAFETY: clone succeeded with CLONE_PIDFD, so `pidfd` is a new descriptor of ours.
    Ok((pid, unsafe { OwnedFd::from_raw_fd(pidfd) }))
}

fn clone_on<C>(stack: &mut Stack, flags: c_int, pidfd: &mut RawFd, child: C) -> nix::Result<Pid>
where
    C: FnOnce() -> Infallible,
{
    extern "C" fn start<C: FnOnce() -> Infallible>(child: *mut c_void) -> c_int {
        // SAFETY: `child` is the Option below, which lives while its owner stands still,
        // and which nobody else touches meanwhile.
        match unsafe { (*child.cast::<Option<C>>()).take() } {
            Some(child) =>
            {
                #[allow(unreachable_code, reason = "that is what Infallible means")]
                match child() {}
            }
            None => 125,
        }
    }
    let mut child = Some(child);
    let flags = flags | libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the child runs on its own stack and we stand still (CLONE_VFORK) until it has
    // left our memory, so nothing is written by two; `start` never returns into our frames.
    // Another thread of ours is to the child what it is to us.
    let result = unsafe {
        libc::clone(
            start::<C>,
            stack.0.as_ptr().byte_add(STACK_BYTES),
            flags,
            (&raw mut child).cast(),
            std::ptr::from_mut(pidfd),
        )
    };
    Errno::result(result).map(Pid::from_raw)
}
