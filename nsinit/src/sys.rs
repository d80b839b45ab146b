//! The system calls that an init needs, one function each and named as the call is: the only
//! room with unsafe code.
//!
//! Nothing here decides anything. Numbers that are the same on all processors are in this file,
//! what is not in the processor's.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
#[path = "sys/x86_64.rs"]
mod arch;
mod strings;

#[cfg(not(target_arch = "x86_64"))]
compile_error!("nsinit is written for x86_64 so far; another processor is one file in src/sys");

#[cfg(not(freestanding))]
pub use strings::with_strings;
pub use strings::{Strings, With};

use arch::{number, syscall};
use core::ffi::CStr;
use core::mem::MaybeUninit;

/// An error number as the kernel returned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

/// What a system call returns.
pub type Result<T> = core::result::Result<T, Errno>;

/// Numbers from asm-generic/errno-base.h and errno.h.
impl Errno {
    #![allow(missing_docs)]
    pub const ENOENT: Errno = Errno(2);
    pub const EINTR: Errno = Errno(4);
    pub const ENOEXEC: Errno = Errno(8);
    pub const ECHILD: Errno = Errno(10);
    pub const EAGAIN: Errno = Errno(11);
    pub const EACCES: Errno = Errno(13);
    pub const ENODEV: Errno = Errno(19);
    pub const ENOTDIR: Errno = Errno(20);
    pub const ENAMETOOLONG: Errno = Errno(36);
    pub const ELOOP: Errno = Errno(40);
    pub const ETIMEDOUT: Errno = Errno(110);
    pub const ESTALE: Errno = Errno(116);
}

/// Signal numbers from asm-generic/signal.h that are treated by name.
pub mod signal {
    #![allow(missing_docs)]
    pub const HUP: i32 = 1;
    pub const INT: i32 = 2;
    pub const QUIT: i32 = 3;
    pub const KILL: i32 = 9;
    #[cfg(test)]
    pub const PIPE: i32 = 13;
    pub const TERM: i32 = 15;
    pub const CHLD: i32 = 17;
    pub const CONT: i32 = 18;
    pub const STOP: i32 = 19;
    pub const TSTP: i32 = 20;
    pub const TTIN: i32 = 21;
    pub const TTOU: i32 = 22;
    pub const XCPU: i32 = 24;
    pub const WINCH: i32 = 28;
    /// The kernel's count of signals (`_NSIG`); the C libraries hide two of them.
    pub const LAST: i32 = 64;
}

/// A set of signals, signal n being bit n - 1, as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigSet(pub u64);

impl SigSet {
    /// All 64, with 32 and 33, which a C library's sigfillset(3) leaves out for itself.
    pub const ALL: SigSet = SigSet(u64::MAX);

    /// The set without `signal`.
    pub const fn without(self, signal: i32) -> SigSet {
        SigSet(self.0 & !SigSet::of(signal).0)
    }

    /// The set of `signal` alone.
    pub const fn of(signal: i32) -> SigSet {
        SigSet(1 << ((signal - 1) & 63))
    }
}

/// `siginfo_t`: the fields that kill(2) and sigqueue(3) fill, and the rest as it came.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SigInfo {
    /// The signal's number.
    pub signo: i32,
    errno: i32,
    /// Who made it: `<= 0` a process, `> 0` the kernel.
    pub code: i32,
    padding: i32,
    /// The sender, 0 if it is outside of our pid namespace.
    pub pid: i32,
    uid: u32,
    rest: [u64; 13],
}

impl SigInfo {
    /// kill(2) made it.
    pub const SI_USER: i32 = 0;
    /// tkill(2) made it.
    pub const SI_TKILL: i32 = -6;
    /// The kernel made it: a terminal, a timer.
    #[cfg(test)]
    pub const SI_KERNEL: i32 = 0x80;

