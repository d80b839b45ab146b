//! How a container is: what its shim wrote, and whether the shim lives.

use std::fs::{self, File};
use std::path::Path;

use serde_json::Value;

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
        let paused = || directory.join("paused").exists();
        let status = match (alive, said) {
            (true, Some(Status::Running)) if paused() => Status::Paused,
            (true, Some(said)) => said,
            (true, None) => Status::Starting,
            (false, Some(Status::Exited)) => Status::Exited,
            (false, _) => Status::Dead,
        };
        let runs = alive && said == Some(Status::Running);
        let text = |key: &str| value[key].as_str().map(str::to_string);
        State {
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
        }
    }
}

/// Whether a shim holds the lock. To ask is to take it for a moment, shared, so that those
/// who ask do not see each other.
fn is_locked(directory: &Path) -> bool {
    let Ok(file) = File::open(directory.join("lock")) else { return false };
    file.try_lock_shared().is_err()
}
