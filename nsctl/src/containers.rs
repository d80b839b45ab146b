//! The containers that live on their own: one directory each, private to their owner.
//!
//! ```text
//!  BASE/names/NAME              the id of its container; locked while a container in the
//!                               foreground has the name
//!  BASE/containers/ID/about     what it is (nsctl writes it, once, and at a rename)
//!                    /request   how it was asked for, to ask again
//!                    /state     how it is (the shim writes it)
//!                    /lock      locked as long as the shim lives: what `state` says then holds
//!                    /log*      what it said
//!                    /attach    a socket of the shim's
//!                    /stop      it is not to be started again
//! ```
//!
//! A directory appears whole, by rename(2), and locked. So a crash at any point leaves one
//! that the next command reads, reports and can remove.

mod about;
mod lock;
mod names;
mod process;
mod state;
mod watch;

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, shown};
use crate::state::{Claim, base_directory};

pub use about::{About, Request};
pub use names::pronounceable;
pub use process::Pinned;
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
        let failed = |error: std::io::Error| {
            Error::new(format!("cannot list the containers: {}: {error}", directory.display()))
        };
        let mut found = Vec::new();
        for entry in fs::read_dir(&directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            // Others are being made or removed.
            let Some(id) = name.to_str().filter(|name| is_id(name)) else { continue };
            // One that cannot be read was removed meanwhile.
            found.extend(self.read(id));
        }
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
            [] => Err(no_such(word)),
            _ => Err(Error::new(format!("{word} is the beginning of {} ids", found.len()))
                .try_this("more digits, or a name; nsctl ps -a shows them")),
        }
    }

    fn named(&self, name: &str) -> Option<Container> {
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return None;
        }
        let id = fs::read_to_string(self.names().join(name)).ok()?;
        self.read(id.trim()).filter(|container| container.about.name == name)
    }

    /// A place for a new one, with a name that is now its own.
    pub fn create(&self, mut about: About, request: &Request) -> Result<Place, Error> {
        let id = random_id()?;
        let claim = match about.name.as_str() {
            "" => self.claim_any()?,
            name => Claim::take(name)?,
        };
        about.name = claim.name();
        let beside = self.directory().join(format!(".{id}"));
        let made = self.fill(&beside, &about, request, &id);
        let place = made.inspect_err(|_| drop(fs::remove_dir_all(&beside)))?;
        claim.keep(&id).inspect_err(|_| drop(fs::remove_dir_all(&place.path)))?;
        Ok(place)
    }

    fn claim_any(&self) -> Result<Claim, Error> {
        loop {
            let claim = Claim::take(&pronounceable()?);
            // Somebody may have it; then another is as good.
            if claim.is_ok() || self.all()?.len() > 100_000 {
                return claim;
            }
        }
    }

    fn fill(
        &self,
        beside: &Path,
        about: &About,
        request: &Request,
        id: &str,
    ) -> Result<Place, Error> {
        make_directory(beside)?;
        let lock = lock::make(beside)
            .ok_or_else(|| Error::new(format!("cannot make a lock in {}", beside.display())))?;
        about.write(beside)?;
        request.write(beside)?;
        State::reserve(beside)?;
        let path = self.directory().join(id);
        fs::rename(beside, &path)
            .map_err(|error| Error::new(format!("cannot make {}: {error}", path.display())))?;
        let directory = File::open(&path)
            .map_err(|error| Error::new(format!("cannot open {}: {error}", path.display())))?;
        Ok(Place { id: id.into(), path, directory, lock })
    }

    /// Takes the place of one that ended, to start it again.
    pub fn take_again(&self, container: &Container) -> Result<Place, Error> {
        let path = container.path.clone();
        let lock = lock::take(&path)
            .ok_or_else(|| Error::new(format!("{} runs already", container.about.name)))?;
        let failed =
            |error| Error::new(format!("cannot begin again in {}: {error}", path.display()));
        let directory = File::open(&path).map_err(failed)?;
        let _ = fs::remove_file(path.join(nsshim::keep::STOP));
        // It is not what the last run left; that is put back should this one not begin.
        match fs::rename(path.join("state"), path.join("state.last")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => State::reserve(&path)?,
        }
        Ok(Place { id: container.id.clone(), path, directory, lock })
    }

    /// Gives up the place of one that did not begin again: it is as it was.
    pub fn put_back(&self, container: &Container) {
        container.wait_for_end();
        let Some(_lock) = lock::take(&container.path) else { return };
        let _ = fs::rename(container.path.join("state.last"), container.path.join("state"));
    }

    /// Removes one that ended, and its name.
    pub fn remove(&self, container: &Container) -> Result<(), Error> {
        let name = &container.about.name;
        let held = lock::take(&container.path);
        if held.is_none() && container.path.join("lock").exists() {
            return Err(Error::new(format!("{name} is running"))
                .try_this(format!("nsctl stop {name}, or nsctl rm -f {name}")));
        }
        // First: as long as the directory is there, nobody else can take the name.
        let file = self.names().join(name);
        if fs::read_to_string(&file).is_ok_and(|id| id.trim() == container.id) {
            let _ = fs::remove_file(&file);
        }
        // Out of sight at once, whatever takes longer.
        let aside = self.directory().join(format!(".{}.gone", container.id));
        match fs::rename(&container.path, &aside) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            done => done.map_err(|error| {
                Error::new(format!("cannot remove {}: {error}", container.path.display()))
            })?,
        }
        fs::remove_dir_all(&aside)
            .map_err(|error| Error::new(format!("cannot remove {}: {error}", aside.display())))
    }
}

