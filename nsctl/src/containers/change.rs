//! Changing what a container is.

use std::fs::{self, File};

use nsshim::keep::NOTED;

use super::{About, Container, Containers, State};
use crate::error::Error;
use crate::state::{self, Claim};

impl Container {
    /// Changes what is written of it; of two at once, one after the other.
    pub fn change<R>(&self, deed: impl FnOnce(&mut About) -> Result<R, Error>) -> Result<R, Error> {
        self.change_what_is_there(deed).map_err(|error| {
            if self.path.exists() {
                return error;
            }
            // A note of ours may have come after what removed it.
            let _ = fs::remove_file(self.path.with_extension(NOTED));
            self.was_removed()
        })
    }

    fn was_removed(&self) -> Error {
        Error::new(format!("{} was removed meanwhile", self.about.name))
    }

    fn change_what_is_there<R>(
        &self,
        deed: impl FnOnce(&mut About) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let name = &self.about.name;
        let wrong = |error| Error::new(format!("cannot change {name}: {error}"));
        let directory = File::open(&self.path).map_err(wrong)?;
        directory.lock().map_err(wrong)?;
        let mut about = About::read(&self.path).ok_or_else(|| {
            Error::new(format!("cannot change {name}: what is written of it cannot be read"))
        })?;
        let done = deed(&mut about)?;
        // Before: the shim repeats what it was when it began.
        State::note(&self.path)
            .map_err(|error| Error::new(format!("cannot note that {name} changed: {error}")))?;
        about.write(&self.path)?;
        Ok(done)
    }
}

impl Containers {
    /// Gives it another name.
    pub fn rename(&self, container: &Container, name: &str) -> Result<(), Error> {
        let mut claim = Claim::take(name)?;
        claim.keep(&container.id)?;
        let old = container.change(|about| Ok(std::mem::replace(&mut about.name, name.into())));
        // Who removes it can release the name from now on, and before that it is seen here.
        drop(claim);
        match old {
            Ok(old) if container.path.exists() => {
                // It may have got it back since.
                if About::read(&container.path).is_none_or(|about| about.name != old) {
                    state::release(&self.names().join(old), &container.id);
                }
                Ok(())
            }
            // Who removed it may have known its old name only.
            other => {
                state::release(&self.names().join(name), &container.id);
                Err(other.err().unwrap_or_else(|| container.was_removed()))
            }
        }
    }
}
