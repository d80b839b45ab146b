//! Processes that came to us because their parent died and we are a subreaper.
//!
//! A pid namespace is ended by the kernel. Without one, what the workload left
//! must be found and killed here, until nothing comes any more.

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};

use crate::sys::{Whose, waitid};

/// Reaps what has ended, but not `except`, whose status its owner waits for.
pub fn reap_all_but(except: Option<Pid>) {
    let look = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    while let Ok(Some((pid, _))) = waitid(Whose::Any, look) {
        if Some(pid) == except || waitid(Whose::Pid(pid), libc::WEXITED | libc::WNOHANG).is_err() {
            return;
        }
    }
}

/// Kills and reaps every child, and those that come in their place, until there is none.
///
/// Some may fork and end faster than they are killed. Each leaves a zombie, among
/// which the living would be found ever later, so all that ended are reaped first.
pub fn kill_all() {
    loop {
        loop {
            match waitid(Whose::Any, libc::WEXITED | libc::WNOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                // ECHILD: there is none.
                Err(_) => return,
            }
        }
        for child in children() {
            let _ = kill(child, Signal::SIGKILL);
        }
        if waitid(Whose::Any, libc::WEXITED).is_err() {
            return;
        }
    }
}

/// The caller's children. proc_pid_children(5), Linux 3.5, CONFIG_PROC_CHILDREN
fn children() -> Vec<Pid> {
    let me = getpid();
    let path = format!("/proc/{me}/task/{me}/children");
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .map(Pid::from_raw)
        .collect()
}
