//! What a running container leaves where others can see it: its name, its pid.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nix::fcntl::{Flock, FlockArg};

use crate::containers::about::About;
use crate::error::{Error, shown};

/// A name that is ours while this lives. A lock, not a file, is what holds it:
/// the kernel lets go of it when the last process of ours dies.
#[derive(Debug)]
pub struct Claim {
    lock: Flock<File>,
    path: PathBuf,
    /// Whether the name goes with us.
    ends: bool,
}

impl Claim {
    /// Takes the name, or says who has it.
    pub fn take(name: &str) -> Result<Self, Error> {
        check_name(name)?;
        let directory = directory()?;
        let path = directory.join(name);
        let failed = |error: std::io::Error| {
            Error::new(format!("cannot claim the name {name}: open({}): {error}", path.display()))
        };
        loop {
            let file = fs::OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
                .open(&path)
                .map_err(failed)?;
            let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, _)| {
                Error::new(format!("the name {name} is taken"))
                    .because("a container with that name is running")
                    .try_this("another --name, or wait for it to end")
            })?;
            // Its last owner may have removed the file between our open and our lock.
            if is_at(&lock, &path) {
                refuse_kept(name, &path)?;
                return Ok(Claim { lock, path, ends: true });
            }
        }
    }
}

impl Claim {
    /// The name.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Leaves the name to the container with this id, until that is removed.
    ///
    /// The lock stays as long as this lives: whoever wants the name meanwhile is refused.
    pub fn keep(&mut self, id: &str) -> Result<(), Error> {
        let written = self.lock.set_len(0).and_then(|()| (&*self.lock).write_all(id.as_bytes()));
        written.map_err(|error| {
            Error::new(format!("cannot write {}: {error}", self.path.display()))
        })?;
        self.ends = false;
        Ok(())
    }
}

/// Removes a name that leads to the container with this id, unless somebody else takes it.
pub fn release(path: &Path, id: &str) {
    forget(path, |held| held == id);
}

/// Removes a name that leads nowhere: its owner was killed.
pub fn sweep(path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    forget(path, |held| held.is_empty() || refuse_kept(&name, path).is_ok());
}

/// Removes it if nobody holds it and what it says is as wanted.
fn forget(path: &Path, is_wanted: impl Fn(&str) -> bool) {
    let options = libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let Ok(file) = fs::OpenOptions::new().read(true).custom_flags(options).open(path) else {
        return;
    };
    let Ok(lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) else { return };
    if is_at(&lock, path) && fs::read_to_string(path).is_ok_and(|held| is_wanted(held.trim())) {
        let _ = fs::remove_file(path);
    }
}

/// A container that lives on its own holds its name by its id.
fn refuse_kept(name: &str, path: &Path) -> Result<(), Error> {
    let id = fs::read_to_string(path).unwrap_or_default();
    let base = path.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
    if id.is_empty() || id.contains('/') || !has_name(&base.join("containers").join(&id), name) {
        return Ok(());
    }
    Err(Error::new(format!("the name {name} is taken"))
        .because(format!("the container {} has it", &id[..id.len().min(12)]))
        .try_this(format!("nsctl rm {name}, or another --name")))
}

/// Whether the container in this directory is called so. A rename that was killed may have left a
/// name that leads to a container which never got it.
fn has_name(container: &Path, name: &str) -> bool {
    match About::read(container) {
        Some(about) => about.name == name,
        // One that a newer nsctl made.
        None => container.is_dir(),
    }
}

