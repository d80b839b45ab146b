//! The control groups of a container, written down before they are made: whatever is killed,
//! the next command finds them.
//!
//! ```text
//!  BASE/containers/ID/groups    of one that lives on its own
//!  BASE/groups/ID               of one in the foreground; locked as long as its shim lives
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nsshim::cgroup::{self, Group, Version};
use nsshim::spec::Cgroup;
use serde_json::{Value, json};

use super::names::random_hex;
use super::{Container, lock, make_directory};
use crate::cgroups;
use crate::error::Error;
use crate::state::base_directory;

/// The file in a container's directory.
const FILE: &str = "groups";

/// How long what is killed may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Those of a container in the foreground, written down as long as this lives.
#[derive(Debug)]
pub struct Noted(PathBuf);

impl Noted {
    /// Names them, writes them down, and lets the shim hold the lock.
    pub fn new(cgroup: &mut Cgroup) -> Result<Self, Error> {
        let directory = base_directory()?.join("groups");
        make_directory(&directory)?;
        sweep(&directory);
        let id = random_hex::<32>()?;
        cgroup.name(&id);
        // Nobody finds it before it is locked.
        let beside = directory.join(format!(".{id}"));
        let path = directory.join(&id);
        let written = write(&beside, cgroup)
            .and_then(|file| file.try_lock().map(|()| file).map_err(Into::into))
            .and_then(|file| fs::rename(&beside, &path).map(|()| file));
        let file = written.map_err(|error| {
            let _ = fs::remove_file(&beside);
            failed(&path, &error)
        })?;
        cgroup.held = Some(file.into());
        Ok(Noted(path))
    }
}

impl Drop for Noted {
    /// The shim has removed them, or was killed.
    fn drop(&mut self) {
        if cgroup::end(&read(&self.0), PATIENCE).is_ok() {
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// Removes the groups of those whose shim and nsctl were both killed.
pub fn sweep_all() {
    if let Ok(base) = base_directory() {
        sweep(&base.join("groups"));
    }
}

fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let lock = File::open(&path).ok().filter(|file| !hidden && file.try_lock().is_ok());
        // Who takes longer is met the next time.
        if lock.is_some() && cgroup::end(&read(&path), Duration::from_millis(100)).is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Names those of a container that lives on its own, and writes them down.
pub fn note(directory: &Path, id: &str, cgroup: &mut Cgroup) -> Result<(), Error> {
    cgroup.name(id);
    let path = directory.join(FILE);
    write(&path, cgroup).map(drop).map_err(|error| failed(&path, &error))
}

impl Container {
    /// Its control groups, if it was given some: those that exist.
    pub fn groups(&self) -> Vec<Group> {
        read(&self.path.join(FILE))
    }

    /// Those that another command of its is to join.
    ///
    /// # Errors
    /// It has some, and they cannot be reached from here.
    pub fn groups_to_join(&self, pid: i32) -> Result<Option<Vec<Group>>, Error> {
        let path = self.path.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let groups = read(&path);
        if groups.is_empty() {
            return Err(Error::new(format!(
                "cannot join the control group of {}: it is not mounted here",
                self.about.name
            ))
            .try_this("nsctl where it was started"));
        }
        Ok(Some(groups.into_iter().map(|group| innermost(group, pid)).collect()))
    }

    /// Kills what outlived a shim that was killed. Nothing, when another has started it again.
    ///
    /// # Errors
    /// As [`end_groups`](Self::end_groups).
    pub fn end_groups_left(&self) -> Result<(), Error> {
        if self.groups().is_empty() {
            return Ok(());
        }
        match lock::take(&self.path) {
            Some(_lock) => self.end_groups(),
            None => Ok(()),
        }
    }

    /// Kills what is left in its groups, and removes them.
    ///
    /// # Errors
    /// One cannot be removed.
    pub fn end_groups(&self) -> Result<(), Error> {
        let groups = self.groups();
        cgroup::end(&groups, PATIENCE).map_err(|errno| {
            let paths: Vec<String> =
                groups.iter().map(|group| group.path().display().to_string()).collect();
            Error::new(format!(
                "cannot remove the control group of {}: {}: {errno}",
                self.about.name,
                paths.join(", ")
            ))
            .because("a process in it does not end, or it was given to somebody else")
        })
    }
}

/// Who divides its group has moved itself into one below: only there processes may be.
fn innermost(group: Group, pid: i32) -> Group {
    if group.version != Version::V2 {
        return group;
    }
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let own = text.lines().find_map(|line| line.strip_prefix("0::")).map(Path::new);
    let hierarchies = cgroups::mounted();
    let unified = hierarchies.iter().find(|one| one.version == Version::V2);
    let path = own.zip(unified).and_then(|(own, unified)| unified.directory(own));
    let below = path.filter(|path| path.starts_with(group.path()));
    below.and_then(|path| Group::at(Version::V2, Vec::new(), &path).ok()).unwrap_or(group)
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("cannot write the control groups down: {}: {error}", path.display()))
        .try_this("room on that file system, or NSCTL_STATE_DIR=DIR elsewhere")
}

fn write(path: &Path, cgroup: &Cgroup) -> std::io::Result<File> {
    let one = |group: &Group| {
        let version = if group.version == Version::V1 { 1 } else { 2 };
        json!({"version": version, "controllers": group.controllers, "path": group.path()})
    };
    let groups: Vec<Value> = cgroup.groups.iter().map(|group| one(group)).collect();
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    // One write, not one a word.
    let text = format!("{}\n", json!({"version": 1, "groups": groups}));
    file.write_all(text.as_bytes())?;
    Ok(file)
}

fn read(path: &Path) -> Vec<Group> {
    let value: Value =
        fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let groups = value["groups"].as_array().filter(|_| value["version"] == 1);
    groups.into_iter().flatten().filter_map(one).collect()
}

fn one(value: &Value) -> Option<Group> {
    let version = match value["version"].as_u64()? {
        1 => Version::V1,
        _ => Version::V2,
    };
    let names = value["controllers"].as_array()?.iter();
    let controllers = names.filter_map(|name| name.as_str().map(str::to_string)).collect();
    let group = Group::at(version, controllers, Path::new(value["path"].as_str()?)).ok()?;
    group.open().is_ok().then_some(group)
}
