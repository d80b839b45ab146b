//! Processes that came to us because their parent died and we are a subreaper.
//!
//! A pid namespace is ended by the kernel. Without one, what the workload left
//! must be found and killed here, until nothing comes any more.

use std::os::fd::{AsFd, BorrowedFd};

use nix::dir::Dir;
use nix::fcntl::{OFlag, openat};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, read};

use crate::step::open_proc;
use crate::sys::{Whose, waitid};

/// Reaps what has ended, until it meets one of `except`, whose status its owner waits for.
pub fn reap_all_but(except: &[Pid]) {
    let look = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    while let Ok(Some((pid, _))) = waitid(Whose::Any, look) {
        if except.contains(&pid) || waitid(Whose::Pid(pid), libc::WEXITED | libc::WNOHANG).is_err()
        {
            return;
        }
    }
}

/// The children that we have: those of the program that we were before an execve.
pub fn inherited() -> Vec<Pid> {
    let look = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // ECHILD, as nearly always: there is none, and nothing to read.
    if waitid(Whose::Any, look).is_err() {
        return Vec::new();
    }
    open_proc().map(|proc| children(proc.as_fd())).unwrap_or_default()
}

/// Kills and reaps every child but those to `spare`, in the mount namespace we are in.
pub fn kill_all_but(spare: Vec<Pid>) {
    if let Ok(proc) = open_proc() {
        kill_all(proc.as_fd(), spare);
    }
}

/// Kills and reaps every child but those to `spare`, and those that come in their
/// place, until there is none that we may kill.
///
/// `proc` must be the host's: what a mount namespace that was joined has as /proc
/// may name anybody.
///
/// Some may fork and end faster than they are killed. Each leaves a zombie, among
/// which the living would be found ever later, so all that ended are reaped first.
pub(crate) fn kill_all(proc: BorrowedFd<'_>, mut spare: Vec<Pid>) {
    loop {
        // ECHILD: there is none.
        let Ok(reaped) = reap_all(&mut spare) else { return };
        let ours = children(proc).into_iter().filter(|child| !spare.contains(child));
        // EPERM: it runs as somebody else, and waiting for it could be for ever.
        let killed = ours.filter(|&child| kill(child, Signal::SIGKILL).is_ok()).count();
        // Where one ended while the list was read, the list may lack another.
        if killed == 0 && reaped == 0 {
            return;
        }
        if killed > 0 && reap_one(&mut spare, 0).is_err() {
            return;
        }
    }
}

fn reap_all(spare: &mut Vec<Pid>) -> nix::Result<usize> {
    let mut count = 0;
    while reap_one(spare, libc::WNOHANG)? {
        count += 1;
    }
    Ok(count)
}

fn reap_one(spare: &mut Vec<Pid>, flags: i32) -> nix::Result<bool> {
    let ended = waitid(Whose::Any, libc::WEXITED | flags)?;
    if let Some((ended, _)) = ended {
        // Its number may come again.
        spare.retain(|&pid| pid != ended);
    }
    Ok(ended.is_some())
}

/// The caller's children; who is listed and is none is left out.
fn children(proc: BorrowedFd<'_>) -> Vec<Pid> {
    let look = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    let listed = listed(proc, "thread-self").unwrap_or_else(|| everybody(proc));
    listed.into_iter().filter(|&pid| waitid(Whose::Pid(pid), look).is_ok()).collect()
}

/// The children of a process with one thread, the oldest first; those it adopted come last.
/// None where the kernel cannot tell.
pub(crate) fn children_of(proc: BorrowedFd<'_>, pid: Pid) -> Option<Vec<Pid>> {
    listed(proc, &format!("{pid}/task/{pid}"))
}

/// proc_pid_children(5), Linux 3.5, CONFIG_PROC_CHILDREN
fn listed(proc: BorrowedFd<'_>, thread: &str) -> Option<Vec<Pid>> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let file = openat(proc, format!("{thread}/children").as_str(), flags, Mode::empty()).ok()?;
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = read(&file, &mut buffer) {
        text.extend_from_slice(&buffer[..count]);
    }
    Some(String::from_utf8_lossy(&text).split_whitespace().filter_map(pid).collect())
}

fn everybody(proc: BorrowedFd<'_>) -> Vec<Pid> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let Ok(mut entries) = Dir::openat(proc, ".", flags, Mode::empty()) else {
        return Vec::new();
    };
    let names = entries.iter().flatten();
    names.filter_map(|entry| pid(entry.file_name().to_str().ok()?)).collect()
}

fn pid(text: &str) -> Option<Pid> {
    text.parse().ok().filter(|&pid| pid > 0).map(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    fn ended(status: i32) -> Child {
        let child = Command::new("sh").args(["-c", &format!("exit {status}")]).spawn().unwrap();
        waitid(Whose::Pid(pid_of(&child)), libc::WEXITED | libc::WNOWAIT).unwrap();
        child
    }

    fn pid_of(child: &Child) -> Pid {
        Pid::from_raw(child.id() as i32)
    }

    #[test]
    fn each_whose_status_is_waited_for_keeps_it() {
        const NAME: &str = "orphans::tests::each_whose_status_is_waited_for_keeps_it";
        const ALONE: &str = "NSSHIM_TEST_ALONE";
        // Other tests have children, too: in a process of its own.
        if std::env::var_os(ALONE).is_none() {
            let mut alone = Command::new(std::env::current_exe().unwrap());
            alone.args(["--exact", NAME, "--test-threads=1"]).env(ALONE, "1");
            assert!(alone.output().unwrap().status.success());
            return;
        }
        let mut orphan = ended(3);
        // The older one is met first.
        let [mut check, mut init] = [ended(4), ended(5)];
        reap_all_but(&[pid_of(&init), pid_of(&check)]);
        assert!(orphan.wait().is_err());
        assert_eq!(check.wait().unwrap().code(), Some(4));
        assert_eq!(init.wait().unwrap().code(), Some(5));
    }
}