impl AsFd for Claim {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.ends {
            // Before the lock goes, so that nobody else's file is removed.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether this file is what the path names, not one that came in its place.
fn is_at(file: &File, path: &Path) -> bool {
    let id = |found: fs::Metadata| (found.dev(), found.ino());
    let ours = file.metadata().map(id);
    ours.is_ok_and(|ours| fs::symlink_metadata(path).map(id).is_ok_and(|found| found == ours))
}

/// docker's rule for names.
pub fn check_name(name: &str) -> Result<(), Error> {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest = bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if first && rest && name.len() <= 128 {
        return Ok(());
    }
    Err(Error::new(format!("{name:?} is no name for a container"))
        .try_this("letters, digits, _ . and -, the first a letter or digit, at most 128"))
}

/// Where names are held.
fn directory() -> Result<PathBuf, Error> {
    base_directory().map(|base| base.join("names"))
}

/// `--state-dir`: like the environment it stands before, one for the whole program.
static CHOSEN: OnceLock<PathBuf> = OnceLock::new();

/// Takes this directory from now on.
pub fn use_directory(directory: &Path) -> Result<(), Error> {
    let absolute = std::path::absolute(directory).map_err(|error| {
        Error::new(format!("--state-dir {}: {error}", shown(&directory.to_string_lossy())))
            .try_this("a directory of your own")
    })?;
    // Only the command line says it, once.
    let _ = CHOSEN.set(absolute);
    Ok(())
}

/// Where all is kept, private to the user: `--state-dir`, `NSCTL_STATE_DIR`, else /run/nsctl for
/// root and `$XDG_RUNTIME_DIR/nsctl` for others.
pub fn base_directory() -> Result<PathBuf, Error> {
    let base = wanted_base();
    let directory = base.join("names");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(|error| {
        Error::new(format!("cannot make the state directory {}: {error}", directory.display()))
            .try_this("--state-dir DIR, or NSCTL_STATE_DIR=DIR, with a directory of your own")
    })?;
    match is_own(&base) {
        true => Ok(base),
        false => Err(Error::new(format!("the state directory {} is not yours", base.display()))
            .try_this("--state-dir DIR, or NSCTL_STATE_DIR=DIR, with a directory of your own")),
    }
}

/// The same, without making it.
pub fn existing_base() -> Option<PathBuf> {
    Some(wanted_base()).filter(|base| is_own(base))
}

fn wanted_base() -> PathBuf {
    let named = CHOSEN.get().cloned();
    let named = named.or_else(|| std::env::var_os("NSCTL_STATE_DIR").map(PathBuf::from));
    // Another nsctl, as `start` makes one, works in another directory.
    named.map_or_else(default_base, |base| std::path::absolute(&base).unwrap_or(base))
}

fn is_own(base: &Path) -> bool {
    let own = nix::unistd::geteuid().as_raw();
    fs::symlink_metadata(base).is_ok_and(|found| found.is_dir() && found.uid() == own)
}

fn default_base() -> PathBuf {
    let uid = nix::unistd::geteuid();
    if uid.is_root() {
        return "/run/nsctl".into();
    }
    if let Some(runtime) = std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty())
        && Path::new(&runtime).is_dir()
    {
        return Path::new(&runtime).join("nsctl");
    }
    std::env::temp_dir().join(format!("nsctl-{uid}"))
}

/// The file with the pid, removed at the end: a pid that is used again would mislead.
/// Should nsctl be killed, the file stays; but it is locked, flock(2), only while it holds.
#[derive(Debug)]
pub struct PidFile {
    path: Option<PathBuf>,
    written: Option<Flock<File>>,
}

impl PidFile {
    /// Nothing is written yet.
    pub fn new(path: Option<PathBuf>) -> Self {
        PidFile { path, written: None }
    }

    /// Refuses, before anything is made, a path at which no file can be made.
    pub fn check(path: &Path) -> Result<(), Error> {
        let directory = match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => path,
        };
        let refused = |cause: String| {
            Err(Error::new(format!("cannot write the pid to {}", path.display()))
                .because(cause)
                .try_this("--pid-file FILE in a directory that you may write"))
        };
        if path.is_dir() {
            return refused(format!("{} is a directory", path.display()));
        }
        match nix::unistd::access(directory, nix::unistd::AccessFlags::W_OK) {
            Ok(()) if directory.is_dir() => Ok(()),
            Ok(()) => refused(format!("{} is not a directory", directory.display())),
            Err(errno) => refused(format!("{}: {}", directory.display(), errno.desc())),
        }
    }

    /// Writes the pid; a reader sees either no file or a whole one.
    pub fn write(&mut self, pid: i32) -> Result<(), Error> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut partial = path.clone().into_os_string();
        partial.push(format!(".{}", std::process::id()));
        let written = write_locked(Path::new(&partial), pid)
            .and_then(|file| fs::rename(&partial, path).map(|()| file));
        match written {
            Ok(file) => {
                self.written = Some(file);
                Ok(())
            }
            Err(error) => {
                let _ = fs::remove_file(&partial);
                let path = path.display();
                Err(Error::new(format!("cannot write the pid to {path}: {error}")))
            }
        }
    }
}

fn write_locked(path: &Path, pid: i32) -> std::io::Result<Flock<File>> {
    let file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    let mut file =
        Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno)?;
    writeln!(file, "{pid}")?;
    Ok(file)
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let (Some(file), Some(path)) = (&self.written, &self.path)
            && is_at(file, path)
        {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path() {
        for wrong in ["", ".", "..", "a/b", "-a", "ä", "a b"] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
        assert!(check_name("web-1.test_2").is_ok());
    }
}
