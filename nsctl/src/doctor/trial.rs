//! Trying a run for real, in a process of its own that is unseen and leaves nothing.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use clap::Parser;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, pipe2};
use nsshim::sys;
use serde_json::Value;

use crate::args::{RunAlone, RunArgs};
use crate::error::{Error, Finding};
use crate::resolve::Request;
use crate::status::Status;
use crate::{causes, foreground, state};

/// How long one may take; newuidmap(1) may ask a directory service.
const PATIENCE: Duration = Duration::from_secs(30);

/// How it ended.
#[derive(Debug)]
pub enum Ended {
    /// A program was executed, and ended.
    Exited,
    /// It came so far that a program could have been executed, but for the program.
    NotExecuted(Failed),
    /// It failed before.
    Failed(Failed),
}

/// What was said about the failure.
#[derive(Debug, Clone, Default)]
pub struct Failed {
    /// What failed.
    pub message: String,
    /// Why, the likeliest first.
    pub findings: Vec<Finding>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let findings = error.findings();
        Failed { message: error.message, findings }
    }
}

/// Reads the words after `nsctl run`.
pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<RunArgs, Error> {
    let words = [OsString::from("nsctl run")].into_iter().chain(words);
    match RunAlone::try_parse_from(words) {
        Ok(alone) => {
            if let Some(directory) = &alone.state_dir {
                state::use_directory(directory)?;
            }
            Ok(alone.args)
        }
        Err(wrong) => {
            let text = wrong.render().to_string();
            Err(Error::new(text.trim().trim_start_matches("error: ").to_string()))
        }
    }
}

/// Makes the request and carries it out, with /dev/null for all streams.
pub fn carry_out(make: impl FnOnce() -> Result<Request, Error>) -> Result<Ended, Error> {
    let failed = |what: &str, errno: Errno| Error::new(format!("cannot try it: {what}: {errno}"));
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(|errno| failed("pipe2()", errno))?;
    match sys::fork_single_threaded().map_err(|errno| failed("fork()", errno))? {
        ForkResult::Child => {
            drop(reader);
            be_the_trial(writer, make);
            sys::exit_now(0)
        }
        ForkResult::Parent { child } => {
            drop(writer);
            let said = listen(reader, child);
            let status = waitpid(child, None);
            log::debug!("the trial ended: {status:?}");
            match said.as_ref().and_then(ended) {
                Some(ended) => Ok(ended),
                None => Err(Error::new("a trial ended without a word")
                    .because(format!("its process: {status:?}"))),
            }
        }
    }
}

/// In the child.
fn be_the_trial(writer: OwnedFd, make: impl FnOnce() -> Result<Request, Error>) {
    // Should we be killed, then it, and by that all that it made.
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    if let Ok(null) = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()) {
        for stream in 0..=2 {
            let _ = sys::replace_standard_stream(null.as_fd(), stream);
        }
    }
    match make() {
        // It tells its end to the descriptor.
        Ok(request) => drop(foreground::run(Request { status: Some(writer), ..request })),
        Err(error) => Status::new(Some(writer)).failed(&error),
    }
}

/// The last line that it said.
fn listen(reader: OwnedFd, child: Pid) -> Option<Value> {
    let end = Instant::now() + PATIENCE;
    let mut reader = BufReader::new(std::fs::File::from(reader));
    let mut last = None;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        let mut fds = [PollFd::new(reader.get_ref().as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, left) {
            Ok(0) => {
                // Our own child, which has not been waited for.
                let _ = kill(child, Signal::SIGKILL);
                return last;
            }
            Err(Errno::EINTR) => continue,
            _ => {}
        }
        // It writes whole lines.
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(0) | Err(_) => return last,
            Ok(_) => last = serde_json::from_str(&line).ok().or(last),
        }
        while !reader.buffer().is_empty() {
            line.clear();
            reader.read_line(&mut line).ok()?;
            last = serde_json::from_str(&line).ok().or(last);
        }
    }
}

fn ended(said: &Value) -> Option<Ended> {
    let status = said["status"].as_i64().and_then(|status| i32::try_from(status).ok());
    match said["event"].as_str()? {
        "exited" => Some(Ended::Exited),
        "failed" => {
            let text = |value: &Value| value.as_str().map(String::from);
            let finding = |value: &Value| Finding {
                name: value["name"].as_str().and_then(causes::known_name),
                evidence: text(&value["evidence"]).unwrap_or_default(),
                remedy: text(&value["remedy"]),
            };
            let failed = Failed {
                message: text(&said["message"])?,
                findings: said["causes"].as_array()?.iter().map(finding).collect(),
            };
            // 126 and 127: all but the program was there.
            let executes = matches!(status, Some(126 | 127));
            Some(if executes { Ended::NotExecuted(failed) } else { Ended::Failed(failed) })
        }
        _ => None,
    }
}
