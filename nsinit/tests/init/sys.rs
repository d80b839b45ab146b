//! The system calls that std lacks, for the tests and their payloads.

#![allow(unsafe_code)]

use std::io::{Error, Result};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

fn check(result: i64) -> Result<i64> {
    if result < 0 { Err(Error::last_os_error()) } else { Ok(result) }
}

/// kill(2).
pub fn kill(pid: i32, signal: i32) -> Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::kill(pid, signal) }.into()).map(drop)
}

/// sigqueue(3), for all 64 signals: the C library's refuses two of them.
pub fn sigqueue(pid: i32, signal: i32, value: usize) -> Result<()> {
    // SAFETY: all zeros is a siginfo_t.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    info.si_signo = signal;
    info.si_code = libc::SI_QUEUE;
    let words = (&raw mut info).cast::<u32>();
    // SAFETY: pid and uid are words 4 and 5, the value words 6 and 7, of 32 (asm-generic/siginfo.h).
    unsafe {
        words.add(4).write(std::process::id());
        words.add(6).cast::<usize>().write(value);
    }
    // SAFETY: the structure is read, and outlives the call.
    check(unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, pid, signal, &raw const info) })
        .map(drop)
}

/// Blocks exactly `mask`, bit n - 1 being signal n, the C library's own two included.
pub fn sigprocmask(mask: u64) -> Result<()> {
    // SAFETY: eight bytes are read, none written.
    check(unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const mask,
            std::ptr::null::<u64>(),
            8,
        )
    })
    .map(drop)
}

/// A signal as it arrived.
pub struct Received {
    /// Which.
    pub signal: i32,
    /// `si_code`.
    pub code: i32,
    /// `si_value`.
    pub value: usize,
}

/// Waits for any of all 64 signals, which are blocked.
pub fn sigwaitinfo() -> Result<Received> {
    let all = u64::MAX;
    let mut info = [0_u32; 32];
    // SAFETY: the set is eight bytes, `info` the kernel's 128.
    check(unsafe {
        libc::syscall(
            libc::SYS_rt_sigtimedwait,
            &raw const all,
            info.as_mut_ptr(),
            std::ptr::null::<libc::timespec>(),
            8,
        )
    })?;
    let value = info[6] as usize | (info[7] as usize) << 32;
    Ok(Received { signal: info[0] as i32, code: info[2] as i32, value })
}

/// Waits until the process `pid` has ended.
pub fn wait_end(pid: i32, timeout: Duration) -> bool {
    // SAFETY: integers only.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if fd < 0 {
        return true;
    }
    // SAFETY: a new descriptor that nobody else has.
    let fd = unsafe { OwnedFd::from_raw_fd(fd as i32) };
    readable(&fd, timeout)
}

/// Waits until `fd` has something to read, or has ended.
pub fn readable(fd: &impl AsRawFd, timeout: Duration) -> bool {
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure, which outlives the call.
    unsafe { libc::poll(&raw mut poll, 1, timeout.as_millis() as i32) == 1 }
}

/// A pseudo terminal: the master's side, and the name of the slave.
pub fn pty() -> Result<(OwnedFd, String)> {
    // SAFETY: integers only.
    let master = check(
        unsafe { libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC) }.into(),
    )?;
    // SAFETY: a new descriptor that nobody else has.
    let master = unsafe { OwnedFd::from_raw_fd(master as i32) };
    // SAFETY: the descriptor is a master.
    check(unsafe { libc::unlockpt(master.as_raw_fd()) }.into())?;
    let mut name = [0_u8; 64];
    // SAFETY: at most 64 bytes are written.
    check((-unsafe { libc::ptsname_r(master.as_raw_fd(), name.as_mut_ptr().cast(), 64) }).into())?;
    let name = std::ffi::CStr::from_bytes_until_nul(&name).expect("ptsname_r ends it");
    Ok((master, name.to_str().expect("/dev/pts/N").to_owned()))
}

/// Sets the size of a terminal.
pub fn resize(fd: &OwnedFd, rows: u16, columns: u16) -> Result<()> {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCSWINSZ reads the structure, which outlives the call.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) }.into())
        .map(drop)
}

