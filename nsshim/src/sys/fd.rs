//! Descriptors: closing, keeping over exec, taking over.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

/// Puts a copy of `fd` at the number `at`, inherited over execve; what was there is closed.
///
/// dup2(2); dup2 of a descriptor on itself would keep FD_CLOEXEC, so that case clears it.
///
/// # Safety
/// No Rust value may own the descriptor `at`: it is replaced under it.
unsafe fn inherit(fd: BorrowedFd<'_>, at: RawFd) -> nix::Result<()> {
    let result = if fd.as_raw_fd() == at {
        // SAFETY: clears a flag of a descriptor that the caller borrows to us.
        unsafe { libc::fcntl(at, libc::F_SETFD, 0) }
    } else {
        // SAFETY: nobody owns `at`, by the caller's promise.
        unsafe { libc::dup2(fd.as_raw_fd(), at) }
    };
    Errno::result(result).map(drop)
}

/// Takes ownership of a descriptor that arrived by `SCM_RIGHTS`.
pub fn own_received(fd: RawFd) -> OwnedFd {
    // SAFETY: the kernel made `fd` for us when it delivered the message; recvmsg's
    // caller passes each received number here once and keeps none.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Makes standard stream `stream` (0 to 2) refer to what `fd` refers to; it stays open over execve.
///
/// No Rust value owns a standard stream, so none is closed under its owner. dup2(2)
pub fn replace_standard_stream(fd: BorrowedFd<'_>, stream: RawFd) -> nix::Result<()> {
    if !(0..=2).contains(&stream) {
        return Err(Errno::EBADF);
    }
    // SAFETY: `stream` is 0, 1 or 2, which no OwnedFd of this crate ever holds.
    unsafe { inherit(fd, stream) }
}

/// Closes every descriptor but `keep`; with `keep_stderr` also not 2.
///
/// For a process that was forked and works on with just those: nothing it
/// inherited stays open through it.
pub fn close_all_but(keep: &[BorrowedFd<'_>], keep_stderr: bool) {
    let stderr = keep_stderr.then(standard_error);
    let keep: Vec<BorrowedFd<'_>> = keep.iter().copied().chain(stderr).collect();
    // Where close_range(2) is denied they stay open, as they did before us.
    let _ = close_from_but(0, &keep);
}

/// Closes every descriptor from `first` on but `keep`. Numbers are closed and owners
/// left alone: in a child they may be in its parent's memory. close_range(2), Linux 5.9
pub(crate) fn close_from_but(first: RawFd, keep: &[BorrowedFd<'_>]) -> nix::Result<()> {
    let mut numbers: Vec<u32> = keep.iter().map(|fd| fd.as_raw_fd() as u32).collect();
    numbers.sort_unstable();
    let mut first = first as u32;
    for number in numbers.into_iter().chain([u32::MAX]) {
        if first < number {
            // SAFETY: the caller borrows to us all descriptors that are still used; an
            // OwnedFd of another one would at most close its number once more, with EBADF.
            let closed = unsafe { libc::syscall(libc::SYS_close_range, first, number - 1, 0) };
            Errno::result(closed)?;
        }
        first = first.max(number.saturating_add(1));
    }
    Ok(())
}

/// Opens a directory to go there, by no magic link of /proc. openat2(2), Linux 5.6
pub(crate) fn open_directory(path: &std::path::Path) -> nix::Result<OwnedFd> {
    use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_NO_MAGICLINKS);
    openat2(nix::fcntl::AT_FDCWD, path, how)
}

/// Whether the descriptor number is in use.
pub fn is_open(number: RawFd) -> bool {
    // SAFETY: F_GETFD reads a flag; a number that is not open gives EBADF.
    unsafe { libc::fcntl(number, libc::F_GETFD) != -1 }
}

/// A copy of a descriptor that the caller of the program gave by number; closed by execve.
pub fn duplicate(number: RawFd) -> nix::Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC makes a new descriptor and leaves `number` alone.
    let fd = Errno::result(unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) })?;
    // SAFETY: the call succeeded, so `fd` is a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Standard input, for a process that never closes it.
pub fn standard_input() -> BorrowedFd<'static> {
    // SAFETY: 0 is open for as long as the borrower runs, by its promise; a closed one gives EBADF.
    unsafe { BorrowedFd::borrow_raw(0) }
}

/// Standard output, for a process that never closes it.
pub fn standard_output() -> BorrowedFd<'static> {
    // SAFETY: as for standard_input.
    unsafe { BorrowedFd::borrow_raw(1) }
}

/// Closes the child's copy of a descriptor whose owner is in the parent's memory,
/// which the child may share: so the number is closed and the owner left alone.
pub(crate) fn close_in_child(fd: BorrowedFd<'_>) {
    // SAFETY: the child has a table of its own, and never uses this number again.
    unsafe { libc::close(fd.as_raw_fd()) };
}

/// Standard error, for a process that never closes it.
pub(crate) fn standard_error() -> BorrowedFd<'static> {
    // SAFETY: as for standard_input.
    unsafe { BorrowedFd::borrow_raw(2) }
}
