//! How a container is: what its shim wrote, and whether the shim lives.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::About;
use super::files::Files;
use super::lock::is_locked;
use crate::error::Error;
use nsshim::keep::NOTED;

/// The shim's.
const FILE: &str = "state";

/// Which run is paused.
const PAUSED: &str = "paused";

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
    /// `starting`, `healthy` or `unhealthy`, while it runs and if anything tells it.
    pub health: Option<String>,
    /// Bytes of output that found no room in the log.
    pub log_lost: u64,
    /// What stopped its processes, while it is paused: `cgroup.freeze`, `freezer.state`, `SIGSTOP`.
    pub paused_by: Option<String>,
    /// Whether the kernel killed something of it because memory ran out. `None`: nobody counts.
    pub oom_killed: Option<bool>,
    /// What it used, once it ended: the numbers of [`nsshim::Usage`], as an object.
    pub usage: Option<Value>,
}

/// The file.
#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    version: u64,
    status: &'a str,
    pid: Option<i32>,
    start_ticks: Option<u64>,
    shim: Option<i32>,
    shim_start_ticks: Option<u64>,
    exit_status: Option<u8>,
    signal: Option<i32>,
    started: Option<String>,
    finished: Option<String>,
    restarts: u64,
    log_lost: u64,
    oom_killed: Option<bool>,
    usage: Option<Value>,
    health: Option<String>,
    about: Option<About>,
}

impl State {
    /// Reads it. The lock first: a shim that dies in between has written its last word.
    pub fn read(directory: &Path) -> Self {
        let alive = is_locked(directory);
        let text = fs::read(directory.join(FILE)).unwrap_or_default();
        let (state, _) = State::parse(&text, alive);
        state.or_paused(|| fs::read_to_string(directory.join(PAUSED)).ok())
    }

    /// Reads that of one of many, and what it is. `None`: it is gone.
    ///
    /// A shim that lives holds a lock on what it wrote last, and says there what the container is:
    /// so one file says all, unless nsctl `noted` something. A file without a lock is that of one
    /// that ended, or is not the last one: then all are asked.
    pub fn of_one(id: &str, noted: bool, files: &mut Files) -> Option<(About, Self)> {
        if !noted
            && let Some((text, alive)) = files.read_padded(id, FILE)
            && let (state, Some(about)) = State::parse(text, alive)
            && (alive || state.status == Status::Exited)
        {
            return Some((about, state));
        }
        let about = About::parse(files.read(id, About::FILE)?)?;
        let alive = files.is_locked(id, "lock");
        let (state, _) = State::parse(files.read(id, FILE).unwrap_or_default(), alive);
        let paused = || Some(String::from_utf8_lossy(files.read(id, PAUSED)?).into_owned());
        Some((about, state.or_paused(paused)))
    }

    fn parse(text: &[u8], alive: bool) -> (Self, Option<About>) {
        // After the object there is room for a longer one, of blanks.
        let mut reader = serde_json::Deserializer::from_slice(text);
        let file = File::deserialize(&mut reader).unwrap_or_default();
        let said = match file.status {
            _ if file.version != 1 => None,
            "running" => Some(Status::Running),
            "restarting" => Some(Status::Restarting),
            "exited" => Some(Status::Exited),
            _ => None,
        };
        let status = match (alive, said) {
            (true, Some(said)) => said,
            (true, None) => Status::Starting,
            (false, Some(Status::Exited)) => Status::Exited,
            (false, _) => Status::Dead,
        };
        let runs = alive && said == Some(Status::Running);
        let state = State {
            status,
            pid: file.pid.filter(|_| runs),
            start_ticks: file.start_ticks,
            shim: file.shim.filter(|_| alive),
            shim_start_ticks: file.shim_start_ticks,
            exit_status: file.exit_status,
            signal: file.signal,
            started: file.started,
            finished: file.finished,
            restarts: file.restarts,
            health: file.health.filter(|_| runs),
            log_lost: file.log_lost,
            paused_by: None,
            oom_killed: file.oom_killed,
            usage: file.usage,
        };
        (state, file.about)
    }

    /// Paused, where it runs and that is noted of this run.
    fn or_paused(mut self, note: impl FnOnce() -> Option<String>) -> Self {
        if self.status == Status::Running
            && let Some(text) = note()
            && let Some(by) = text.strip_prefix(&which_run(self.pid, self.start_ticks))
        {
            self.status = Status::Paused;
            self.paused_by = Some(by.trim().into());
        }
        self
    }

    /// What the last checks of its health found.
    pub fn checks(directory: &Path) -> Option<Value> {
        serde_json::from_slice(&fs::read(directory.join("health")).ok()?).ok()
    }

    /// Makes the file with room for all that the shim may write there: it must be able to when
    /// the disk is full, too.
    pub fn reserve(directory: &Path) -> Result<(), Error> {
        let path = directory.join(FILE);
        let text =
            format!("{:1$}", "{\"version\":1,\"status\":\"starting\"}", nsshim::keep::STATE_ROOM);
        write_private(&path, &text)
            .map_err(|error| Error::new(format!("cannot write {}: {error}", path.display())))
    }

    /// Notes, beside its directory, that what the shim says of it is not all: it was paused once,
    /// or has another name. Whoever lists all sees it without looking for it.
    pub fn note(directory: &Path) -> std::io::Result<()> {
        write_private(&directory.with_extension(NOTED), "")
    }

    /// Notes that it is paused, and by what: this run of it, not a later one.
    pub fn note_paused(&self, directory: &Path, by: &str) -> std::io::Result<()> {
        State::note(directory)?;
        let text = format!("{}{by}\n", which_run(self.pid, self.start_ticks));
        write_private(&directory.join(PAUSED), &text).inspect_err(|_| {
            if !directory.exists() {
                // The note came after what removed it.
                let _ = fs::remove_file(directory.with_extension(NOTED));
            }
        })
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