    /// A signal with these fields and no payload.
    pub const fn new(signo: i32, code: i32, pid: i32) -> SigInfo {
        SigInfo { signo, errno: 0, code, padding: 0, pid, uid: 0, rest: [0; 13] }
    }
}

/// `struct __kernel_timespec`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

impl Timespec {
    fn from_ms(ms: u64) -> Timespec {
        Timespec { seconds: (ms / 1000) as i64, nanoseconds: (ms % 1000 * 1_000_000) as i64 }
    }
}

/// `struct rusage`, of which the status lines show some.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Rusage {
    /// User time in seconds and microseconds.
    pub user: [i64; 2],
    /// System time in seconds and microseconds.
    pub system: [i64; 2],
    /// Largest resident set in KiB.
    pub maxrss_kib: i64,
    rest: [i64; 13],
}

/// What a signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// `SIG_DFL`.
    Default,
    /// `SIG_IGN`.
    Ignore,
}

fn check(result: isize) -> Result<usize> {
    match result {
        -4095..=-1 => Err(Errno(-result as i32)),
        _ => Ok(result as usize),
    }
}

/// A call whose arguments are all plain numbers, so that no memory of ours is at stake.
fn numbers(number: usize, a: usize, b: usize, c: usize) -> Result<i32> {
    // SAFETY: every caller in this file passes the number of a call that takes integers only (or
    // NULL for an optional pointer): the kernel reads and writes no memory of this process.
    check(unsafe { syscall(number, a, b, c, 0, 0) }).map(|value| value as i32)
}

/// A call with pointers.
///
/// # Safety
/// As the system call demands: each pointer is valid for what the kernel does with it.
unsafe fn pointers(number: usize, a: usize, b: usize, c: usize, d: usize) -> Result<i32> {
    // SAFETY: the caller's promise.
    check(unsafe { syscall(number, a, b, c, d, 0) }).map(|value| value as i32)
}

const SIGSET_SIZE: usize = size_of::<SigSet>();

/// Sets the signal mask of this (only) thread and returns the one before. The raw call: all 64
/// signals, and none is kept back.
pub fn rt_sigprocmask(set: SigSet) -> SigSet {
    const SIG_SETMASK: usize = 2;
    let mut old = SigSet(0);
    // SAFETY: `set` and `old` are eight bytes each and outlive the call; their size is passed.
    let done = unsafe {
        pointers(
            number::RT_SIGPROCMASK,
            SIG_SETMASK,
            &raw const set as usize,
            &raw mut old as usize,
            SIGSET_SIZE,
        )
    };
    // Fails only for a bad pointer, size or operation.
    let _ = done;
    old
}

/// Sets what `signal` does, and returns what it did. (A handler cannot have survived the exec.)
pub fn rt_sigaction(signal: i32, disposition: Disposition) -> Disposition {
    let new = arch::SigAction {
        handler: (disposition == Disposition::Ignore) as usize,
        ..Default::default()
    };
    let mut old = arch::SigAction::default();
    // SAFETY: both structures are the kernel's and outlive the call. SIG_DFL (0) and SIG_IGN (1)
    // are no addresses: no code of ours is ever entered because of this.
    let done = unsafe {
        pointers(
            number::RT_SIGACTION,
            signal as usize,
            &raw const new as usize,
            &raw mut old as usize,
            SIGSET_SIZE,
        )
    };
    let _ = done;
    if old.handler == 1 { Disposition::Ignore } else { Disposition::Default }
}

/// Takes one pending signal of `set`, waiting for at most `timeout_ms` (`None`: for ever).
///
/// # Errors
/// `EAGAIN` when the time is over, `EINTR` after a stop and continue or a freeze.
pub fn rt_sigtimedwait(set: SigSet, timeout_ms: Option<u64>) -> Result<SigInfo> {
    let timeout = timeout_ms.map(Timespec::from_ms);
    let timeout = timeout.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
    let mut info = SigInfo::new(0, 0, 0);
    // SAFETY: `set` is eight bytes, `info` the kernel's 128, `timeout` NULL or a timespec that
    // lives as long as this function.
    unsafe {
        pointers(
            number::RT_SIGTIMEDWAIT,
            &raw const set as usize,
            &raw mut info as usize,
            timeout as usize,
            SIGSET_SIZE,
        )
    }?;
    Ok(info)
}

