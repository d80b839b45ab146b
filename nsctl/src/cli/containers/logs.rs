//! `nsctl logs`: what a container said.

mod files;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::args::LogsArgs;
use crate::containers::{Container, Containers, Status, Watch};
use crate::error::{Error, shown};
use crate::output::seconds_of;
use files::{LogFile, snapshot};

/// Prints it.
pub fn logs(args: &LogsArgs) -> Result<i32, Error> {
    let mut container = Containers::open()?.find(&args.container)?;
    let name = container.about.name.clone();
    let is_json = match container.about.log_driver.as_str() {
        "none" => {
            return Err(Error::new(format!("{name} keeps no log")).because("--log-driver none"));
        }
        "journald" => {
            return Err(Error::new(format!("the log of {name} is in systemd's journal"))
                .try_this(format!("journalctl -o cat CONTAINER_NAME={name}")));
        }
        "file" => false,
        _ => true,
    };
    let wanted = Wanted::parse(args)?;
    if !is_json && (args.timestamps || wanted.since.is_some() || wanted.until.is_some()) {
        return Err(Error::new(format!("the log of {name} has no times"))
            .because("--log-driver file keeps the bytes only"));
    }
    // Before the files are read: what comes meanwhile is then seen, too.
    let watch = args.follow.then(|| Watch::of(&container.path)).transpose()?;
    let shower = Shower { is_json, timestamps: args.timestamps, wanted };
    let mut current = shower.past(&container.path)?;
    let Some(watch) = watch else { return Ok(0) };
    loop {
        container.look_again();
        let ended = matches!(container.state.status, Status::Exited | Status::Dead);
        shower.more(&mut current, &container)?;
        if ended {
            return Ok(0);
        }
        watch.wait(Duration::from_secs(1));
    }
}

struct Wanted {
    tail: Option<usize>,
    since: Option<i64>,
    until: Option<i64>,
}

impl Wanted {
    fn parse(args: &LogsArgs) -> Result<Self, Error> {
        let tail = match args.tail.as_deref() {
            None | Some("all") => None,
            Some(number) => Some(number.parse().map_err(|_| {
                Error::new(format!("--tail {}: no number of lines", shown(number)))
            })?),
        };
        let time = |text: &Option<String>| text.as_deref().map(point_in_time).transpose();
        Ok(Wanted { tail, since: time(&args.since)?, until: time(&args.until)? })
    }
}

/// RFC 3339 in UTC, or so long ago: 90s, 5m, 2h.
#[allow(clippy::disallowed_methods, reason = "a time for people, not to measure by")]
fn point_in_time(text: &str) -> Result<i64, Error> {
    let ago = |number: &str, unit: i64| number.parse::<i64>().ok()?.checked_mul(unit);
    let seconds = match text.as_bytes().last() {
        Some(b's') => ago(&text[..text.len() - 1], 1),
        Some(b'm') => ago(&text[..text.len() - 1], 60),
        Some(b'h') => ago(&text[..text.len() - 1], 3600),
        _ => return seconds_of(text).ok_or_else(|| no_time(text)),
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs() as i64;
    seconds.and_then(|seconds| now.checked_sub(seconds)).ok_or_else(|| no_time(text))
}

fn no_time(text: &str) -> Error {
    Error::new(format!("{}: no time", shown(text)))
        .try_this("2026-01-31T12:00:00Z, or so long ago: 90s, 5m, 2h")
}

/// The file that is being written, as far as it was read.
struct Current {
    reader: BufReader<File>,
    inode: u64,
    /// The beginning of a line.
    partial: Vec<u8>,
}

impl Current {
    fn new(LogFile { inode, file }: LogFile) -> Self {
        Current { reader: BufReader::new(file), inode, partial: Vec::new() }
    }
}

struct Shower {
    is_json: bool,
    timestamps: bool,
    wanted: Wanted,
}

impl Shower {
    /// What was said until now, and where the rest will come.
    fn past(&self, directory: &Path) -> Result<Option<Current>, Error> {
        let mut last: VecDeque<Vec<u8>> = VecDeque::new();
        let mut current = None;
        for file in snapshot(directory) {
            let mut file = Current::new(file);
            while let Some(line) = self.line(&mut file)? {
                match self.wanted.tail {
                    _ if !self.lets(&line) => {}
                    None => self.show(&line)?,
                    Some(most) => {
                        last.push_back(line);
                        if last.len() > most {
                            last.pop_front();
                        }
                    }
                }
            }
            current = Some(file);
        }
        last.iter().try_for_each(|line| self.show(line))?;
        Ok(current)
    }

    /// What came since, over a change of files, too.
    fn more(&self, current: &mut Option<Current>, container: &Container) -> Result<(), Error> {
        loop {
            if let Some(current) = current.as_mut() {
                self.rest(current)?;
            }
            let mut all = snapshot(&container.path);
            let known = current.as_ref().map(|current| current.inode);
            // When ours is gone, all there is came after it.
            let next = all.iter().position(|file| Some(file.inode) == known).map_or(0, |at| at + 1);
            if next >= all.len() {
                return Ok(());
            }
            // All that was in the old one was written before it had been put away.
            if let Some(current) = current.as_mut() {
                self.rest(current)?;
            }
            *current = Some(Current::new(all.swap_remove(next)));
        }
    }

    fn rest(&self, current: &mut Current) -> Result<(), Error> {
        while let Some(line) = self.line(current)? {
            if self.lets(&line) {
                self.show(&line)?;
            }
        }
        Ok(())
    }

    /// The next whole line; of bytes, what there is.
    fn line(&self, from: &mut Current) -> Result<Option<Vec<u8>>, Error> {
        let read = from.reader.read_until(b'\n', &mut from.partial);
        read.map_err(|error| Error::new(format!("cannot read the log: {error}")))?;
        let whole = !self.is_json || from.partial.ends_with(b"\n");
        let some = !from.partial.is_empty() && whole;
        Ok(some.then(|| std::mem::take(&mut from.partial)))
    }

    fn lets(&self, line: &[u8]) -> bool {
        if self.wanted.since.is_none() && self.wanted.until.is_none() {
            return true;
        }
        let value: Value = serde_json::from_slice(line).unwrap_or_default();
        let Some(time) = value["time"].as_str().and_then(seconds_of) else { return true };
        self.wanted.since.is_none_or(|since| time >= since)
            && self.wanted.until.is_none_or(|until| time <= until)
    }

    fn show(&self, line: &[u8]) -> Result<(), Error> {
        if !self.is_json {
            return print(&mut io::stdout().lock(), line);
        }
        // A crash may have cut one.
        let Ok(value) = serde_json::from_slice::<Value>(line) else { return Ok(()) };
        let time = if self.timestamps { value["time"].as_str().unwrap_or_default() } else { "" };
        let gap = if time.is_empty() { "" } else { " " };
        let text = format!("{time}{gap}{}", value["log"].as_str().unwrap_or_default());
        match value["stream"].as_str() {
            Some("stderr") => print(&mut io::stderr().lock(), text.as_bytes()),
            _ => print(&mut io::stdout().lock(), text.as_bytes()),
        }
    }
}

fn print(to: &mut impl Write, bytes: &[u8]) -> Result<(), Error> {
    to.write_all(bytes)
        .and_then(|()| to.flush())
        .map_err(|error| Error::new(format!("cannot print the log: {error}")))
}
