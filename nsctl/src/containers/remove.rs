//! Removing containers, and giving them other names.

use std::fs;

use super::{Container, Containers, State, lock};
use nsshim::keep::NOTED;

use crate::error::Error;
use crate::state::Claim;

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
        let _ = fs::remove_file(container.path.with_extension(NOTED));
        fs::remove_dir_all(&aside)
            .map_err(|error| Error::new(format!("cannot remove {}: {error}", aside.display())))
    }

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

    /// Gives it another name.
    pub fn rename(&self, container: &Container, name: &str) -> Result<(), Error> {
        let claim = Claim::take(name)?;
        let mut about = container.about.clone();
        let old = std::mem::replace(&mut about.name, name.into());
        claim.keep(&container.id)?;
        // Before: the shim repeats the name that it had when it began.
        State::note(&container.path)
            .map_err(|error| Error::new(format!("cannot note the new name: {error}")))?;
        about.write(&container.path).inspect_err(|_| {
            let _ = fs::remove_file(self.names().join(name));
        })?;
        let _ = fs::remove_file(self.names().join(old));
        Ok(())
    }
}
