//! The containers that live on their own: one directory each, private to their owner.
//!
//! ```text
//!  BASE/names/NAME              the id of its container; locked while a container in the
//!                               foreground has the name
//!  BASE/containers/ID/about     what it is (nsctl writes it, once, and at a rename)
//!                    /request   how it was asked for, to ask again
//!                    /state     how it is (the shim writes it)
//!                    /lock      locked as long as the shim lives: what `state` says then holds
//!                    /groups    its control groups (nsctl writes it, before they are made)
//!                    /log*      what it said
//!                    /attach    a socket of the shim's
//!                    /stop      it is not to be started again
//!                    /paused    which run of it is paused
//!  BASE/containers/ID.noted     more is to be read than `state`: it was paused once, or renamed
//! ```
//!
//! A directory appears whole, by rename(2), and locked. So a crash at any point leaves one
//! that the next command reads, reports and can remove.

pub mod about;
mod change;
mod files;
mod groups;
mod lock;
mod make;
mod names;
mod process;
mod processes;
mod remove;
mod state;
mod watch;

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nsshim::keep::NOTED;

use crate::error::{Error, shown};
use crate::state::base_directory;

use files::Files;

pub use about::{About, LogLimits, Request};
pub use groups::{Noted, note as note_groups, sweep_all as sweep_groups};
pub use names::{pronounceable, random_hex};
pub use process::Pinned;
pub use processes::is_of;
pub use state::{State, Status};
pub use watch::Watch;

/// All containers of one owner.
#[derive(Debug)]
pub struct Containers {
    base: PathBuf,
}

/// One of them.
#[derive(Debug)]
pub struct Container {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Its directory.
    pub path: PathBuf,
    /// What it is.
    pub about: About,
    /// How it is.
    pub state: State,
}

/// A directory for a container that is about to start.
#[derive(Debug)]
pub struct Place {
    /// The id.
    pub id: String,
    /// The directory.
    pub path: PathBuf,
    /// Open, as the shim will hold it.
    pub directory: File,
    /// Locked.
    pub lock: File,
}

impl Containers {
    /// Those of the caller.
    pub fn open() -> Result<Self, Error> {
        let base = base_directory()?;
        make_directory(&base.join("containers"))?;
        Ok(Containers { base })
    }

    /// Those of the caller, unless there was never one; nothing is made for them.
    pub fn existing() -> Option<Self> {
        let base = crate::state::existing_base()?;
        base.join("containers").is_dir().then_some(Containers { base })
    }

    /// Where the directories are.
    pub fn directory(&self) -> PathBuf {
        self.base.join("containers")
    }

    /// Where the names are.
    pub fn names(&self) -> PathBuf {
        self.base.join("names")
    }

    /// All, oldest first.
    pub fn all(&self) -> Result<Vec<Container>, Error> {
        let directory = self.directory();
        let failed = |errno: nix::errno::Errno| {
            Error::new(format!("cannot list the containers: {}: {errno}", directory.display()))
        };
        let mut files = Files::open(&directory).map_err(failed)?;
        // Others are being made or removed.
        let (ids, others): (Vec<String>, Vec<String>) =
            files.names().map_err(failed)?.into_iter().partition(|name| is_id(name));
        let noted: HashSet<&str> =
            others.iter().filter_map(|name| name.strip_suffix(NOTED)?.strip_suffix('.')).collect();
        let read = |id: String| {
            // One that cannot be read was removed meanwhile.
            let (about, state) = State::of_one(&id, noted.contains(id.as_str()), &mut files)?;
            Some(Container { path: directory.join(&id), id, about, state })
        };
        let mut found: Vec<Container> = ids.into_iter().filter_map(read).collect();
        found.sort_by(|one, other| one.about.created.cmp(&other.about.created));
        Ok(found)
    }

    fn read(&self, id: &str) -> Option<Container> {
        let path = self.directory().join(id);
        let about = About::read(&path)?;
        let state = State::read(&path);
        Some(Container { id: id.into(), path, about, state })
    }

    /// The one with this name, id, or beginning of an id.
    pub fn find(&self, word: &str) -> Result<Container, Error> {
        if let Some(container) = self.named(word) {
            return Ok(container);
        }
        let mut found: Vec<String> = Vec::new();
        if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let entries = fs::read_dir(self.directory()).into_iter().flatten().flatten();
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
            found = names.filter(|name| is_id(name) && name.starts_with(word)).collect();
        }
        match &found[..] {
            [id] => self.read(id).ok_or_else(|| no_such(word)),
            [] => self.that_calls_itself(word).ok_or_else(|| no_such(word)),
            _ => Err(Error::new(format!("{word} is the beginning of {} ids", found.len()))
                .try_this("more digits, or a name; nsctl ps -a shows them")),
        }
    }

    /// The one with exactly this name.
    pub fn named(&self, name: &str) -> Option<Container> {
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return None;
        }
        let id = fs::read_to_string(self.names().join(name)).ok()?;
        self.read(id.trim()).filter(|container| container.about.name == name)
    }

    /// One that a removal was killed at, after its name was gone.
    fn that_calls_itself(&self, name: &str) -> Option<Container> {
        self.all().ok()?.into_iter().find(|container| container.about.name == name)
    }
}

impl Container {
    /// The id as people see it.
    pub fn short_id(&self) -> &str {
        &self.id[..12]
    }

    /// Waits until its shim is gone.
    pub fn wait_for_end(&self) {
        if let Ok(file) = File::open(self.path.join("lock")) {
            let _ = file.lock_shared();
        }
    }

    /// Waits until a shim that has said how it ended is gone, too.
    pub fn wait_for_shim(&self) {
        lock::wait_for_shim(&self.path);
    }

    /// Whether its shim is there.
    pub fn is_alive(&self) -> bool {
        lock::is_locked(&self.path)
    }

    /// How it is now.
    pub fn look_again(&mut self) {
        self.state = State::read(&self.path);
    }
}

fn make_directory(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Error::new(format!("cannot make the directory {}: {error}", path.display())).try_this(
            "--state-dir DIR, or NSCTL_STATE_DIR=DIR, with a directory of your own that has room",
        )
    })
}

fn is_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn no_such(word: &str) -> Error {
    Error::new(format!("no such container: {}", shown(word)))
        .try_this("nsctl ps -a shows those that there are")
}