/// Sleeps for a moment if `error` says that waiting for signals does not work here at all (a
/// seccomp filter): then the caller's loop must not spin.
pub fn nap_unless(error: Errno) {
    if error != Errno::EAGAIN && error != Errno::EINTR {
        // SAFETY: no `struct pollfd` at all, as the count says.
        let slept = unsafe { pointers(number::POLL, 0, 0, 100, 0) };
        let _ = slept;
    }
}

/// Sends `info` as it is, payload and code included, to the process `pid`.
///
/// # Errors
/// `EAGAIN` if the receiver's queue is full, `EPERM` also for a code that only the kernel or
/// kill(2) may use.
pub fn rt_sigqueueinfo(pid: i32, signal: i32, info: &SigInfo) -> Result<()> {
    // SAFETY: `info` has the kernel's 128 bytes, which the call only reads.
    unsafe {
        pointers(
            number::RT_SIGQUEUEINFO,
            pid as usize,
            signal as usize,
            core::ptr::from_ref(info) as usize,
            0,
        )
    }
    .map(drop)
}

/// Signals a process (`pid > 0`), a process group (`pid < -1`) or all that we may (`-1`).
///
/// # Errors
/// `ESRCH` if there is none, `EPERM` if none of them may be signalled.
pub fn kill(pid: i32, signal: i32) -> Result<()> {
    numbers(number::KILL, pid as usize, signal as usize, 0).map(drop)
}

/// What wait4(2) tells of a child.
#[derive(Clone, Copy, Debug)]
pub struct Waited {
    /// Which child.
    pub pid: i32,
    /// What became of it, encoded as for `WIFEXITED` and its kind.
    pub status: i32,
}

/// Takes one report of any child, without waiting. `Ok(None)`: children, but nothing to report.
///
/// # Errors
/// `ECHILD` if there are no children at all.
pub fn wait4(rusage: Option<&mut Rusage>) -> Result<Option<Waited>> {
    // linux/wait.h: WNOHANG, WUNTRACED, WCONTINUED; __WALL: also those that clone(2) made without
    // SIGCHLD, which no other wait would ever collect.
    const OPTIONS: usize = 0x1 | 0x2 | 0x8 | 0x4000_0000;
    let rusage = rusage.map_or(core::ptr::null_mut(), core::ptr::from_mut);
    let mut status = 0_i32;
    // SAFETY: `status` is an int; `rusage` is NULL or a whole `struct rusage` borrowed for the call.
    let pid = unsafe {
        pointers(number::WAIT4, usize::MAX, &raw mut status as usize, OPTIONS, rusage as usize)
    }?;
    Ok((pid > 0).then_some(Waited { pid, status }))
}

/// The pid of a child that was killed by SIGKILL, if it is the next to be reaped.
pub fn peek_killed() -> Option<i32> {
    const P_ALL: usize = 0;
    // linux/wait.h: WNOHANG, WEXITED, WNOWAIT, __WALL.
    const OPTIONS: usize = 0x1 | 0x4 | 0x100_0000 | 0x4000_0000;
    let mut info = SigInfo::new(0, 0, 0);
    // SAFETY: `info` has the kernel's 128 bytes; the fifth argument, an rusage, is NULL.
    let found = unsafe { pointers(number::WAITID, P_ALL, 0, &raw mut info as usize, OPTIONS) };
    // asm-generic/siginfo.h: CLD_KILLED; a child's status is what comes next.
    const CLD_KILLED: i32 = 2;
    let killed = info.code == CLD_KILLED && info.rest.first() == Some(&(signal::KILL as u64));
    (found.is_ok() && killed).then_some(info.pid)
}

