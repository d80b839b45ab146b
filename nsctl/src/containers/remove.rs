//! Removing containers.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{About, Container, Containers, lock};
use nsshim::keep::NOTED;

use crate::error::Error;
use crate::state;

impl Containers {
    /// Removes one that ended, and its name.
    pub fn remove(&self, container: &Container) -> Result<(), Error> {
        let name = &container.about.name;
        let held = lock::take(&container.path);
        if held.is_none() && container.path.join("lock").exists() {
            return Err(Error::new(format!("{name} is running"))
                .try_this(format!("nsctl stop {name}, or nsctl rm -f {name}")));
        }
        // What cannot be ended must stay known.
        container.end_groups()?;
        // First: as long as the directory is there, nobody else can take the name.
        state::release(&self.names().join(name), &container.id);
        // Out of sight at once, whatever takes longer.
        let aside = self.directory().join(format!(".{}.gone", container.id));
        match fs::rename(&container.path, &aside) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            done => done.map_err(|error| {
                Error::new(format!("cannot remove {}: {error}", container.path.display()))
            })?,
        }
        // It may have been renamed since we looked; from now on it cannot be.
        if let Some(about) = About::read(&aside) {
            state::release(&self.names().join(about.name), &container.id);
        }
        let _ = fs::remove_file(container.path.with_extension(NOTED));
        fs::remove_dir_all(&aside)
            .map_err(|error| Error::new(format!("cannot remove {}: {error}", aside.display())))
    }

    /// Removes what a crash left half made or half removed, once it is a minute old.
    pub fn sweep(&self) {
        for path in old_entries(&self.directory()) {
            let is_hidden = path.file_name().is_some_and(|it| it.as_encoded_bytes()[0] == b'.');
            let is_note = path.extension().is_some_and(|it| it == NOTED);
            if is_hidden && !lock::is_locked(&path) {
                let _ = fs::remove_dir_all(path);
            } else if is_note && !path.with_extension("").exists() {
                let _ = fs::remove_file(path);
            }
        }
        old_entries(&self.names()).for_each(|path| state::sweep(&path));
    }
}

/// What is in a directory and is a minute old: younger ones may be in the making.
fn old_entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let is_old = |entry: &fs::DirEntry| {
        let changed = entry.metadata().and_then(|found| found.modified());
        #[allow(clippy::disallowed_methods, reason = "the times of files are of the wall clock")]
        let age = changed.ok().and_then(|time| time.elapsed().ok());
        age.is_some_and(|age| age > Duration::from_secs(60))
    };
    entries.filter(move |entry| is_old(entry)).map(|entry| entry.path())
}
