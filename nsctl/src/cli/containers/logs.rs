//! `nsctl logs`: what a container said.

mod files;
mod time;

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::args::LogsArgs;
use crate::containers::{Container, Containers, Status, Watch};
use crate::error::{Error, shown};
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
    let shower =
        Shower { is_json, timestamps: args.timestamps, wanted, is_open: Default::default() };
    let mut current = shower.past(&container.path)?;
    let Some(watch) = watch else { return Ok(0) };
    loop {
        container.look_again();
        let ended = matches!(container.state.status, Status::Exited | Status::Dead);
        shower.more(&mut current, &container)?;
        // What is wanted ends before the container does.
        let left = shower.wanted.until.map(|until| until - time::now());
        if ended || left.is_some_and(|left| left <= 0) {
            return Ok(0);
        }
        let left = left.and_then(|left| u64::try_from(left).ok()).map(Duration::from_nanos);
        watch.wait(left.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN));
    }
}

/// A shim that is killed writes nothing.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

struct Wanted {
    tail: Option<usize>,
    since: Option<i128>,
    until: Option<i128>,
}

impl Wanted {
    fn parse(args: &LogsArgs) -> Result<Self, Error> {
        let tail = match args.tail.as_deref() {
            None | Some("all") => None,
            Some(number) => Some(number.parse().map_err(|_| {
                Error::new(format!("--tail {}: no number of lines", shown(number)))
            })?),
        };
        let time = |text: &Option<String>| text.as_deref().map(time::typed).transpose();
        Ok(Wanted { tail, since: time(&args.since)?, until: time(&args.until)? })
    }
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
    /// Whether the last line of a stream has no end yet.
    is_open: [Cell<bool>; 2],
}

fn stream_of(record: &Value) -> usize {
    usize::from(record["stream"] == "stderr")
}

/// The last lines, each of one or more records.
#[derive(Default)]
struct Last {
    lines: VecDeque<Line>,
    /// How many there were before these.
    before: usize,
    /// Where the newest of each stream is, counted from the first there was: no other can be open.
    newest: [usize; 2],
}

struct Line {
    records: Vec<Vec<u8>>,
    stream: usize,
    is_open: bool,
}

impl Last {
    fn push(&mut self, record: Vec<u8>, is_json: bool, most: usize) {
        let value: Value = match is_json {
            true => serde_json::from_slice(&record).unwrap_or_default(),
            false => Value::Null,
        };
        let stream = stream_of(&value);
        let is_open = value["log"].as_str().is_some_and(|said| !said.ends_with('\n'));
        // The shim cuts what is too long for a record.
        let newest = self.newest[stream].checked_sub(self.before);
        let newest = newest.and_then(|at| self.lines.get_mut(at));
        match newest.filter(|line| line.stream == stream && line.is_open) {
            Some(line) => {
                line.records.push(record);
                line.is_open = is_open;
            }
            None => {
                self.newest[stream] = self.before + self.lines.len();
                self.lines.push_back(Line { records: vec![record], stream, is_open });
            }
        }
        if self.lines.len() > most {
            self.lines.pop_front();
            self.before += 1;
        }
    }
}

impl Shower {
    /// What was said until now, and where the rest will come.
    fn past(&self, directory: &Path) -> Result<Option<Current>, Error> {
        let mut last = Last::default();
        let mut current = None;
        for file in snapshot(directory) {
            let mut file = Current::new(file);
            while let Some(line) = self.line(&mut file)? {
                match self.wanted.tail {
                    _ if !self.lets(&line) => {}
                    None => self.show(&line)?,
                    Some(most) => last.push(line, self.is_json, most),
                }
            }
            current = Some(file);
        }
        let records = last.lines.iter().flat_map(|line| &line.records);
        records.into_iter().try_for_each(|record| self.show(record))?;
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
        let Some(time) = value["time"].as_str().and_then(time::rfc_3339) else { return true };
        self.wanted.since.is_none_or(|since| time >= since)
            && self.wanted.until.is_none_or(|until| time <= until)
    }

    fn show(&self, line: &[u8]) -> Result<(), Error> {
        if !self.is_json {
            return print(&mut io::stdout().lock(), line);
        }
        // A crash may have cut one.
        let Ok(value) = serde_json::from_slice::<Value>(line) else { return Ok(()) };
        let said = value["log"].as_str().unwrap_or_default();
        let stream = stream_of(&value);
        // A line that was cut has its time where it begins.
        let begins = !self.is_open[stream].replace(!said.ends_with('\n'));
        let time = value["time"].as_str().filter(|_| self.timestamps && begins);
        let gap = if time.is_some() { " " } else { "" };
        let text = format!("{}{gap}{said}", time.unwrap_or_default());
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