/// What a command does between fork and exec, in this order.
#[derive(Clone, Debug)]
pub enum Before {
    /// Keep this descriptor open in the program, as this number.
    Keep(i32, i32),
    /// Close a descriptor.
    Close(i32),
    /// Set the signal mask.
    Mask(u64),
    /// Ignore a signal.
    Ignore(i32),
    /// The default for every signal: whoever runs the tests may ignore some.
    Defaults,
    /// Limit a resource.
    Limit(u32, u64),
    /// Lead a session of its own, with the terminal on descriptor 0 if there is one.
    Session,
    /// Lead a process group of its own.
    Group,
    /// Set an alarm, in seconds.
    Alarm(u32),
    /// Have system calls, by their numbers, fail with this error.
    Refuse(Vec<libc::c_long>, i32),
}

impl Before {
    fn run(&self) -> Result<()> {
        // SAFETY: async-signal-safe calls on integers only, between fork and exec.
        let result = unsafe {
            match *self {
                Before::Keep(fd, to) if fd == to => libc::fcntl(fd, libc::F_SETFD, 0),
                Before::Keep(fd, to) => libc::dup2(fd, to),
                Before::Close(fd) => libc::close(fd),
                Before::Mask(mask) => return sigprocmask(mask),
                Before::Ignore(signal) => {
                    return ignore(signal, true);
                }
                Before::Defaults => {
                    for signal in (1..=64).filter(|signal| ![9, 19].contains(signal)) {
                        ignore(signal, false)?;
                    }
                    0
                }
                Before::Limit(resource, limit) => {
                    let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
                    libc::setrlimit(resource, &raw const limit)
                }
                Before::Session => {
                    let done = libc::setsid();
                    libc::ioctl(0, libc::TIOCSCTTY, 0);
                    done
                }
                Before::Group => libc::setpgid(0, 0),
                Before::Alarm(seconds) => libc::alarm(seconds) as i32,
                Before::Refuse(ref numbers, errno) => return refuse(numbers, errno),
            }
        };
        check(result.into()).map(drop)
    }
}

/// Ignores a signal or not, for all 64.
pub fn ignore(signal: i32, ignored: bool) -> Result<()> {
    // handler, flags, restorer, mask: the kernel's structure, not the C library's.
    let action = [usize::from(ignored), 0, 0, 0];
    // SAFETY: the structure is read; SIG_DFL and SIG_IGN are no addresses.
    check(unsafe {
        libc::syscall(libc::SYS_rt_sigaction, signal, action.as_ptr(), std::ptr::null::<usize>(), 8)
    })
    .map(drop)
}

/// Has `command` do `steps` before its exec.
pub fn before_exec(command: &mut Command, steps: Vec<Before>) {
    // SAFETY: the steps are system calls only; what they need was allocated before the fork.
    unsafe {
        command.pre_exec(move || {
            // Whoever runs the tests may have left something open.
            libc::close_range(3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC as i32);
            // Or ignored or blocked. SIGKILL and SIGSTOP are refused.
            (1..=64).for_each(|signal| drop(ignore(signal, false)));
            sigprocmask(0)?;
            steps.iter().try_for_each(Before::run)
        });
    }
}

/// A child in our memory, and us asleep until it has ended.
const BORROWED: i32 = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;

extern "C" fn end(_: *mut libc::c_void) -> i32 {
    0
}

/// Makes `count` children that end at once and are not reaped, or as many as there may be, and
/// returns how many.
pub fn make_zombies(count: u32) -> u32 {
    let mut stack = vec![0_u128; 1024];
    let top = stack.as_mut_ptr_range().end;
    for made in 0..count {
        // SAFETY: the child does nothing but end, on a stack of its own, while the parent sleeps.
        let pid = unsafe { libc::clone(end, top.cast(), BORROWED, std::ptr::null_mut()) };
        if pid < 0 {
            return made;
        }
    }
    count
}

