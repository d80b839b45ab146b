//! Programs to run under nsinit: this very program, started again.

#![allow(unsafe_code)]
#![allow(clippy::exit, clippy::print_stderr, reason = "these are programs")]

use crate::sys;
use std::io::Read;

/// Before main, as the test harness has threads, and with them the C library takes signals for
/// itself.
// SAFETY: the section holds pointers to functions that take nothing or argc, argv and envp; this
// one takes nothing, and std's parts that it uses do not need its main.
#[unsafe(link_section = ".init_array")]
#[used]
static BEFORE_MAIN: extern "C" fn() = before_main;

extern "C" fn before_main() {
    match std::env::var("NSINIT_TEST_PAYLOAD").as_deref() {
        Err(_) => return,
        Ok("record") => record(),
        Ok("one") => one(),
        Ok("orphans") => orphans(),
        Ok("stream") => stream(),
        Ok("argc0") => argc0(),
        Ok("prctl") => println!("{:?}", sys::prctl().unwrap()),
        Ok(other) => eprintln!("no payload {other}"),
    }
    std::process::exit(0);
}

/// Tells of the first signal.
fn one() {
    sys::sigprocmask(u64::MAX).unwrap();
    println!("got {}", sys::sigwaitinfo().unwrap().signal);
}

/// Tells of every signal, until it is killed.
fn record() -> ! {
    sys::sigprocmask(u64::MAX).unwrap();
    println!("ready");
    loop {
        let received = sys::sigwaitinfo().unwrap();
        println!("got {} {} {}", received.signal, received.code, received.value);
    }
}

/// 20,000 zombies, or as many as there may be, all orphaned at once; ends when its input does.
fn orphans() {
    let maker = sys::fork().unwrap();
    if maker == 0 {
        // A zombie still has a pid, and others need some, too.
        let pids = std::fs::read_to_string("/proc/sys/kernel/pid_max").unwrap_or_default();
        let pids = pids.trim().parse().unwrap_or(32_768);
        println!("{}", sys::make_zombies((pids / 4).min(20_000)));
        return;
    }
    // When it is gone, they have been handed over.
    sys::wait(maker).unwrap();
    tell_adopter();
    println!("ready");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// 5,000 orphans, one after the other, each dead already; ends when its input does.
fn stream() {
    for _ in 0..5_000 {
        sys::wait(sys::make_orphan().unwrap()).unwrap();
    }
    tell_adopter();
    println!("ready");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// Tells whether our orphans become our parent's: "adopted by N of N".
fn tell_adopter() {
    use std::os::unix::process::parent_id;
    let init = parent_id();
    let child = sys::fork().unwrap();
    if child == 0 {
        let own = std::process::id();
        if sys::fork().unwrap() != 0 {
            std::process::exit(0);
        }
        while parent_id() == own {
            std::thread::yield_now();
        }
        println!("adopted by {} of {init}", parent_id());
        std::process::exit(0);
    }
    sys::wait(child).unwrap();
}

/// Becomes nsinit, without any arguments.
fn argc0() {
    let image = std::env::var("NSINIT_TEST_IMAGE").unwrap();
    let image = std::ffi::CString::new(image).unwrap();
    panic!("{}", sys::exec_without_arguments(&image));
}
