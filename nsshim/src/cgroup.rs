//! Control groups, as directories: made, read, frozen, ended. cgroups(7)
//!
//! One interface to both kinds of hierarchy. By descriptor, since the shim may be in another mount
//! namespace when its container ends.

mod end;
mod freeze;

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};

use crate::error::{Named, Result};

pub use end::end;

/// How often is looked where the kernel does not tell.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Which interface a hierarchy has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// cgroups-v1(7): one hierarchy for each controller, or for a few.
    V1,
    /// One for all. Documentation/admin-guide/cgroup-v2.rst
    V2,
}

/// A control group in one hierarchy: that of a container, if it exists.
#[derive(Debug)]
pub struct Group {
    /// The interface.
    pub version: Version,
    /// The controllers of a hierarchy of version 1; those of version 2 may differ in each group.
    pub controllers: Vec<String>,
    path: PathBuf,
    parent: OwnedFd,
    name: CString,
}

impl Group {
    /// The group at this absolute path, whose parent must exist.
    ///
    /// # Errors
    /// `ENOENT`, `EACCES`: there is no such parent, or it cannot be reached.
    pub fn at(version: Version, controllers: Vec<String>, path: &Path) -> nix::Result<Self> {
        let parent = path.parent().unwrap_or(Path::new("/"));
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let parent = open(parent, flags, Mode::empty())?;
        let name = path.file_name().unwrap_or(OsStr::new("."));
        let name = CString::new(name.as_bytes()).map_err(|_| Errno::EINVAL)?;
        Ok(Group { version, controllers, path: path.into(), parent, name })
    }

    /// Gives it another name, which its container has.
    pub fn rename(&mut self, name: &str) {
        self.path.set_file_name(name);
        self.name = CString::new(name).unwrap_or_default();
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What must stay open.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.parent.as_fd()
    }

    pub(crate) fn make(&self) -> Result<()> {
        let mode = Mode::from_bits_truncate(0o755);
        mkdirat(&self.parent, self.name.as_c_str(), mode).call(|| self.mkdir_call())
    }

    /// Has these controllers, `+memory +pids`, in all groups of the one around it.
    pub(crate) fn enable(&self, words: &str) -> nix::Result<()> {
        let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let file = openat(&self.parent, "cgroup.subtree_control", flags, Mode::empty())?;
        nix::unistd::write(file, words.as_bytes()).map(drop)
    }

    pub(crate) fn mkdir_call(&self) -> String {
        format!("mkdir({:?}, 0755)", self.path)
    }

    /// The directory.
    ///
    /// # Errors
    /// `ENOENT`: it does not exist.
    pub fn open(&self) -> nix::Result<OwnedFd> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        openat(&self.parent, self.name.as_c_str(), flags, Mode::empty())
    }

    /// By which a process comes in.
    pub(crate) fn open_entrance(&self) -> Result<OwnedFd> {
        match self.version {
            // For clone3(2).
            Version::V2 => self.open().call(|| format!("open({:?}, O_DIRECTORY)", self.path)),
            Version::V1 => self
                .open_file("tasks", OFlag::O_WRONLY)
                .call(|| format!("open({:?}, O_WRONLY)", self.path.join("tasks"))),
        }
    }

    /// Who writes 1 to it ends all that is in the group. Linux 5.14
    pub(crate) fn open_kill(&self) -> Option<OwnedFd> {
        self.open_file("cgroup.kill", OFlag::O_WRONLY).ok()
    }

    fn open_file(&self, name: &str, flags: OFlag) -> nix::Result<OwnedFd> {
        let flags = flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        openat(self.open()?, name, flags, Mode::empty())
    }

    /// The text of one of its files.
    ///
    /// # Errors
    /// `ENOENT`: there is no such group, or its controller is not enabled for it.
    pub fn read(&self, name: &str) -> nix::Result<String> {
        read(&mut self.open_file(name, OFlag::O_RDONLY)?.into())
    }

    /// Writes to one of its files.
    ///
    /// # Errors
    /// As the file has them.
    pub fn write(&self, name: &str, text: &str) -> nix::Result<()> {
        nix::unistd::write(self.open_file(name, OFlag::O_WRONLY)?, text.as_bytes()).map(drop)
    }

    /// The number in a file that holds nothing else.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.read(name).ok()?.trim().parse().ok()
    }

    /// A number in a file of lines `KEY NUMBER`.
    pub fn entry(&self, name: &str, key: &str) -> Option<u64> {
        entry(&self.read(name).ok()?, key)
    }

    /// Whether it counts this: a controller of version 1, or one that is enabled in this group.
    pub fn has(&self, controller: &str) -> bool {
        match self.version {
            Version::V1 => self.controllers.iter().any(|own| own == controller),
            Version::V2 => self
                .read("cgroup.controllers")
                .is_ok_and(|text| text.split_whitespace().any(|own| own == controller)),
        }
    }

    /// How many of its processes the kernel killed because memory ran out; `None` where nobody
    /// counts. Linux 4.13
    pub fn oom_kills(&self) -> Option<u64> {
        match self.version {
            Version::V1 if self.has("memory") => self.entry("memory.oom_control", "oom_kill"),
            Version::V1 => None,
            Version::V2 => self.entry("memory.events", "oom_kill"),
        }
    }
}

fn read(file: &mut File) -> nix::Result<String> {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => Err(error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)),
    }
}

fn entry(text: &str, key: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(name, _)| *name == key)?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_whole_key() {
        // memory.events, memory.oom_control
        let events = "low 0\nhigh 3\nmax 17\noom 2\noom_kill 5\noom_group_kill 0\n";
        assert_eq!(entry(events, "oom_kill"), Some(5));
        assert_eq!(entry(events, "oom"), Some(2));
        assert_eq!(entry("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", "oom_kill"), Some(1));
        assert_eq!(entry("low 0\n", "oom_kill"), None);
        assert_eq!(entry("", "oom_kill"), None);
    }
}
