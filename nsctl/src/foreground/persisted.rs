//! Namespaces that were kept for a container which did not start, because its shim was killed and
//! could not take them back.

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nsshim::spec::Persist;

/// A file for a namespace, as it was before.
pub struct Persisted {
    persist: Persist,
    /// The mount on it or below it; `None` where there was no file.
    before: Option<u64>,
}

impl Persisted {
    /// Looks at the files before anything is made.
    pub fn look(all: &[Persist]) -> Vec<Persisted> {
        let look = |persist: &Persist| Persisted {
            persist: persist.clone(),
            before: mount_at(&persist.path),
        };
        all.iter().map(look).collect()
    }

    /// Takes off what is mounted there since, and away what was made for it. What was there
    /// before, another namespace maybe, stays.
    pub fn take_back(&self) {
        let path = &self.persist.path;
        let now = mount_at(path);
        let around = path.parent().and_then(mount_at);
        if now.is_some() && now != self.before && now != around {
            return nsshim::release(&self.persist);
        }
        let is_empty = |found: fs::Metadata| found.is_file() && found.len() == 0;
        if self.before.is_none() && fs::symlink_metadata(path).is_ok_and(is_empty) {
            let _ = fs::remove_file(path);
        }
    }
}

fn mount_at(path: &Path) -> Option<u64> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = open(path, flags, Mode::empty()).ok()?;
    nsshim::sys::mount_id(file.as_fd()).ok()
}
