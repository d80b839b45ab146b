//! The one system call of this room.

use nix::errno::Errno;
use seccompiler::sock_filter;

/// `seccomp(SECCOMP_SET_MODE_FILTER, flags, program)`, or the prctl that says the same without flags.
///
/// An outer filter may deny seccomp(2), which is the younger call (Linux 3.17).
///
/// See seccomp(2), PR_SET_SECCOMP(2const).
pub fn seccomp_set_mode_filter(program: &[sock_filter], flags: u32) -> nix::Result<()> {
    let program = libc::sock_fprog {
        // The kernel's limit is 4096, and its word for too long a program is EINVAL.
        len: u16::try_from(program.len()).map_err(|_| Errno::EINVAL)?,
        filter: program.as_ptr().cast_mut().cast(),
    };
    // SAFETY: `program` is as long as its `len` says and outlives the call, and seccompiler's
    // sock_filter has the layout of the kernel's. The kernel copies it and writes nothing.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    };
    match Errno::result(result) {
        Ok(_) => Ok(()),
        Err(Errno::ENOSYS | Errno::EPERM) if flags == 0 => {
            let mode = libc::c_ulong::from(libc::SECCOMP_MODE_FILTER);
            // SAFETY: as above; what prctl takes here is the same structure.
            let result = unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) };
            Errno::result(result).map(drop)
        }
        Err(errno) => Err(errno),
    }
}
