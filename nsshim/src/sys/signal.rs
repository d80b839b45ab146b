//! Signals with all 64 numbers and their payload.
//!
//! glibc's sigset functions leave out 32 and 33, which it uses for threads;
//! a container may use them, so the masks here are the kernel's 64-bit words.

use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;

/// The kernel's sigset_t on 64-bit machines, in bytes.
const MASK_SIZE: usize = size_of::<u64>();

/// The signal mask: bit n-1 blocks signal n. sigprocmask(2)
pub fn blocked_signals() -> nix::Result<u64> {
    let mut mask: u64 = 0;
    // SAFETY: changes nothing without a new mask; the old one has the size that is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_BLOCK,
            ptr::null::<u64>(),
            &raw mut mask,
            MASK_SIZE,
        )
    };
    Errno::result(result).map(|_| mask)
}

/// Blocks every signal that can be blocked. sigprocmask(2)
pub fn block_all_signals() -> nix::Result<()> {
    set_signal_mask(u64::MAX)
}

/// Sets the signal mask: bit n-1 blocks signal n. sigprocmask(2)
pub fn set_signal_mask(mask: u64) -> nix::Result<()> {
    change_mask(mask).map(drop)
}

fn change_mask(mask: u64) -> nix::Result<u64> {
    let mut old: u64 = 0;
    // SAFETY: both pointers are to masks of the size that is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const mask,
            &raw mut old,
            MASK_SIZE,
        )
    };
    Errno::result(result).map(|_| old)
}

/// A descriptor from which pending signals of every number are read. signalfd(2)
pub fn signalfd_all() -> nix::Result<OwnedFd> {
    let mask = u64::MAX;
    // SAFETY: the pointer is to a mask of the size that is passed.
    let fd = Errno::result(unsafe {
        libc::syscall(
            libc::SYS_signalfd4,
            -1,
            &raw const mask,
            MASK_SIZE,
            libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
        )
    })?;
    // SAFETY: the call succeeded, so `fd` is a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// What is known of a signal that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalInfo {
    /// 1 to 64.
    pub signal: i32,
    /// `SI_USER`, `SI_QUEUE`, `SI_KERNEL` …, see sigaction(2).
    pub code: i32,
    /// The sender's pid, when a process sent it.
    pub pid: i32,
    /// The sender's user id, when a process sent it.
    pub uid: u32,
    /// The value given to sigqueue(3).
    pub value: u64,
}

impl SignalInfo {
    /// Length of the encoded form.
    pub const LEN: usize = 24;

    /// A signal of our own, as from kill(2).
    pub fn new(signal: i32) -> Self {
        SignalInfo { signal, code: libc::SI_USER, pid: 0, uid: 0, value: 0 }
    }

    /// Reads the next pending signal from [`signalfd_all`]'s descriptor.
    pub fn read(fd: impl AsFd) -> Option<Self> {
        let mut buffer = [0u8; size_of::<libc::signalfd_siginfo>()];
        if nix::unistd::read(fd, &mut buffer) != Ok(buffer.len()) {
            return None;
        }
        // SAFETY: the struct is plain data and the buffer holds as many bytes as it has.
        let raw: libc::signalfd_siginfo = unsafe { ptr::read_unaligned(buffer.as_ptr().cast()) };
        Some(SignalInfo {
            signal: raw.ssi_signo as i32,
            code: raw.ssi_code,
            pid: raw.ssi_pid as i32,
            uid: raw.ssi_uid,
            value: raw.ssi_ptr,
        })
    }

    /// Whether a process sent it (kill, sigqueue, tkill …), not the kernel or a terminal.
    pub fn is_from_process(&self) -> bool {
        self.code <= 0
    }

    /// As bytes for a channel.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[0..4].copy_from_slice(&self.signal.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.code.to_ne_bytes());
        bytes[8..12].copy_from_slice(&self.pid.to_ne_bytes());
        bytes[12..16].copy_from_slice(&self.uid.to_ne_bytes());
        bytes[16..24].copy_from_slice(&self.value.to_ne_bytes());
        bytes
    }

    /// The inverse of [`encode`](Self::encode).
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| -> Option<[u8; 4]> { bytes.get(at..at + 4)?.try_into().ok() };
        Some(SignalInfo {
            signal: i32::from_ne_bytes(word(0)?),
            code: i32::from_ne_bytes(word(4)?),
            pid: i32::from_ne_bytes(word(8)?),
            uid: u32::from_ne_bytes(word(12)?),
            value: u64::from_ne_bytes(bytes.get(16..24)?.try_into().ok()?),
        })
    }
}

