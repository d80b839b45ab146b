//! Processes: fork, pidfd, exit, nice, umask, domain name.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{ForkResult, Pid};

/// fork(2) of a process that has one thread.
///
/// # Errors
/// `EBUSY` when the process has more: in the child only the calling thread would
/// live, and a lock held by another one would stay locked.
pub fn fork_single_threaded() -> nix::Result<ForkResult> {
    expect_one_thread()?;
    // SAFETY: one thread, as just checked, so the child may do what the parent may.
    unsafe { nix::unistd::fork() }
}

/// That nobody else runs in this process's memory.
///
/// # Errors
/// `EBUSY`
pub(crate) fn expect_one_thread() -> nix::Result<()> {
    // A directory has two links and one more per thread. proc_pid_task(5)
    let links = nix::sys::stat::stat("/proc/self/task").map_or(3, |stat| stat.st_nlink);
    if links == 3 { Ok(()) } else { Err(Errno::EBUSY) }
}

/// A descriptor that stands for a process, so that no later one with its number is meant; it
/// becomes readable when the process ends.
///
/// pidfd_open(2), Linux 5.3.
pub fn pidfd_open(process: Pid) -> nix::Result<OwnedFd> {
    // SAFETY: takes numbers only.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, process.as_raw(), 0) })?;
    // SAFETY: the call succeeded, so `fd` is a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Whether the process behind a pidfd has not ended. pidfd_open(2)
pub fn lives(process: impl AsFd) -> bool {
    let mut end = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    poll(&mut end, PollTimeout::ZERO) == Ok(0)
}

/// A copy of another process's descriptor.
///
/// pidfd_getfd(2), Linux 5.6; needs the right to trace the process.
pub fn pidfd_getfd(process: impl AsFd, number: i32) -> nix::Result<OwnedFd> {
    let process = process.as_fd().as_raw_fd();
    // SAFETY: takes numbers only.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process, number, 0) })?;
    // SAFETY: the call succeeded, so `fd` is a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Gives back the memory of the stack below the caller's frame, what earlier calls left there,
/// but for so many pages: what comes next need not fault for those again. madvise(2),
/// `MADV_DONTNEED`
pub(crate) fn forget_used_stack(keep: usize) {
    const PAGE: usize = 4096;
    // The kernel keeps 1 MiB below a stack free of other mappings. mm/mmap.c, stack_guard_gap
    const MOST: usize = 512 * 1024;
    let here = 0u8;
    let end = (&raw const here as usize - keep.max(1) * PAGE) & !(PAGE - 1);
    // SAFETY: the range is at least a page below this frame, so it holds no frame in use and no
    // red zone, and nothing but the stack is mapped in it; the rest is skipped.
    unsafe { libc::madvise((end - MOST) as *mut libc::c_void, MOST, libc::MADV_DONTNEED) };
}

/// Lets go of the program's own code and constants: what is used again is mapped again, from the
/// file. Who sleeps has so little of it in memory. madvise(2), `MADV_DONTNEED`
pub(crate) fn forget_program() {
    // ld(1) and lld make both, of the program that runs: where it begins, and the end of its code.
    // lld has constants before that; what ld has after it stays.
    unsafe extern "C" {
        static __executable_start: u8;
        static etext: u8;
    }
    const PAGE: usize = 4096;
    let start = (&raw const __executable_start as usize).next_multiple_of(PAGE);
    let end = &raw const etext as usize & !(PAGE - 1);
    if start < end {
        // SAFETY: headers, constants and code are mapped from the file, and nobody writes them:
        // dropped pages are read from there again, the one that runs us, too.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
    }
}

/// Gives the kernel back what was allocated and is free. malloc_trim(3)
pub(crate) fn trim_heap() {
    // SAFETY: it takes no pointer, and touches only what nobody has allocated.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0)
    };
}

/// Takes a capability, by its number, out of the bounding set.
///
/// prctl(2), `PR_CAPBSET_DROP`; EINVAL for a number that the kernel does not have.
pub fn capbset_drop(number: u8) -> nix::Result<()> {
    // SAFETY: a prctl without pointers; it only takes rights away.
    let result =
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(number), 0, 0, 0) };
    Errno::result(result).map(drop)
}

/// Joins a new session keyring that nobody else has. keyctl(2), `KEYCTL_JOIN_SESSION_KEYRING`
///
/// # Errors
/// `EDQUOT` when the user has as many keys as it may have, `ENOSYS` without keys in the kernel.
pub fn join_session_keyring() -> nix::Result<()> {
    const JOIN_SESSION_KEYRING: libc::c_ulong = 1;
    let name: *const libc::c_char = std::ptr::null();
    // SAFETY: a null name is allowed; the kernel reads and writes no memory of ours.
    Errno::result(unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, name) }).map(drop)
}

/// The version of Landlock's interface that this kernel has. landlock_create_ruleset(2)
///
/// # Errors
/// `ENOSYS` without Landlock in the kernel, `EOPNOTSUPP` when it was not enabled at boot.
pub fn landlock_abi() -> nix::Result<u32> {
    const VERSION: libc::c_ulong = 1;
    let none: *const libc::c_void = std::ptr::null();
    // SAFETY: with this flag there are no attributes, as the null pointer and the size say.
    let abi = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0, VERSION) };
    Errno::result(abi).map(|abi| abi as u32)
}

/// Ends the process at once: no destructor, no atexit handler, no buffer is flushed.
///
/// _exit(2). For children of fork, whose buffers and handlers are their parent's.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: _exit has no precondition.
    unsafe { libc::_exit(status) }
}

/// Sets the nice value of the calling process, -20 to 19. setpriority(2).
pub fn set_nice(nice: i32) -> nix::Result<()> {
    // SAFETY: setpriority takes numbers only.
    Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) }).map(drop)
}

/// Sets the NIS domain name of the caller's UTS namespace, at most 64 bytes. setdomainname(2).
pub fn setdomainname(name: &CStr) -> nix::Result<()> {
    // SAFETY: the pointer is valid for the length that is passed.
    Errno::result(unsafe { libc::setdomainname(name.as_ptr(), name.count_bytes()) }).map(drop)
}

/// Sets the file mode creation mask and returns the former. umask(2), which cannot fail.
pub fn umask(mask: u32) -> u32 {
    // SAFETY: umask takes a number only.
    unsafe { libc::umask(mask) }
}

/// Whether the program runs with rights that its caller has not: set-user-ID, set-group-ID
/// or file capabilities. getauxval(3), `AT_SECURE`
pub fn runs_with_foreign_rights() -> bool {
    // SAFETY: getauxval has no precondition.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}