/// This process's id in its own pid namespace.
pub fn getpid() -> i32 {
    numbers(number::GETPID, 0, 0, 0).unwrap_or(0)
}

/// The parent's id, 0 if it is outside of the pid namespace.
pub fn getppid() -> i32 {
    numbers(number::GETPPID, 0, 0, 0).unwrap_or(0)
}

/// The process group, 0 if its leader is outside of the pid namespace.
pub fn getpgrp() -> i32 {
    numbers(number::GETPGRP, 0, 0, 0).unwrap_or(0)
}

/// The session of `pid` (0: of this process), 0 if its leader is outside of the pid namespace.
///
/// # Errors
/// `ESRCH` if there is no such process.
pub fn getsid(pid: i32) -> Result<i32> {
    numbers(number::GETSID, pid as usize, 0, 0)
}

/// Moves this process into the group `pgid`; 0: into a new one of its own.
///
/// # Errors
/// `EPERM` for a session leader or another session's group.
pub fn setpgid(pgid: i32) -> Result<()> {
    numbers(number::SETPGID, 0, pgid as usize, 0).map(drop)
}

/// Starts a session of its own, without a terminal.
///
/// # Errors
/// `EPERM` for the leader of a process group.
pub fn setsid() -> Result<()> {
    numbers(number::SETSID, 0, 0, 0).map(drop)
}

/// The foreground process group of the terminal `fd`.
///
/// # Errors
/// `ENOTTY` if `fd` is not the *controlling* terminal of this process.
pub fn tcgetpgrp(fd: i32) -> Result<i32> {
    const TIOCGPGRP: usize = 0x540f;
    let mut pgid = 0_i32;
    // SAFETY: TIOCGPGRP writes one pid_t, and `pgid` outlives the call.
    unsafe { pointers(number::IOCTL, fd as usize, TIOCGPGRP, &raw mut pgid as usize, 0) }?;
    Ok(pgid)
}

/// Makes `pgid` the foreground process group of the controlling terminal `fd`.
///
/// # Errors
/// `EPERM` if the group is not one of this session, `ENOTTY` if `fd` is not its terminal.
pub fn tcsetpgrp(fd: i32, pgid: i32) -> Result<()> {
    const TIOCSPGRP: usize = 0x5410;
    // SAFETY: TIOCSPGRP reads one pid_t, and `pgid` outlives the call.
    unsafe { pointers(number::IOCTL, fd as usize, TIOCSPGRP, &raw const pgid as usize, 0) }
        .map(drop)
}

/// Makes the terminal `fd` the controlling one of the session that this process leads.
///
/// # Errors
/// `EPERM` if it is another session's.
pub fn tiocsctty(fd: i32) -> Result<()> {
    const TIOCSCTTY: usize = 0x540e;
    numbers(number::IOCTL, fd as usize, TIOCSCTTY, 0).map(drop)
}

/// Gives up the controlling terminal `fd`.
///
/// # Errors
/// `ENOTTY` if `fd` is not it.
pub fn tiocnotty(fd: i32) -> Result<()> {
    const TIOCNOTTY: usize = 0x5422;
    numbers(number::IOCTL, fd as usize, TIOCNOTTY, 0).map(drop)
}

/// Orphans below this process become its children.
///
/// # Errors
/// Where prctl(2) is denied.
pub fn set_child_subreaper() -> Result<()> {
    const PR_SET_CHILD_SUBREAPER: usize = 36;
    numbers(number::PRCTL, PR_SET_CHILD_SUBREAPER, 1, 0).map(drop)
}

/// Lets this process run on every processor that its cpuset has.
///
/// # Errors
/// Where sched_setaffinity(2) is denied.
pub fn use_all_processors() -> Result<()> {
    // As many as any kernel is built for; what it does not have is ignored. (On the stack: as a
    // constant it would be 4 % of the image.)
    let all = [0xff_u8; 1024];
    // SAFETY: the kernel reads as many bytes as are passed, and `all` outlives the call.
    unsafe { pointers(number::SCHED_SETAFFINITY, 0, all.len(), all.as_ptr() as usize, 0) }.map(drop)
}