/// Passes a signal on to the process behind `pidfd`; a queued one keeps its value.
///
/// pidfd_send_signal(2), Linux 5.1.
pub fn pidfd_send_signal(pidfd: impl AsFd, info: &SignalInfo) -> nix::Result<()> {
    // The start of siginfo_t for SI_QUEUE, include/uapi/asm-generic/siginfo.h.
    #[repr(C)]
    struct Queued {
        signal: i32,
        errno: i32,
        code: i32,
        _pad: i32,
        pid: i32,
        uid: u32,
        value: u64,
    }
    // SAFETY: siginfo_t is plain data, for which all zeroes is a value.
    let mut siginfo: libc::siginfo_t = unsafe { zeroed() };
    let queued = Queued {
        signal: info.signal,
        errno: 0,
        code: info.code,
        _pad: 0,
        pid: info.pid,
        uid: info.uid,
        value: info.value,
    };
    // SAFETY: siginfo_t is 128 bytes and aligned as `Queued`, which is its prefix.
    unsafe { ptr::write((&raw mut siginfo).cast(), queued) };
    // With the codes of kill, tkill and the kernel itself it takes nobody's word.
    let is_queued = info.code < 0 && info.code != libc::SI_TKILL;
    let pointer = if is_queued { &raw const siginfo } else { ptr::null() };
    // SAFETY: `pointer` is null or to a siginfo_t that outlives the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_fd().as_raw_fd(),
            info.signal,
            pointer,
            0,
        )
    };
    Errno::result(result).map(drop)
}

/// Calls with SIGTSTP let through and all others blocked, and tells whether SIGCONT is
/// pending afterwards, as it is when the process was stopped meanwhile and continued.
///
/// For a process that blocks all signals and leaves the actions to the kernel, which
/// knows better than we: it stops no orphaned process group, that nobody could continue.
/// sigprocmask(2), sigpending(2)
pub fn while_stoppable<R>(call: impl FnOnce() -> R) -> nix::Result<(R, bool)> {
    let bit = |signal: i32| 1 << (signal - 1);
    change_mask(!bit(libc::SIGTSTP))?;
    let result = call();
    change_mask(u64::MAX)?;
    let mut pending: u64 = 0;
    // SAFETY: the pointer is to a mask of the size that is passed.
    let asked = unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut pending, MASK_SIZE) };
    Errno::result(asked)?;
    Ok((result, pending & bit(libc::SIGCONT) != 0))
}

/// Ignores a signal; ignoring is inherited over execve. sigaction(2)
pub fn ignore_signal(signal: nix::sys::signal::Signal) -> nix::Result<()> {
    // SAFETY: installs no handler, so no code of ours runs in signal context.
    unsafe { nix::sys::signal::signal(signal, nix::sys::signal::SigHandler::SigIgn) }.map(drop)
}

/// Whether a signal, 1 to 64, is ignored, as nohup(1) does it. sigaction(2)
pub fn is_ignored(signal: i32) -> bool {
    // SAFETY: all zeroes is a sigaction: plain data and an address that nobody calls.
    let mut action: libc::sigaction = unsafe { zeroed() };
    // SAFETY: changes nothing without a new action; the old one has the right type.
    let asked = unsafe { libc::sigaction(signal, ptr::null(), &raw mut action) };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Gives a signal its default action and tells whether it was ignored. sigaction(2)
pub fn default_signal(signal: nix::sys::signal::Signal) -> nix::Result<bool> {
    // SAFETY: installs no handler, so no code of ours runs in signal context.
    let old = unsafe { nix::sys::signal::signal(signal, nix::sys::signal::SigHandler::SigDfl) }?;
    Ok(matches!(old, nix::sys::signal::SigHandler::SigIgn))
}
