// The workload that is many processes, some of them in namespaces of their own: `crowd PROCESSES
// SOME`. It says the pid of the first of those when all are there, and ends with its input.
use std::ffi::{c_int, c_long, c_uint, c_ulong};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
    fn prctl(option: c_int, ...) -> c_int;
    fn pause() -> c_int;
    fn close_range(first: c_uint, last: c_uint, flags: c_uint) -> c_int;
}

// x86_64 and asm-generic
const SYS_CLONE: c_long = if cfg!(target_arch = "x86_64") { 56 } else { 220 };
const SIGCHLD: c_ulong = 17;
const SIGKILL: c_ulong = 9;
const PR_SET_PDEATHSIG: c_int = 1;
// user mnt net uts ipc pid cgroup, linux/sched.h
const SEVEN: c_ulong = 0x1000_0000
    | 0x0002_0000
    | 0x4000_0000
    | 0x0400_0000
    | 0x0800_0000
    | 0x2000_0000
    | 0x0200_0000;

/// Whoever is to be entered needs ids: the caller is root there.
fn map(child: c_long) {
    let own = std::fs::metadata("/proc/self").expect("there is a /proc");
    let write = |file: &str, text: &str| std::fs::write(format!("/proc/{child}/{file}"), text);
    // Without them it is entered by those only who need none.
    let _ = write("uid_map", &format!("0 {} 1", own.uid()));
    let _ = write("setgroups", "deny");
    let _ = write("gid_map", &format!("0 {} 1", own.gid()));
}

fn main() {
    let number = |at| std::env::args().nth(at).and_then(|text| text.parse().ok()).unwrap_or(0);
    let (processes, some): (usize, usize) = (number(1), number(2));
    // What the caller left open would be open in each.
    // SAFETY: nothing of this program is open but its standard streams.
    unsafe { close_range(3, c_uint::MAX, 0) };
    let mut first = 0;
    for at in 0..processes {
        let flags = if at < some { SEVEN | SIGCHLD } else { SIGCHLD };
        // SAFETY: a clone without a stack of its own and without shared memory is a fork, of a
        // process with one thread; the child only sleeps.
        let child = unsafe { syscall(SYS_CLONE, flags, 0_usize, 0_usize, 0_usize, 0_usize) };
        match child {
            0 => loop {
                // SAFETY: no pointers.
                unsafe {
                    prctl(PR_SET_PDEATHSIG, SIGKILL);
                    pause();
                }
            },
            1.. if at == 0 => {
                first = child;
                if some > 0 {
                    map(child);
                }
            }
            1.. => {}
            _ => {
                eprintln!("clone: {}", std::io::Error::last_os_error());
                std::process::exit(1);
            }
        }
    }
    let mut output = std::io::stdout();
    if writeln!(output, "{first}").and_then(|()| output.flush()).is_ok() {
        let _ = std::io::stdin().read(&mut [0]);
    }
}
