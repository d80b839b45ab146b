//! What a cause is found in: files of this machine, below a root that a test may choose.

use std::fs;
use std::path::{Path, PathBuf};

use crate::mountinfo::{self, Mount};

/// The machine as its files show it.
#[derive(Debug, Clone)]
pub struct Machine {
    root: PathBuf,
}

impl Machine {
    /// The one we run on.
    pub fn here() -> Self {
        Machine { root: "/".into() }
    }

    /// One made of files in a directory.
    #[cfg(test)]
    pub fn at(root: &Path) -> Self {
        Machine { root: root.into() }
    }

    /// An absolute path on this machine.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path.as_ref().strip_prefix("/").unwrap_or(path.as_ref()))
    }

    /// A file's text; what is not UTF-8 is shown as such.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read(self.path(path)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The number in a file such as a sysctl's.
    pub fn number(&self, path: &str) -> Option<i64> {
        self.read(path)?.trim().parse().ok()
    }

    /// Where a symbolic link points to, as text: `user:[4026531837]`.
    pub fn link(&self, path: &str) -> Option<String> {
        fs::read_link(self.path(path)).ok().map(|target| target.to_string_lossy().into_owned())
    }

    /// A field of /proc/self/status, `Seccomp`.
    pub fn status(&self, field: &str) -> Option<String> {
        let text = self.read("/proc/self/status")?;
        let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.map(|value| value.trim().to_string())
    }

    /// The mounts of our mount namespace that we can reach.
    pub fn mounts(&self) -> Option<Vec<Mount>> {
        let text = fs::read(self.path("/proc/self/mountinfo")).ok()?;
        Some(mountinfo::parse(&text).collect())
    }

    /// The mount that holds a path.
    pub fn mount_of(&self, path: &Path) -> Option<Mount> {
        mountinfo::mount_of(&self.mounts()?, path).cloned()
    }

    /// The kernel's version: `(6, 18)`.
    pub fn kernel(&self) -> Option<(u32, u32)> {
        let release = self.read("/proc/sys/kernel/osrelease")?;
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }
}
