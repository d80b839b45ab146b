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
        Ok("one") => println!("got {}", sys::sigwaitinfo().unwrap().signal),
        Ok("orphans") => orphans(),
        Ok("argc0") => argc0(),
        Ok("prctl") => println!("{:?}", sys::prctl().unwrap()),
        Ok(other) => eprintln!("no payload {other}"),
    }
    std::process::exit(0);
}

/// Tells of every signal, until one comes with the payload 4242.
fn record() {
    sys::sigprocmask(u64::MAX).unwrap();
    println!("ready");
    loop {
        let received = sys::sigwaitinfo().unwrap();
        if received.value == 4242 {
            return;
        }
        println!("got {} {} {}", received.signal, received.code, received.value);
    }
}

/// Up to 20,000 zombies, all orphaned at once; ends when its input does.
fn orphans() {
    if sys::fork().unwrap() == 0 {
        // A zombie still has a pid, and others need some, too.
        let pids = std::fs::read_to_string("/proc/sys/kernel/pid_max").unwrap();
        sys::make_zombies((pids.trim().parse::<u32>().unwrap() / 8).min(20_000));
        return;
    }
    println!("ready");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// Becomes nsinit, without any arguments.
fn argc0() {
    let image = std::env::var("NSINIT_TEST_IMAGE").unwrap();
    let image = std::ffi::CString::new(image).unwrap();
    panic!("{}", sys::exec_without_arguments(&image));
}
