//! Signalling everything that runs under nsinit, whatever session or group it has gone to.

#![forbid(unsafe_code)]

use crate::sys::{self, Errno, SigSet, signal};
use crate::text::Text;

/// Generations of descendants that are looked for. (One more costs one more frame.)
const DEPTH: u32 = 16;

/// How long what is killed may take to end.
const PATIENCE_MS: u64 = 10_000;

/// Kills and reaps all that runs under nsinit, and returns what to exit with: nobody else is left
/// who would. What is orphaned meanwhile comes to nsinit and is met again.
///
/// `group` is cgroup.kill of the control group that all of it is in, nsinit, too: then that is the
/// end. Linux 5.14
pub fn end_all(pid: i32, group: Option<i32>) -> u8 {
    if let Some(fd) = group {
        let _ = sys::write(fd, b"1");
    }
    let give_up = sys::now_ms() + PATIENCE_MS;
    loop {
        signal_all(pid, signal::KILL);
        let reaped = loop {
            match sys::wait4(None) {
                Ok(Some(_)) => {}
                other => break other,
            }
        };
        if matches!(reaped, Err(Errno::ECHILD)) || sys::now_ms() > give_up {
            return 128 + signal::KILL as u8;
        }
        let _ = sys::rt_sigtimedwait(SigSet::of(signal::CHLD), Some(10));
    }
}

/// Sends `signal` to all that nsinit has below it.
///
/// PID 1 asks the kernel for all of its namespace. Elsewhere that would be every process of the
/// user, so descendants are looked up in /proc; without one there are none to be found.
pub fn signal_all(pid: i32, signal: i32) {
    if pid == 1 {
        let _ = sys::kill(-1, signal);
    } else {
        descendants(pid, signal, DEPTH);
    }
}

/// The children of the main thread of `pid` get `signal`, theirs before them: who ends early
/// would leave its children to be found elsewhere. (/proc/PID/task/TID/children: Linux 3.5,
/// CONFIG_PROC_CHILDREN)
fn descendants(pid: i32, signal: i32, depth: u32) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let Some(fd) = open(pid, "/children\0") else { return };
    let mut child = 0_i32;
    let mut buffer = [0; 64];
    while let Ok(bytes @ [_, ..]) = sys::read(fd, &mut buffer) {
        for byte in bytes {
            match byte {
                b'0'..=b'9' => child = child.wrapping_mul(10).wrapping_add((byte - b'0').into()),
                // Each number ends with a blank.
                _ if child > 0 => {
                    descendants(child, signal, depth);
                    let _ = sys::kill(child, signal);
                    child = 0;
                }
                _ => {}
            }
        }
    }
    sys::close(fd);
}

/// Appends the name of the process `pid`, which may have ended but is not reaped, if there is a
/// /proc to tell.
pub fn push_command(text: &mut Text, pid: i32) {
    let Some(fd) = open(pid, "/comm\0") else { return };
    let mut buffer = [0; 64];
    if let Ok(name) = sys::read(fd, &mut buffer) {
        text.str(" (").push(name.trim_ascii_end()).str(")");
    }
    sys::close(fd);
}

/// Opens a file of the main thread of `pid` in /proc, if there is one.
#[inline(never)]
fn open(pid: i32, file: &str) -> Option<i32> {
    let mut path = Text::new();
    path.str("/proc/").number(pid.into()).str("/task/").number(pid.into()).str(file);
    sys::open(path.as_c_str()?).ok()
}
