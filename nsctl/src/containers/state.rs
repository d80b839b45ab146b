//! How a container is: what its shim wrote, and whether the shim lives.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::Value;

use super::lock::is_locked;
use crate::error::Error;

/// In a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Its workload does not run yet.
    Starting,
    /// It runs.
    Running,
    /// It runs, and its processes are stopped.
    Paused,
    /// It ended and will be started again.
    Restarting,
    /// It ended.
    Exited,
    /// It was killed together with its shim; how it ended is not known.
    Dead,
}

impl Status {
    /// All of them.
    pub const ALL: [Status; 6] = [
        Status::Starting,
        Status::Running,
        Status::Paused,
        Status::Restarting,
        Status::Exited,
        Status::Dead,
    ];

    /// The word, docker's where it has one.
    pub fn word(self) -> &'static str {
        match self {
            Status::Starting => "starting",
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Restarting => "restarting",
            Status::Exited => "exited",
            Status::Dead => "dead",
        }
    }
}

/// How it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// In a word.
    pub status: Status,
    /// The host's pid of its first process, while it runs.
    pub pid: Option<i32>,
    /// When that process was started, in clock ticks since boot: with the pid it is a
    /// process, not a number that is used again.
    pub start_ticks: Option<u64>,
    /// The shim, likewise.
    pub shim: Option<i32>,
    /// The shim's start.
    pub shim_start_ticks: Option<u64>,
    /// The exit status, once it ended.
    pub exit_status: Option<u8>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// RFC 3339.
    pub started: Option<String>,
    /// RFC 3339.
    pub finished: Option<String>,
    /// How often it was started again.
    pub restarts: u64,
    /// Bytes of output that found no room in the log.
    pub log_lost: u64,
    /// What it used, once it ended: the numbers of [`nsshim::Usage`], as an object.
    pub usage: Option<Value>,
}

impl State {
    /// Reads it. The lock first: a shim that dies in between has written its last word.
    pub fn read(directory: &Path) -> Self {
        let alive = is_locked(directory);
        let text = fs::read(directory.join("state")).unwrap_or_default();
        let value: Value = serde_json::from_slice(&text).unwrap_or_default();
        let number = |key: &str| value[key].as_u64();
        let said = match value["status"].as_str() {
            _ if value["version"] != 1 => None,
            Some("running") => Some(Status::Running),
            Some("restarting") => Some(Status::Restarting),
            Some("exited") => Some(Status::Exited),
            _ => None,
        };
        let status = match (alive, said) {
            (true, Some(said)) => said,
            (true, None) => Status::Starting,
            (false, Some(Status::Exited)) => Status::Exited,
            (false, _) => Status::Dead,
        };
        let runs = alive && said == Some(Status::Running);
        let text = |key: &str| value[key].as_str().map(str::to_string);
        let mut state = State {
            status,
            pid: number("pid").filter(|_| runs).map(|pid| pid as i32),
            start_ticks: number("start_ticks"),
            shim: number("shim").filter(|_| alive).map(|pid| pid as i32),
            shim_start_ticks: number("shim_start_ticks"),
            exit_status: number("exit_status").map(|status| status as u8),
            signal: number("signal").map(|signal| signal as i32),
            started: text("started"),
            finished: text("finished"),
            restarts: number("restarts").unwrap_or_default(),
            log_lost: number("log_lost").unwrap_or_default(),
            usage: value["usage"].is_object().then(|| value["usage"].clone()),
        };
        if state.status == Status::Running && state.is_paused(directory) {
            state.status = Status::Paused;
        }
        state
    }

    /// Makes the file with room for all that the shim may write there: it must be able to when
    /// the disk is full, too.
    pub fn reserve(directory: &Path) -> Result<(), Error> {
        let path = directory.join("state");
        let text =
            format!("{:1$}", "{\"version\":1,\"status\":\"starting\"}", nsshim::keep::STATE_ROOM);
        write_private(&path, &text)
            .map_err(|error| Error::new(format!("cannot write {}: {error}", path.display())))
    }

    /// Notes that it is paused: this run of it, not a later one.
    pub fn note_paused(&self, directory: &Path) -> std::io::Result<()> {
        write_private(&directory.join("paused"), &which_run(self.pid, self.start_ticks))
    }

    fn is_paused(&self, directory: &Path) -> bool {
        fs::read_to_string(directory.join("paused"))
            .is_ok_and(|text| text == which_run(self.pid, self.start_ticks))
    }
}

fn which_run(pid: Option<i32>, start_ticks: Option<u64>) -> String {
    format!("{} {}\n", pid.unwrap_or_default(), start_ticks.unwrap_or_default())
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
}
