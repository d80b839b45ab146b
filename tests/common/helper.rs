//! Workloads that no installed program is sure to provide: the test program itself,
//! started under an environment variable, acts before the harness does.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::who::{base, install};

/// Chooses the part.
const VARIABLE: &str = "NSCTL_TEST_HELPER";

/// The command that plays `part`: for the end of nsctl's arguments.
pub fn helper(part: &str) -> [String; 3] {
    let path = program().to_str().unwrap().to_string();
    ["env".into(), format!("{VARIABLE}={part}"), path]
}

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = base().join("helper");
        install(std::env::current_exe().unwrap(), &path, 0o755);
        path
    })
}

// Before main and Rust's own start, so with one thread and the signal state as inherited.
#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = {
    extern "C" fn start() {
        let part = match std::env::var(VARIABLE) {
            Ok(part) => part,
            Err(_) => return,
        };
        match part.as_str() {
            "record-signals" => record_signals(),
            "nothing" => {}
            "streams" => streams(),
            "double-fork" => daemonize(),
            "hop" => hop(),
            "orphans" => orphans(),
            "thread-elsewhere" => thread_elsewhere(),
            "descriptor" => descriptor(),
            "socket" => socket(),
            "thousand" => thousand(),
            "nameless" => nameless(),
            other => panic!("no part {other}"),
        }
        // SAFETY: ends this process, which has nothing to clean up.
        unsafe { libc::_exit(0) }
    }
    start
};

/// Writes a line to standard output at once.
fn say(text: &str) {
    let line = format!("{text}\n");
    // SAFETY: the buffer is valid for its length.
    unsafe { libc::write(1, line.as_ptr().cast(), line.len()) };
}

/// Writes what the standard streams are to the file that NSCTL_TEST_FILE names.
fn streams() {
    let path = std::env::var("NSCTL_TEST_FILE").unwrap();
    let link = |stream: i32| match fs::read_link(format!("/proc/self/fd/{stream}")) {
        Ok(path) => format!("{}\n", path.display()),
        Err(error) => format!("{error}\n"),
    };
    let text: String = (0..=2).map(link).collect();
    fs::write(path, text).unwrap();
}

/// Prints number, code and value of each signal that arrives; ends with one of value 9999.
fn record_signals() {
    let all = u64::MAX;
    // SAFETY: the kernel reads a mask of the size passed; glibc's functions would leave 32 and 33 out.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const all, 0, 8) };
    say("ready");
    loop {
        // SAFETY: all zeroes is a siginfo_t; the kernel reads the mask and writes the siginfo.
        let (signal, info) = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let signal =
                libc::syscall(libc::SYS_rt_sigtimedwait, &raw const all, &raw mut info, 0, 8);
            (signal, info)
        };
        if signal <= 0 {
            continue;
        }
        // SAFETY: the value is in the union of the codes below zero, and plain bytes in all others.
        let value = unsafe { info.si_value().sival_ptr } as usize;
        let value = if info.si_code < 0 { value } else { 0 };
        say(&format!("{signal} {} {value}", info.si_code));
        if value == 9999 {
            return;
        }
    }
}

/// Forks; the child calls `run` and ends.
fn fork(run: impl FnOnce()) -> i32 {
    // SAFETY: this process has one thread.
    match unsafe { libc::fork() } {
        0 => {
            run();
            // SAFETY: ends the child.
            unsafe { libc::_exit(0) }
        }
        pid => pid,
    }
}

fn pause() {
    // SAFETY: has no precondition.
    unsafe { libc::pause() };
}

/// Leaves a daemon that nothing ties to us, then waits for a signal.
fn daemonize() {
    let child = fork(|| {
        // SAFETY: have no precondition.
        unsafe {
            libc::setsid();
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            libc::signal(libc::SIGTERM, libc::SIG_IGN);
        }
        fork(|| {
            loop {
                pause();
            }
        });
    });
    // SAFETY: waits for our own child.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    say("ready");
    loop {
        pause();
    }
}

