//! On which processors the calling process may run. sched_setaffinity(2)

use nix::errno::Errno;

/// A set of processors; 8192 is more than any kernel is built for.
pub type Processors = [u8; 1024];

/// Where the process may run. sched_getaffinity(2)
pub fn sched_getaffinity() -> nix::Result<Processors> {
    let mut set = [0; size_of::<Processors>()];
    // SAFETY: the kernel writes at most as many bytes as are passed.
    let result =
        unsafe { libc::syscall(libc::SYS_sched_getaffinity, 0, set.len(), set.as_mut_ptr()) };
    Errno::result(result).map(|_| set)
}

/// Sets where it may run, within its cpuset. sched_setaffinity(2)
pub fn sched_setaffinity(set: &Processors) -> nix::Result<()> {
    // SAFETY: the kernel reads as many bytes as are passed.
    let result = unsafe { libc::syscall(libc::SYS_sched_setaffinity, 0, set.len(), set.as_ptr()) };
    Errno::result(result).map(drop)
}

/// The processor that this runs on now. getcpu(2)
pub fn getcpu() -> usize {
    // SAFETY: sched_getcpu has no precondition; it fails only where there is no getcpu.
    usize::try_from(unsafe { libc::sched_getcpu() }).unwrap_or(0)
}