impl Containers {
    /// Removes what a crash left half made or half removed, once it is a minute old.
    pub fn sweep(&self) {
        let hidden = fs::read_dir(self.directory()).into_iter().flatten().flatten();
        for entry in hidden.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b".")) {
            let age = entry.metadata().and_then(|found| found.modified());
            let age = age.ok().and_then(|time| time.elapsed().ok()).unwrap_or_default();
            if age > std::time::Duration::from_secs(60) && !lock::is_locked(&entry.path()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
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

    /// How it is now.
    pub fn look_again(&mut self) {
        self.state = State::read(&self.path);
    }
}

fn make_directory(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Error::new(format!("cannot make the directory {}: {error}", path.display()))
            .try_this("NSCTL_STATE_DIR=DIR with a directory of your own that has room")
    })
}

fn is_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn no_such(word: &str) -> Error {
    Error::new(format!("no such container: {}", shown(word)))
        .try_this("nsctl ps -a shows those that there are")
}

fn random_id() -> Result<String, Error> {
    Ok(names::random::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Containers {
    /// Gives it another name.
    pub fn rename(&self, container: &Container, name: &str) -> Result<(), Error> {
        let claim = Claim::take(name)?;
        let mut about = container.about.clone();
        let old = std::mem::replace(&mut about.name, name.into());
        claim.keep(&container.id)?;
        about.write(&container.path).inspect_err(|_| {
            let _ = fs::remove_file(self.names().join(name));
        })?;
        let _ = fs::remove_file(self.names().join(old));
        Ok(())
    }
}

impl Container {
    /// The host's pids of its processes: those in the pid namespace of its first one.
    ///
    /// # Errors
    /// It does not run, or has no pid namespace of its own.
    pub fn processes(&self, state: &State) -> Result<Vec<i32>, Error> {
        let name = &self.about.name;
        let pid = state.pid.ok_or_else(|| Error::new(format!("{name} is not running")))?;
        let namespace = pid_namespace(pid)
            .ok_or_else(|| Error::new(format!("cannot tell the processes of {name}")))?;
        if pid_namespace(std::process::id() as i32) == Some(namespace.clone()) {
            return Err(Error::new(format!("{name} shares the host's process ids"))
                .because("which processes are its own cannot be told then"));
        }
        let mut found: Vec<i32> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|&pid| pid_namespace(pid).as_ref() == Some(&namespace))
            .collect();
        found.sort_unstable();
        Ok(found)
    }
}

/// Whether that process is now one of the container that is so.
pub fn is_of(state: &State, pid: i32) -> bool {
    let own = state.pid.and_then(pid_namespace);
    own.is_some() && pid_namespace(pid) == own
}

fn pid_namespace(pid: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
}
