//! `nsctl ns watch`: which namespaces begin and end, while they do.
//!
//! ```text
//!  proc connector ─▶ processes that changed ─▶ new namespaces: told at once
//!                 └▶ processes that ended ───▶ a namespace without one: all is looked at
//!  the clock ─────▶ all is looked at: once an interval, or ten where the kernel tells
//! ```

use std::io::Write;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Map, Value, json};

use super::columns::{Cell, Cells, Column};
use super::filter::Filter;
use super::kinds::Kinds;
use crate::args::WatchArgs;
use crate::error::{Error, shown};
use crate::output::{harmless_text, width_of_terminal};
use crate::scan::{Found, Id, Places, Population, ProcEvents};

/// Prints them until nsctl is ended, or nobody reads any more.
pub fn watch(args: &WatchArgs) -> Result<i32, Error> {
    let mut watcher = Watcher {
        kinds: Kinds::parse(&args.kinds)?,
        filter: args.filter.as_deref().map(Filter::parse).transpose()?,
        json: args.json,
        whole: args.no_trunc,
        population: Population::default(),
    };
    let interval = interval(&args.interval)?;
    // Listening first, so that nothing lies between the first look and what is told.
    let events = if args.poll { None } else { ProcEvents::open() };
    let mut pace = Pace::new(interval, events.is_some());
    watcher.look(&mut pace, false)?;
    watcher.say_ready(events.is_some());
    loop {
        if !wait(events.as_ref(), pace.until_next()) {
            return Ok(0);
        }
        let mut all = pace.until_next().is_zero();
        if let Some(events) = &events {
            let before = watcher.population.doubts();
            let heard = events.hear();
            for pid in heard.ended {
                watcher.population.remove(pid);
            }
            for pid in heard.changed {
                if watcher.population.look_at(pid) {
                    watcher.meet(pid)?;
                }
            }
            if heard.lost || watcher.population.doubts() > before {
                pace.soon();
            }
            all |= pace.until_next().is_zero();
        }
        if all {
            watcher.look(&mut pace, true)?;
        }
    }
}

/// Seconds, also with a fraction.
fn interval(text: &str) -> Result<Duration, Error> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.01..=86400.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| {
        Error::new(format!("cannot read --interval {}", shown(text)))
            .try_this("seconds from 0.01 to 86400, such as 0.5")
    })
}

