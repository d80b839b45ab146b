//! Changing what a container is.

use std::fs::{self, File};

use super::{About, Container, Containers, State};
use crate::error::Error;
use crate::state::{self, Claim};

impl Container {
    /// Changes what is written of it; of two at once, one after the other.
    pub fn change<R>(&self, deed: impl FnOnce(&mut About) -> Result<R, Error>) -> Result<R, Error> {
        let gone = || Error::new(format!("{} is gone", self.about.name));
        let directory = File::open(&self.path).map_err(|_| gone())?;
        directory
            .lock()
            .map_err(|error| Error::new(format!("cannot change {}: {error}", self.about.name)))?;
        let mut about = About::read(&self.path).ok_or_else(gone)?;
        let done = deed(&mut about)?;
        // Before: the shim repeats what it was when it began.
        State::note(&self.path).map_err(|error| {
            Error::new(format!("cannot note that {} changed: {error}", self.about.name))
        })?;
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
        let old = old.inspect_err(|_| {
            let _ = fs::remove_file(self.names().join(name));
        })?;
        state::release(&self.names().join(old), &container.id);
        Ok(())
    }
}
