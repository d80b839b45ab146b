//! Containers that live on their own.

mod clocks;
mod commands;
mod copy;
mod crashes;
mod formats;
mod health;
mod input;
mod journal;
mod killed;
mod kinds;
mod lives_on;
mod many;
mod no_room;
mod output;
mod pods;
mod races;
mod state_dir;
mod terminals;
mod together;
mod update;
mod usage;
mod watching;
mod wrecks;

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::common::{Nsctl, Ran, Screen, Tag, Watch, Who, have, nsctl, program, skip};

/// A state directory of one test's own, and the containers in it; all are removed at its end.
pub struct Home {
    pub who: Who,
    directory: PathBuf,
    tags: RefCell<Vec<Tag>>,
}

impl Home {
    pub fn new(who: Who) -> Self {
        let directory = who.directory().join("state");
        Home { who, directory, tags: RefCell::default() }
    }

    /// nsctl with these arguments and this state directory.
    pub fn nsctl(&self, arguments: &[&str]) -> Nsctl {
        nsctl(self.who, arguments).env("NSCTL_STATE_DIR", &self.directory)
    }

    /// The same at a terminal of its own.
    pub fn at_terminal(&self, arguments: &[&str]) -> Screen {
        let nsctl = self.nsctl(arguments);
        Screen::start(self.who, nsctl.command, nsctl.tag)
    }

    /// The same under strace, whose options these are; it says nothing of its own accord.
    pub fn traced(&self, options: &[&str], arguments: &[&str]) -> Nsctl {
        let mut strace = Command::new("strace");
        strace.arg("-qq").args(options).arg(program()).args(arguments);
        self.nsctl(arguments).started_by(self.who, strace)
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let (ran, tag) = self.nsctl(arguments).detached();
        self.tags.borrow_mut().push(tag);
        ran
    }

    /// Starts a container; returns its id.
    #[track_caller]
    pub fn start(&self, arguments: &[&str]) -> String {
        let words = [&["run", "-d"], arguments].concat();
        let id = self.run(&words).success().to_string();
        assert_eq!(id.len(), 64, "{id:?}");
        id
    }

    /// `ps -a --json`
    pub fn list(&self) -> Vec<serde_json::Value> {
        let text = self.run(&["ps", "-a", "--json"]).success().to_string();
        serde_json::from_str(&text).unwrap()
    }

    /// The status of a container, by its name.
    pub fn status(&self, name: &str) -> String {
        let all = self.list();
        let found = all.iter().find(|container| container["name"] == name);
        found.map_or("none".into(), |container| container["status"].as_str().unwrap().to_string())
    }

    /// `events`; when in JSON, from now on.
    #[track_caller]
    pub fn events(&self, options: &[&str]) -> Watch {
        let watch = Watch::start(self.nsctl(&[&["events"], options].concat()));
        if options.contains(&"--json") {
            assert_eq!(watch.line(), r#"{"event":"ready"}"#);
        }
        watch
    }

    /// What is left in the state directory.
    pub fn left(&self) -> Vec<String> {
        let mut found = Vec::new();
        for sub in ["containers", "names"] {
            for entry in std::fs::read_dir(self.directory.join(sub)).into_iter().flatten() {
                found.push(format!("{sub}/{}", entry.unwrap().file_name().to_string_lossy()));
            }
        }
        found
    }

    pub fn directory(&self) -> &PathBuf {
        &self.directory
    }
}

/// Runs all of them at the same time, to their ends; containers of their own may go on.
pub fn at_once(all: impl Iterator<Item = Nsctl>) -> Vec<Ran> {
    let wait = |nsctl: Nsctl| std::thread::spawn(|| nsctl.detached().0);
    let waited: Vec<_> = all.map(wait).collect();
    waited.into_iter().map(|ran| ran.join().unwrap()).collect()
}

/// Whether `who` may map ranges of ids.
pub fn has_range(who: Who) -> bool {
    let name = who.name().unwrap_or_default();
    let granted = std::fs::read_to_string("/etc/subuid").unwrap_or_default();
    if who == Who::User && !granted.lines().any(|line| line.starts_with(&format!("{name}:"))) {
        skip("/etc/subuid grants the user no range");
        return false;
    }
    have("newuidmap")
}

impl Drop for Home {
    fn drop(&mut self) {
        let names: Vec<String> =
            self.list().iter().map(|one| one["id"].as_str().unwrap().to_string()).collect();
        if !names.is_empty() {
            let mut words = vec!["rm", "-f"];
            words.extend(names.iter().map(String::as_str));
            self.run(&words);
        }
        for tag in self.tags.borrow().iter() {
            tag.expect_none_within(Duration::from_secs(5));
        }
    }
}
