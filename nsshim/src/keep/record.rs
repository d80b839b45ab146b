//! The file `state` of a container: one JSON object, replaced as a whole, so that whoever
//! reads sees the old one or the new one.

use std::fmt::Write;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::Pid;

use super::clock::Time;
use crate::exit::Exit;

/// The layout of the file. A reader that knows only older ones says so.
const VERSION: u32 = 1;

pub(super) fn running(directory: &OwnedFd, proc: &OwnedFd, pid: Pid, started: Time, restarts: u32) {
    let mut text = head("running", restarts);
    let _ = write!(text, ",\"pid\":{pid}");
    // A number is used again; with the time of its start it is a process.
    if let Some(ticks) = start_ticks(proc, pid) {
        let _ = write!(text, ",\"start_ticks\":{ticks}");
    }
    let _ = write!(text, ",\"shim\":{}", std::process::id());
    if let Some(ticks) = start_ticks(proc, Pid::this()) {
        let _ = write!(text, ",\"shim_start_ticks\":{ticks}");
    }
    let _ = write!(text, ",\"started\":\"{}\"}}", started.text());
    replace(directory, &text);
}

pub(super) fn ended(
    directory: &OwnedFd,
    exit: Exit,
    started: Option<Time>,
    finished: Time,
    restarts: u32,
    comes_back: bool,
) {
    let mut text = head(if comes_back { "restarting" } else { "exited" }, restarts);
    let _ = write!(text, ",\"exit_status\":{}", exit.status());
    if let Exit::Signaled { signal, core } = exit {
        let _ = write!(text, ",\"signal\":{signal},\"core\":{core}");
    }
    if let Some(started) = started {
        let _ = write!(text, ",\"started\":\"{}\"", started.text());
    }
    let _ = write!(text, ",\"finished\":\"{}\"}}", finished.text());
    replace(directory, &text);
}

fn head(status: &str, restarts: u32) -> String {
    format!("{{\"version\":{VERSION},\"status\":\"{status}\",\"restarts\":{restarts}")
}

/// When a process was started, in clock ticks since boot: field 22 of /proc/PID/stat.
/// proc_pid_stat(5)
pub fn start_ticks(proc: impl AsFd, pid: Pid) -> Option<u64> {
    let path = format!("{pid}/stat");
    let file =
        openat(proc, path.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).ok()?;
    let mut stat = String::new();
    std::fs::File::from(file).read_to_string(&mut stat).ok()?;
    // The command's name may hold anything, a parenthesis too.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Without room on the disk the old state stays; the lock still tells that we are dead.
fn replace(directory: &OwnedFd, text: &str) {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_CLOEXEC;
    let flags = flags | OFlag::O_NOFOLLOW;
    let Ok(file) = openat(directory.as_fd(), "state.new", flags, Mode::from_bits_truncate(0o600))
    else {
        return;
    };
    let whole = format!("{text}\n");
    if nix::unistd::write(&file, whole.as_bytes()) == Ok(whole.len()) {
        let _ = renameat(directory.as_fd(), "state.new", directory.as_fd(), "state");
    }
}