/// Waits for the kernel, the time, or the end of who reads; whether somebody still does.
fn wait(events: Option<&ProcEvents>, most: Duration) -> bool {
    let output = std::io::stdout();
    // Rounded up, so that the time has really come.
    let limit = PollTimeout::try_from(most + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
    let mut fds = vec![PollFd::new(output.as_fd(), PollFlags::empty())];
    fds.extend(events.map(|events| PollFd::new(events.as_fd(), PollFlags::POLLIN)));
    match poll(&mut fds, limit) {
        Err(Errno::EINTR) => true,
        _ => fds[0].any() != Some(true),
    }
}

/// When all is looked at next.
struct Pace {
    interval: Duration,
    told: bool,
    last: Instant,
    cost: Duration,
    delay: Duration,
}

impl Pace {
    /// How soon a doubt is looked into; twice as late each time that it remains.
    const FIRST: Duration = Duration::from_millis(10);

    fn new(interval: Duration, told: bool) -> Self {
        let now = Instant::now();
        let mut pace = Pace { interval, told, last: now, cost: Duration::ZERO, delay: interval };
        pace.settle();
        pace
    }

    /// Nothing is in doubt.
    fn settle(&mut self) {
        self.delay = if self.told { self.interval * 10 } else { self.interval };
    }

    /// Something is new and in doubt.
    fn soon(&mut self) {
        // A look may cost much, and must not take all of a processor.
        self.delay = self.delay.min(Self::FIRST.max(self.cost * 4));
    }

    /// It is in doubt still.
    fn later(&mut self) {
        self.delay = (self.delay * 2).max(Self::FIRST).max(self.cost * 4);
    }

    fn until_next(&self) -> Duration {
        self.delay.saturating_sub(self.last.elapsed())
    }
}

struct Watcher {
    kinds: Kinds,
    filter: Option<Filter>,
    json: bool,
    whole: bool,
    population: Population<Seen>,
}

/// What is remembered of a namespace, to tell of its end.
struct Seen {
    wanted: bool,
    cells: Vec<(Column, Cell)>,
}

/// What is told of each.
const TOLD: [Column; 11] = [
    Column::Kind,
    Column::Id,
    Column::Pid,
    Column::User,
    Column::Owner,
    Column::Container,
    Column::Command,
    Column::Unique,
    Column::Uid,
    Column::Parent,
    Column::Depth,
];

/// Those of them that are in the table, with their widths.
const TABLE: [(Column, usize); 7] = [
    (Column::Kind, 7),
    (Column::Id, 11),
    (Column::Pid, 8),
    (Column::User, 10),
    (Column::Owner, 11),
    (Column::Container, 16),
    (Column::Command, 0),
];

impl Watcher {
    /// Looks at all, and tells what is new and what is gone.
    fn look(&mut self, pace: &mut Pace, tell: bool) -> Result<(), Error> {
        let begin = Instant::now();
        let found = Found::look(Places { all: true, relations: true })?;
        let cells = Cells::new(&found)?;
        let Watcher { kinds, filter, population, .. } = self;
        let made = |ids: &[Id]| see(ids, &found, &cells, kinds, filter.as_ref());
        let (new, ended) = population.settle(&found, made);
        if tell {
            for seen in &ended {
                self.tell("ended", seen);
            }
            self.tell_new(&new);
        }
        pace.last = Instant::now();
        pace.cost = begin.elapsed();
        if self.population.doubts() == 0 {
            pace.settle();
        } else if pace.delay >= pace.interval {
            self.population.believe();
            pace.settle();
        } else {
            pace.later();
        }
        Ok(())
    }

    /// Looks at one process, which is in something new.
    fn meet(&mut self, pid: i32) -> Result<(), Error> {
        let found = Found::look_at(pid)?;
        let cells = Cells::new(&found)?;
        let Watcher { kinds, filter, population, .. } = self;
        let made = |ids: &[Id]| see(ids, &found, &cells, kinds, filter.as_ref());
        let (new, ended) = population.admit(&found, made);
        for seen in &ended {
            self.tell("ended", seen);
        }
        self.tell_new(&new);
        Ok(())
    }

    fn tell_new(&self, new: &[Id]) {
        for seen in new.iter().filter_map(|id| self.population.get(*id)) {
            self.tell("created", seen);
        }
    }

    fn say_ready(&self, told: bool) {
        if self.json {
            say(&json!({ "event": "ready", "by": if told { "events" } else { "looking" } })
                .to_string());
            return;
        }
        if !told {
            let _ = writeln!(
                std::io::stderr(),
                "nsctl: looking once an interval: only the machine's root is told of processes, and only outside of containers"
            );
        }
        let titles: String = TABLE
            .iter()
            .map(|(column, width)| cell(&column.name().to_ascii_uppercase(), *width))
            .collect();
        say(format!("{:<12} {:<7} {titles}", "TIME (UTC)", "EVENT").trim_end());
    }

    fn tell(&self, event: &str, seen: &Seen) {
        if !seen.wanted {
            return;
        }
        let time = nsshim::keep::now();
        let get = |column: Column| {
            let found = seen.cells.iter().find(|(other, _)| *other == column);
            found.map_or(&Cell::Empty, |(_, cell)| cell)
        };
        if self.json {
            let mut object = Map::new();
            object.insert("time".into(), time.into());
            object.insert("event".into(), event.into());
            for column in TOLD {
                object.insert(column.name().into(), get(column).json());
            }
            say(&Value::Object(object).to_string());
            return;
        }
        let cells: String =
            TABLE.iter().map(|(column, width)| cell(&get(*column).shown(), *width)).collect();
        // Hours to milliseconds.
        let time = time.get(11..23).unwrap_or_default();
        let line = format!("{time} {event:<7} {cells}");
        let most = if self.whole { None } else { width_of_terminal() };
        match most {
            Some(most) => say(line.chars().take(most).collect::<String>().trim_end()),
            None => say(line.trim_end()),
        }
    }
}

fn cell(text: &str, width: usize) -> String {
    format!("{:<width$} ", harmless_text(text))
}

/// What to remember of namespaces that are new.
fn see(
    ids: &[Id],
    found: &Found,
    cells: &Cells<'_>,
    kinds: &Kinds,
    filter: Option<&Filter>,
) -> Vec<Seen> {
    let one = |id: &Id| {
        let namespace = &found.namespaces[id];
        let wanted =
            kinds.has(namespace.kind) && filter.is_none_or(|filter| filter.lets(namespace, cells));
        let told = |column| (column, cells.get(namespace, column));
        Seen { wanted, cells: if wanted { TOLD.map(told).into() } else { Vec::new() } }
    };
    ids.iter().map(one).collect()
}

/// A whole line at once. Who reads no more is seen by poll(2).
fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    let _ = output.write_all(format!("{line}\n").as_bytes()).and_then(|()| output.flush());
}