/// Loads a system-call filter: where its program is (32 bits), how many instructions it has (16)
/// and with which flags (16, the highest).
///
/// # Errors
/// `EFAULT` if there is no such memory, `EINVAL` if that is no program; else as seccomp(2).
pub fn seccomp(filter: u64) -> Result<()> {
    /// `struct sock_fprog` of linux/filter.h.
    #[repr(C)]
    struct Program {
        length: u16,
        code: usize,
    }
    const SET_MODE_FILTER: usize = 1;
    let program = Program { length: (filter >> 32) as u16, code: filter as u32 as usize };
    let flags = (filter >> 48) as usize;
    // SAFETY: the kernel reads one `struct sock_fprog`, which outlives the call, and copies what it
    // points to as any user's memory: an address that is wrong is an error. It writes nothing.
    unsafe { pointers(number::SECCOMP, SET_MODE_FILTER, flags, &raw const program as usize, 0) }
        .map(drop)
}

/// Names this process, for ps(1) and top(1); at most 15 bytes count.
///
/// # Errors
/// Where prctl(2) is denied.
pub fn set_name(name: &CStr) -> Result<()> {
    const PR_SET_NAME: usize = 15;
    // SAFETY: the kernel reads up to the NUL that ends `name`.
    unsafe { pointers(number::PRCTL, PR_SET_NAME, name.as_ptr() as usize, 0, 0) }.map(drop)
}

/// Lets nobody trace this process or take its descriptors but who has CAP_SYS_PTRACE over it.
///
/// # Errors
/// Where prctl(2) is denied.
pub fn set_undumpable() -> Result<()> {
    const PR_SET_DUMPABLE: usize = 4;
    numbers(number::PRCTL, PR_SET_DUMPABLE, 0, 0).map(drop)
}

/// The kernel sends `signal` to this process when its parent ends.
///
/// # Errors
/// Where prctl(2) is denied.
pub fn set_pdeathsig(signal: i32) -> Result<()> {
    const PR_SET_PDEATHSIG: usize = 1;
    numbers(number::PRCTL, PR_SET_PDEATHSIG, signal as usize, 0).map(drop)
}

/// Opens `path` to read, close-on-exec, never becoming anybody's controlling terminal and never
/// waiting for a carrier or a writer.
///
/// # Errors
/// As open(2).
pub fn open(path: &CStr) -> Result<i32> {
    const AT_FDCWD: usize = -100_isize as usize;
    // asm-generic/fcntl.h: O_NOCTTY | O_NONBLOCK | O_CLOEXEC, O_RDONLY being 0.
    const FLAGS: usize = 0o400 | 0o4000 | 0o2_000_000;
    // SAFETY: `path` is NUL-terminated and only read.
    unsafe { pointers(number::OPENAT, AT_FDCWD, path.as_ptr() as usize, FLAGS, 0) }
}

/// Reads into `buffer` and returns what was read.
///
/// # Errors
/// As read(2).
pub fn read(fd: i32, buffer: &mut [u8]) -> Result<&[u8]> {
    // SAFETY: the kernel writes at most the length that is passed, all of it in `buffer`.
    let length = unsafe {
        pointers(number::READ, fd as usize, buffer.as_mut_ptr() as usize, buffer.len(), 0)
    }?;
    Ok(buffer.get(..length as usize).unwrap_or(&[]))
}

/// Writes `bytes`, perhaps not all.
///
/// # Errors
/// As write(2). `EPIPE` brings a SIGPIPE, whose sender is this process.
pub fn write(fd: i32, bytes: &[u8]) -> Result<usize> {
    // SAFETY: the kernel only reads, and at most the length of `bytes`.
    unsafe { pointers(number::WRITE, fd as usize, bytes.as_ptr() as usize, bytes.len(), 0) }
        .map(|written| written as usize)
}

