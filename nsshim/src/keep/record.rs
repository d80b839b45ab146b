//! The file `state` of a container: one JSON object, replaced as a whole, so that whoever
//! reads sees the old one or the new one.

use std::fmt::Write;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use nix::NixPath;
use nix::fcntl::{Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, UnlinkatFlags, unlinkat};

use super::clock::Time;
use crate::exit::Exit;
use crate::usage::Usage;

/// The layout of the file. A reader that knows only older ones says so.
const VERSION: u32 = 1;

/// What is known of a run besides how it ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known {
    pub usage: Option<Usage>,
    /// Whether the kernel killed something of it because memory ran out. `None`: nobody counted.
    pub oom_killed: Option<bool>,
    /// Whether a control group is left that could not be removed.
    pub groups_stay: bool,
}

/// How a run ended.
pub(super) struct End {
    pub exit: Exit,
    pub known: Known,
    pub started: Option<Time>,
    pub finished: Time,
    pub comes_back: bool,
}

/// What is said of one container.
#[derive(Default)]
pub(super) struct Record {
    /// What it is, an object: so whoever lists many containers reads one file of each.
    pub about: Option<String>,
    /// The file as it was written last, locked as long as we live: so that file also tells
    /// whether what it says still holds.
    pub held: Option<Flock<OwnedFd>>,
}

/// A run that goes on.
pub(super) struct Run {
    pub pid: Pid,
    pub started: Time,
    pub restarts: u32,
    pub lost: u64,
    /// In a word, if anything tells it.
    pub health: Option<&'static str>,
}

impl Record {
    pub fn running(&mut self, directory: &OwnedFd, proc: &OwnedFd, run: &Run) {
        let mut text = head("running", run.restarts, run.lost);
        let _ = write!(text, ",\"pid\":{}", run.pid);
        // A number is used again; with the time of its start it is a process.
        if let Some(ticks) = start_ticks(proc, run.pid) {
            let _ = write!(text, ",\"start_ticks\":{ticks}");
        }
        if let Some(health) = run.health {
            let _ = write!(text, ",\"health\":\"{health}\"");
        }
        shim(&mut text, proc);
        let _ = write!(text, ",\"started\":\"{}\"", run.started.text());
        self.replace(directory, text);
    }

    pub fn ended(
        &mut self,
        directory: &OwnedFd,
        proc: &OwnedFd,
        end: &End,
        restarts: u32,
        lost: u64,
    ) {
        let status = if end.comes_back { "restarting" } else { "exited" };
        let mut text = head(status, restarts, lost);
        let _ = write!(text, ",\"exit_status\":{}", end.exit.status());
        if let Exit::Signaled { signal, core } = end.exit {
            let _ = write!(text, ",\"signal\":{signal},\"core\":{core}");
        }
        if let Some(killed) = end.known.oom_killed {
            let _ = write!(text, ",\"oom_killed\":{killed}");
        }
        if let Some(usage) = &end.known.usage {
            let _ = write!(text, ",\"usage\":{}", usage.json());
        }
        if end.comes_back {
            shim(&mut text, proc);
        }
        if let Some(started) = end.started {
            let _ = write!(text, ",\"started\":\"{}\"", started.text());
        }
        let _ = write!(text, ",\"finished\":\"{}\"", end.finished.text());
        self.replace(directory, text);
    }

    /// A reader sees the old one or the new one.
    fn replace(&mut self, directory: &OwnedFd, mut text: String) {
        if let Some(about) = &self.about {
            let _ = write!(text, ",\"about\":{about}");
        }
        text.push('}');
        match write_beside(directory, &text) {
            Some(file) => self.held = Some(file),
            None => self.write_over(directory, &text),
        }
    }

    /// Without room on the disk: what the file has, it has. One write of a part of a page is seen
    /// whole by a read of it.
    fn write_over(&mut self, directory: &OwnedFd, text: &str) {
        let Some(file) = open(directory, "state", OFlag::empty()) else { return };
        let whole = format!("{text:0$}\n", super::STATE_ROOM - 1);
        let _ = nix::unistd::write(&file, whole.as_bytes());
        if self.held.is_none() {
            self.held = lock(file);
        }
    }
}

/// We, for those who want a container that rests not to be started again.
fn shim(text: &mut String, proc: &OwnedFd) {
    let _ = write!(text, ",\"shim\":{}", std::process::id());
    if let Some(ticks) = start_ticks(proc, Pid::this()) {
        let _ = write!(text, ",\"shim_start_ticks\":{ticks}");
    }
}

fn head(status: &str, restarts: u32, lost: u64) -> String {
    format!(
        "{{\"version\":{VERSION},\"status\":\"{status}\",\"restarts\":{restarts},\"log_lost\":{lost}"
    )
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

/// What the checks of its health found; on a full disk what was found before.
pub(super) fn health(directory: &OwnedFd, text: &str) {
    let Some(file) = open(directory, "health.new", OFlag::O_CREAT | OFlag::O_TRUNC) else { return };
    let written = nix::unistd::write(&file, text.as_bytes()) == Ok(text.len());
    let at = directory.as_fd();
    if !written || renameat(at, "health.new", at, "health").is_err() {
        let _ = unlinkat(at, "health.new", UnlinkatFlags::NoRemoveDir);
    }
}

/// A small file of the container's.
pub(super) fn read<P: NixPath + ?Sized>(directory: &OwnedFd, name: &P) -> Option<String> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let file = openat(directory.as_fd(), name, flags, Mode::empty()).ok()?;
    let mut text = String::new();
    std::fs::File::from(file).take(4096).read_to_string(&mut text).ok()?;
    Some(text)
}

fn write_beside(directory: &OwnedFd, text: &str) -> Option<Flock<OwnedFd>> {
    let flags = OFlag::O_CREAT | OFlag::O_TRUNC;
    let file = open(directory, "state.new", flags)?;
    // With room for the next one.
    let whole = format!("{text:0$}\n", super::STATE_ROOM - 1);
    let written = nix::unistd::write(&file, whole.as_bytes()) == Ok(whole.len());
    let file = written
        .then(|| lock(file))
        .flatten()
        .filter(|_| renameat(directory.as_fd(), "state.new", directory.as_fd(), "state").is_ok());
    if file.is_none() {
        // It takes room that somebody else needs.
        let _ = unlinkat(directory.as_fd(), "state.new", UnlinkatFlags::NoRemoveDir);
    }
    file
}

fn lock(file: OwnedFd) -> Option<Flock<OwnedFd>> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()
}

fn open(directory: &OwnedFd, name: &str, flags: OFlag) -> Option<OwnedFd> {
    let flags = flags | OFlag::O_WRONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    openat(directory.as_fd(), name, flags, Mode::from_bits_truncate(0o600)).ok()
}