/// Processes that are gone before anybody can kill them, but have a child by then.
fn hop() {
    // Nobody may have to look for them when a test fails.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    for _ in 0..8 {
        fork(|| {
            // Each child leaves the loop of its parent, who ends.
            while std::time::Instant::now() < end {
                // SAFETY: this process has one thread.
                if unsafe { libc::fork() } != 0 {
                    return;
                }
            }
        });
    }
    loop {
        pause();
    }
}

/// Makes 20,000 children of PID 1 that end, and 20 that do not.
fn orphans() {
    for batch in 0..20 {
        let child = fork(|| {
            for _ in 0..1000 {
                fork(|| {});
            }
            let _ = batch;
            fork(|| {
                loop {
                    pause();
                }
            });
        });
        // SAFETY: waits for our own child.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    }
    say("ready");
}

fn link(path: &str) -> String {
    fs::read_link(path).unwrap().display().to_string()
}

fn unshare(flags: i32) {
    // SAFETY: takes a number only.
    assert_eq!(unsafe { libc::unshare(flags) }, 0, "{}", std::io::Error::last_os_error());
}

/// Ends when whoever started us lets go of our standard input.
fn wait_for_end_of_input() {
    let _ = std::io::Read::read(&mut std::io::stdin(), &mut [0]);
}

/// A thread goes to a UTS namespace of its own, and says which.
fn thread_elsewhere() {
    std::thread::spawn(|| {
        unshare(libc::CLONE_NEWUTS);
        say(&link("/proc/thread-self/ns/uts"));
        pause();
    });
    wait_for_end_of_input();
}

/// Keeps the UTS namespace of a process that has ended, by descriptor 7, and says which.
fn descriptor() {
    let (read, write) = nix::unistd::pipe().unwrap();
    let child = fork(|| {
        unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWUTS);
        let _ = nix::unistd::write(&write, b"x");
        pause();
    });
    let _ = nix::unistd::read(&read, &mut [0]);
    let path = format!("/proc/{child}/ns/uts");
    let file = fs::File::open(&path).unwrap();
    let name = link(&path);
    // SAFETY: 7 is nobody's; the child is our own.
    unsafe {
        libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&file), 7);
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, std::ptr::null_mut(), 0);
    }
    drop(file);
    say(&name);
    wait_for_end_of_input();
}

/// Leaves a network namespace in which it has a socket, and says which.
fn socket() {
    let home = fs::File::open("/proc/self/ns/net").unwrap();
    unshare(libc::CLONE_NEWNET);
    let name = link("/proc/self/ns/net");
    let _socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    // SAFETY: a descriptor that is open.
    assert_eq!(unsafe { libc::setns(std::os::fd::AsRawFd::as_raw_fd(&home), 0) }, 0);
    say(&name);
    wait_for_end_of_input();
}

/// Keeps a thousand UTS namespaces by descriptors.
fn thousand() {
    let keep = || {
        unshare(libc::CLONE_NEWUTS);
        fs::File::open("/proc/self/ns/uts").unwrap()
    };
    let _kept: Vec<fs::File> = (0..1000).map(|_| keep()).collect();
    unshare(libc::CLONE_NEWUTS);
    say("ready");
    wait_for_end_of_input();
}

/// Has no command line, and a name that is no text; says its UTS namespace and its pid.
fn nameless() {
    let line = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<usize> = line
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .map(|f| f.parse().unwrap_or(0))
        .collect();
    // arg_start and arg_end, proc_pid_stat(5), counted from the state.
    let (start, end) = (fields[45], fields[46]);
    // SAFETY: our own arguments, which nobody reads any more.
    unsafe { std::ptr::write_bytes(start as *mut u8, 0, end - start) };
    // SAFETY: a name that ends with NUL.
    unsafe { libc::prctl(libc::PR_SET_NAME, c"</svg>\"\x1b[2J\n\xffx".as_ptr()) };
    say(&format!("{} {}", link("/proc/self/ns/uts"), std::process::id()));
    wait_for_end_of_input();
}