/// Whether a write to `fd` of at most `PIPE_BUF` bytes would be taken at once.
pub fn writable(fd: i32) -> bool {
    #[repr(C)]
    struct PollFd {
        fd: i32,
        events: i16,
        revents: i16,
    }
    const POLLOUT: i16 = 4;
    let mut poll = PollFd { fd, events: POLLOUT, revents: 0 };
    // SAFETY: one `struct pollfd`, as the count says, which outlives the call.
    let ready = unsafe { pointers(number::POLL, &raw mut poll as usize, 1, 0, 0) };
    ready == Ok(1) && poll.revents & POLLOUT != 0
}

/// Closes `fd`.
pub fn close(fd: i32) {
    let _ = numbers(number::CLOSE, fd as usize, 0, 0);
}

/// Closes all descriptors from `first` to `last`, both included.
///
/// # Errors
/// `ENOSYS` before Linux 5.9.
pub fn close_range(first: i32, last: i32) -> Result<()> {
    numbers(number::CLOSE_RANGE, first as usize, last as usize, 0).map(drop)
}

/// Sets close-on-exec on `fd`.
///
/// # Errors
/// `EBADF` if it is not open.
pub fn set_cloexec(fd: i32) -> Result<()> {
    const F_SETFD: usize = 2;
    const FD_CLOEXEC: usize = 1;
    numbers(number::FCNTL, fd as usize, F_SETFD, FD_CLOEXEC).map(drop)
}

/// Changes the working directory.
///
/// # Errors
/// As chdir(2).
pub fn chdir(path: &CStr) -> Result<()> {
    // SAFETY: `path` is NUL-terminated and only read.
    unsafe { pointers(number::CHDIR, path.as_ptr() as usize, 0, 0, 0) }.map(drop)
}

/// Whether `path` leads to something that is not a directory.
///
/// # Errors
/// As stat(2).
pub fn is_file(path: &CStr) -> Result<bool> {
    const AT_FDCWD: usize = -100_isize as usize;
    const S_IFMT: u32 = 0o170_000;
    const S_IFDIR: u32 = 0o040_000;
    let mut stat = arch::Stat::default();
    // SAFETY: `path` is NUL-terminated; `stat` has the size of the kernel's structure.
    unsafe {
        pointers(number::NEWFSTATAT, AT_FDCWD, path.as_ptr() as usize, &raw mut stat as usize, 0)
    }?;
    Ok(stat.mode & S_IFMT != S_IFDIR)
}

/// Becomes another program. Returns only if that failed, and why.
pub fn execve(path: &CStr, arguments: &With<'_>, environment: &With<'_>) -> Errno {
    let before = (arguments.enter(), environment.enter());
    // SAFETY: `path` is NUL-terminated; the others are NULL-terminated arrays of such. The kernel
    // copies them; on success nothing of this program is left to notice.
    let failed = unsafe {
        pointers(
            number::EXECVE,
            path.as_ptr() as usize,
            arguments.as_ptr() as usize,
            environment.as_ptr() as usize,
            0,
        )
    };
    // SAFETY: each got its own.
    unsafe { arguments.leave(before.0) };
    // SAFETY: as above.
    unsafe { environment.leave(before.1) };
    failed.err().unwrap_or(Errno(0))
}