/// Makes a child that leaves an orphan, both of which have ended; returns the child's pid.
pub fn make_orphan() -> Result<i32> {
    extern "C" fn leave_one(stack: *mut libc::c_void) -> i32 {
        // SAFETY: as in `make_zombies`.
        unsafe { libc::clone(end, stack, BORROWED, std::ptr::null_mut()) };
        0
    }
    let (mut stack, mut other) = ([0_u128; 1024], [0_u128; 1024]);
    let (top, other) = (stack.as_mut_ptr_range().end, other.as_mut_ptr_range().end);
    // SAFETY: the child makes one system call and ends; each of the two has a stack of its own,
    // which outlives it, as we sleep for so long.
    let pid = unsafe { libc::clone(leave_one, top.cast(), BORROWED, other.cast()) };
    check(pid.into()).map(|pid| pid as i32)
}

/// Waits for a child's end.
pub fn wait(pid: i32) -> Result<()> {
    // SAFETY: no status is asked for.
    check(unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) }.into()).map(drop)
}

/// fork(2). Only for a payload, which has one thread.
pub fn fork() -> Result<i32> {
    // SAFETY: the payloads run in a process of one thread.
    check(unsafe { libc::fork() }.into()).map(|pid| pid as i32)
}

/// A duplicate for another owner.
pub fn duplicate(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    fd.try_clone_to_owned()
}

/// Traces a process, without stopping it.
pub fn trace(pid: i32) -> Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) }).map(drop)
}

/// Lets a stopped process go that this thread has traced, with `signal`.
pub fn untrace(pid: i32, signal: i32) -> Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::ptrace(libc::PTRACE_DETACH, pid, 0, signal) }).map(drop)
}

/// Executes `path` with no arguments at all.
pub fn exec_without_arguments(path: &std::ffi::CStr) -> Error {
    let none = [std::ptr::null()];
    // SAFETY: a string and two arrays that end with NULL.
    unsafe { libc::execve(path.as_ptr(), none.as_ptr(), none.as_ptr()) };
    Error::last_os_error()
}

/// What prctl(2) says of this process: the parent-death signal, and whether it is a subreaper.
pub fn prctl() -> Result<(i32, i32)> {
    let (mut signal, mut subreaper) = (0_i32, 0_i32);
    // SAFETY: each call writes one int.
    check(unsafe { libc::prctl(libc::PR_GET_PDEATHSIG, &raw mut signal) }.into())?;
    // SAFETY: as above.
    check(unsafe { libc::prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut subreaper) }.into())?;
    Ok((signal, subreaper))
}

/// Has seccomp(2) refuse these system calls to this process and its children.
fn refuse(numbers: &[libc::c_long], errno: i32) -> Result<()> {
    const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
    const EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    const ALLOW: u32 = 0x7fff_0000;
    const ERRNO: u32 = 0x0005_0000;
    let statement = |code, jt, k| libc::sock_filter { code, jt, jf: 0, k };
    // No allocation here: this runs between fork and exec.
    let mut filter = [statement(RETURN, 0, ALLOW); 64];
    filter[0] = statement(LOAD, 0, 0);
    let count = numbers.len();
    for (at, number) in numbers.iter().enumerate() {
        // To the last statement, over the others and the one that allows.
        filter[at + 1] = statement(EQUAL, (count - at) as u8, *number as u32);
    }
    filter[count + 2] = statement(RETURN, 0, ERRNO | errno as u32);
    let program = libc::sock_fprog { len: count as u16 + 3, filter: filter.as_mut_ptr() };
    // SAFETY: integers only.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }.into())?;
    // SAFETY: the program and its statements outlive the call, which copies them.
    check(
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) }
            .into(),
    )
    .map(drop)
}

/// Writes to `fd` until it would have to wait.
pub fn fill(fd: &impl AsRawFd) -> Result<()> {
    let bytes = [b'x'; 4096];
    loop {
        let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
        // SAFETY: one structure, which outlives the call.
        if unsafe { libc::poll(&raw mut poll, 1, 0) } != 1 {
            return Ok(());
        }
        // SAFETY: the bytes are only read.
        check(unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) } as i64)?;
    }
}
