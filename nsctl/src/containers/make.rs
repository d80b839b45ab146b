//! A container's directory: made whole, taken again, given up.

use std::fs::{self, File};
use std::path::Path;

use super::{About, Container, Containers, Place, Request, State};
use super::{lock, make_directory, names, pronounceable};
use crate::error::Error;
use crate::state::Claim;

impl Containers {
    /// A place for a new one, with a name that is now its own.
    pub fn create(&self, mut about: About, request: &Request) -> Result<Place, Error> {
        let id = names::random_hex::<32>()?;
        let mut claim = match about.name.as_str() {
            "" => self.claim_any()?,
            name => Claim::take(name)?,
        };
        about.name = claim.name();
        let beside = self.directory().join(format!(".{id}"));
        let made = self.fill(&beside, &about, request, &id);
        let place = made.inspect_err(|_| drop(fs::remove_dir_all(&beside)))?;
        claim.keep(&id).inspect_err(|_| drop(fs::remove_dir_all(&place.path)))?;
        Ok(place)
    }

    fn claim_any(&self) -> Result<Claim, Error> {
        // Somebody may have it; then another is as good. But hardly ten times: then it is not the
        // name's fault.
        for _ in 0..9 {
            if let Ok(claim) = Claim::take(&pronounceable()?) {
                return Ok(claim);
            }
        }
        Claim::take(&pronounceable()?)
    }

    fn fill(
        &self,
        beside: &Path,
        about: &About,
        request: &Request,
        id: &str,
    ) -> Result<Place, Error> {
        make_directory(beside)?;
        let lock = lock::make(beside)
            .ok_or_else(|| Error::new(format!("cannot make a lock in {}", beside.display())))?;
        about.write(beside)?;
        request.write(beside)?;
        State::reserve(beside)?;
        let path = self.directory().join(id);
        fs::rename(beside, &path)
            .map_err(|error| Error::new(format!("cannot make {}: {error}", path.display())))?;
        let directory = File::open(&path)
            .map_err(|error| Error::new(format!("cannot open {}: {error}", path.display())))?;
        Ok(Place { id: id.into(), path, directory, lock })
    }

    /// Takes the place of one that ended, to start it again.
    pub fn take_again(&self, container: &Container) -> Result<Place, Error> {
        let path = container.path.clone();
        let lock = lock::take(&path)
            .ok_or_else(|| Error::new(format!("{} runs already", container.about.name)))?;
        // What is left where the last one was killed with its shim.
        container.end_groups()?;
        let failed =
            |error| Error::new(format!("cannot begin again in {}: {error}", path.display()));
        let directory = File::open(&path).map_err(failed)?;
        let _ = fs::remove_file(path.join(nsshim::keep::STOP));
        // It is not what the last run left; that is put back should this one not begin.
        match fs::rename(path.join("state"), path.join("state.last")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => State::reserve(&path)?,
        }
        Ok(Place { id: container.id.clone(), path, directory, lock })
    }

    /// Gives up the place of one that did not begin again: it is as it was.
    pub fn put_back(&self, container: &Container) {
        container.wait_for_end();
        let Some(_lock) = lock::take(&container.path) else { return };
        let _ = fs::rename(container.path.join("state.last"), container.path.join("state"));
    }
}