/// Runs `run(task)` in a child process that shares this memory, while this process sleeps until
/// the child execs or ends. If `run` returns, the child ends with 125.
///
/// What the child stores in `task` is here when this returns: so an error of its execve arrives
/// without a pipe, and if there is none the execve has happened.
///
/// # Errors
/// `EAGAIN` at a limit of processes, `ENOMEM`.
pub fn vfork<T>(task: &T, run: fn(&T)) -> Result<i32> {
    struct Call<'a, T>(&'a T, fn(&T));
    extern "C" fn enter<T>(call: *const ()) {
        // SAFETY: `vfork` passes a pointer to this very type, in its frame, which stays as it is
        // while the child runs in this memory.
        let Call(task, run) = unsafe { &*call.cast::<Call<'_, T>>() };
        run(task);
    }
    let call = Call(task, run);
    // SAFETY: `enter::<T>` is given what it expects. To this program the child is like a function
    // call: nothing else runs in this memory meanwhile, and what it opens or sets in the kernel
    // is its own process's.
    check(unsafe { arch::vfork(enter::<T>, (&raw const call).cast()) }).map(|pid| pid as i32)
}

/// Drops all supplementary groups.
///
/// # Errors
/// `EPERM` without CAP_SETGID, or where a user namespace denies setgroups.
pub fn setgroups_none() -> Result<()> {
    numbers(number::SETGROUPS, 0, 0, 0).map(drop)
}

/// The number of supplementary groups.
pub fn getgroups_count() -> i32 {
    numbers(number::GETGROUPS, 0, 0, 0).unwrap_or(0)
}

/// Sets the real, effective and saved group id.
///
/// # Errors
/// `EPERM` without CAP_SETGID, `EINVAL` for an unmapped id.
pub fn setresgid(gid: u32) -> Result<()> {
    numbers(number::SETRESGID, gid as usize, gid as usize, gid as usize).map(drop)
}

/// Sets the real, effective and saved user id.
///
/// # Errors
/// `EPERM` without CAP_SETUID, `EINVAL` for an unmapped id.
pub fn setresuid(uid: u32) -> Result<()> {
    numbers(number::SETRESUID, uid as usize, uid as usize, uid as usize).map(drop)
}

/// The monotonic clock in milliseconds.
pub fn now_ms() -> u64 {
    const CLOCK_MONOTONIC: usize = 1;
    let mut time = Timespec::default();
    // SAFETY: the kernel writes one timespec, and `time` outlives the call.
    let done =
        unsafe { pointers(number::CLOCK_GETTIME, CLOCK_MONOTONIC, &raw mut time as usize, 0, 0) };
    let _ = done;
    time.seconds as u64 * 1000 + time.nanoseconds as u64 / 1_000_000
}

/// Ends the process.
pub fn exit_group(code: i32) -> ! {
    loop {
        let _ = numbers(number::EXIT_GROUP, code as usize, 0, 0);
    }
}

/// A buffer for a path, of which only the bytes that are used ever touch memory.
pub struct PathBuffer {
    bytes: [MaybeUninit<u8>; PathBuffer::SIZE],
}

impl PathBuffer {
    /// `PATH_MAX`, the NUL included: no system call takes more.
    pub const SIZE: usize = 4096;

    /// An empty one.
    pub fn new() -> PathBuffer {
        PathBuffer { bytes: [const { MaybeUninit::uninit() }; PathBuffer::SIZE] }
    }

    /// Replaces the contents by `parts` one after the other. `None` if that is too long.
    pub fn join(&mut self, parts: &[&[u8]]) -> Option<&CStr> {
        let mut free = self.bytes.iter_mut();
        for part in parts {
            for byte in *part {
                free.next()?.write(*byte);
            }
        }
        free.next()?.write(0);
        // SAFETY: the lines above have written every byte up to and with a NUL.
        Some(unsafe { CStr::from_ptr(self.bytes.as_ptr().cast()) })
    }
}

impl Default for PathBuffer {
    fn default() -> PathBuffer {
        PathBuffer::new()
    }
}

/// The string that `bytes` begin with, if it ends in them. (What core has for this is built for
/// long strings, and ten times the size.)
pub fn until_nul(bytes: &[u8]) -> Option<&CStr> {
    bytes.iter().position(|byte| *byte == 0)?;
    // SAFETY: there is a NUL in `bytes`, which the result borrows.
    Some(unsafe { CStr::from_ptr(bytes.as_ptr().cast()) })
}

