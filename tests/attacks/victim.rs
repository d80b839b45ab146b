//! A root that attacks, and what it must not reach.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use crate::common::{Ran, Who, busybox_root, nsctl};

/// What only the host has. A container that says it has read the host's files.
pub const MARK: &str = "only-the-host-knows";

/// A directory of the host's beside a root that somebody hostile made.
pub struct Victim {
    pub who: Who,
    /// The hostile root.
    pub root: PathBuf,
    /// What is to be attacked: a directory with a file and a directory in it.
    pub directory: PathBuf,
    /// The file in it.
    pub file: PathBuf,
    before: Vec<String>,
    mounts: Vec<String>,
}

impl Victim {
    /// `None`, said aloud, where no root can be made.
    pub fn new(who: Who) -> Option<Self> {
        let root = busybox_root(who)?;
        let directory = who.directory().join("victim");
        let file = directory.join("file");
        fs::create_dir(&directory).unwrap();
        fs::create_dir(directory.join("sub")).unwrap();
        fs::write(&file, MARK).unwrap();
        for path in [&directory, &directory.join("sub"), &file] {
            own(who, path);
        }
        let mut victim = Victim { who, root, directory, file, before: vec![], mounts: vec![] };
        victim.before = all(&victim.directory);
        victim.mounts = victim.mounts_near();
        Some(victim)
    }

    /// A path of the root's, as the host sees it.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Puts a symbolic link there, in place of what is.
    pub fn link(&self, path: &str, to: impl AsRef<Path>) {
        self.clear(path);
        symlink(to, self.at(path)).unwrap();
    }

    /// Removes what is there.
    pub fn clear(&self, path: &str) {
        let path = self.at(path);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(path).unwrap(),
            Ok(_) => fs::remove_file(path).unwrap(),
            Err(_) => fs::create_dir_all(path.parent().unwrap()).unwrap(),
        }
    }

    /// The victim as a path that climbs out of the root.
    pub fn climbing(&self) -> PathBuf {
        Path::new("../../../../../../../..").join(self.directory.strip_prefix("/").unwrap())
    }

    /// Runs a script of the root's sh.
    pub fn run(&self, options: &[&str], script: &str) -> Ran {
        self.command(options, &["sh", "-c", script])
    }

    /// Runs a command in the root; whatever comes of it, the host must be as before.
    #[track_caller]
    pub fn command(&self, options: &[&str], command: &[&str]) -> Ran {
        let root = self.root.to_str().unwrap();
        let words = [&["run", "--rootfs", root], options, command].concat();
        let ran = nsctl(self.who, words).run();
        self.expect_untouched(&format!("{options:?} {command:?}: {ran:?}"));
        assert!(!ran.stdout.contains(MARK), "{options:?} {command:?} read it: {ran:?}");
        ran
    }

    /// Fails when something of the host's has changed.
    #[track_caller]
    pub fn expect_untouched(&self, after: &str) {
        assert_eq!(all(&self.directory), self.before, "the host was changed by {after}");
        assert_eq!(self.mounts_near(), self.mounts, "a mount was left by {after}");
    }

    /// The mounts in the test's own directories.
    fn mounts_near(&self) -> Vec<String> {
        let here = self.root.parent().unwrap().to_str().unwrap();
        let there = self.directory.parent().unwrap().to_str().unwrap();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        mounts
            .lines()
            .filter(|line| line.contains(here) || line.contains(there))
            .map(str::to_string)
            .collect()
    }
}

/// Gives a file to the user.
pub fn own(who: Who, path: &Path) {
    if nix::unistd::geteuid().is_root() {
        chown(path, Some(who.uid()), Some(who.gid())).unwrap();
    }
}

/// Everything below a directory: kind, mode, owner, name, content.
pub fn all(directory: &Path) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let mut lines = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let found = fs::symlink_metadata(&path).unwrap();
        let content = if found.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        lines.push(format!(
            "{:o} {}:{} {:?} {}",
            found.mode(),
            found.uid(),
            found.gid(),
            path.as_os_str(),
            String::from_utf8_lossy(&content)
        ));
        if found.is_dir() {
            lines.extend(all(&path));
        }
    }
    lines.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    lines
}

/// Whether bytes would act on a terminal instead of being shown.
pub fn speaks_to_the_terminal(text: &str) -> bool {
    std::ffi::OsStr::new(text).as_bytes().iter().any(|byte| matches!(byte, 0..=9 | 11..=31 | 127))
}