#[cfg(freestanding)]
mod start {
    use super::{Strings, arch, exit_group, number, numbers};
    use core::ffi::c_char;

    unsafe extern "C" {
        // The ends of what image.ld puts aside as not needed while asleep.
        static cold_start: u8;
        static cold_end: u8;
    }

    /// Gives back the memory that only the start has needed: stack below this frame, and the
    /// code of the start. What is needed again (to exit, say) the kernel reads again.
    pub fn forget_the_start() {
        const PAGE: usize = 4096;
        const DONTNEED: usize = 4;
        let (cold, end) = (&raw const cold_start as usize, &raw const cold_end as usize);
        let cold = cold & !(PAGE - 1);
        // The file's pages, and nothing can have written to them.
        let _ = numbers(number::MADVISE, cold, end - cold, DONTNEED);
        // With room for the red zone and for calls from here. What is deeper is from calls that
        // have returned; below a stack there is nothing else for far more than this.
        let here = &raw const cold as usize;
        let bottom = (here - 512) & !(PAGE - 1);
        let _ = numbers(number::MADVISE, bottom - 16 * PAGE, 16 * PAGE, DONTNEED);
    }

    /// Called by `_start` with the stack as the kernel left it.
    ///
    /// # Safety
    /// `stack` points to argc, argv, NULL, envp, NULL, all of it ours for good.
    pub unsafe extern "C" fn entry(stack: *mut usize) -> ! {
        // SAFETY: the first word is the number of arguments, the array begins behind it.
        let (argc, argv) = unsafe { (*stack, stack.add(1).cast::<*const c_char>()) };
        // SAFETY: argv has argc strings and a NULL; envp comes next and is NULL-terminated too.
        // The kernel made both for this process and nobody else holds a reference.
        let (arguments, environment) =
            unsafe { (Strings::from_raw(argv), Strings::from_raw(argv.add(argc + 1))) };
        exit_group(crate::init::run(arguments, environment).into())
    }

    /// What the panic handler does.
    pub fn panicked() -> ! {
        arch::mark_panic();
        exit_group(125)
    }
}
#[cfg(freestanding)]
use start::entry;
#[cfg(freestanding)]
pub use start::{forget_the_start, panicked};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_joined_if_it_fits() {
        let mut buffer = PathBuffer::new();
        assert_eq!(buffer.join(&[b"/usr/bin", b"/", b"true"]), Some(c"/usr/bin/true"));
        assert_eq!(buffer.join(&[]), Some(c""));
        let long = [b'x'; PathBuffer::SIZE];
        let longest = buffer.join(&[&long[1..]]).map(CStr::count_bytes);
        assert_eq!(longest, Some(PathBuffer::SIZE - 1));
        assert_eq!(buffer.join(&[&long]), None);
        assert_eq!(buffer.join(&[&long, b"x"]), None);
    }

    #[test]
    fn a_string_ends_in_its_bytes() {
        assert_eq!(until_nul(b"ab\0cd\0"), Some(c"ab"));
        assert_eq!(until_nul(b"\0"), Some(c""));
        assert_eq!(until_nul(b"ab"), None);
        assert_eq!(until_nul(b""), None);
    }

    #[test]
    fn structures_have_the_size_of_the_kernels() {
        assert_eq!(size_of::<SigInfo>(), 128);
        assert_eq!(size_of::<Rusage>(), 144);
        assert_eq!(size_of::<arch::SigAction>(), 32);
        assert_eq!(size_of::<arch::Stat>(), 144);
    }

    #[test]
    fn sets_of_signals_are_the_kernels() {
        assert_eq!(SigSet::of(1), SigSet(1));
        assert_eq!(SigSet::of(64), SigSet(1 << 63));
        assert_eq!(SigSet::ALL.without(signal::CHLD), SigSet(!(1 << 16)));
    }
}
