//! `--cidfile`: who started a container detached finds its id there.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use crate::error::{self, Error};

/// The file, made before the container is: nobody else's is written over. It goes unless the id is
/// written to it.
pub struct CidFile {
    path: PathBuf,
    file: File,
    is_kept: bool,
}

impl CidFile {
    /// Makes it.
    pub fn make(path: PathBuf) -> Result<Self, Error> {
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|error| {
            Error::new(format!("cannot write the id to {}: {error}", path.display()))
        })?;
        Ok(CidFile { path, file, is_kept: false })
    }

    /// Writes the id of the container, which runs whether that can be done or not.
    pub fn keep(mut self, id: &str) {
        self.is_kept = true;
        if let Err(error) = write!(self.file, "{id}") {
            error::report(&Error::new(format!("cannot write the id: {error}")));
        }
    }
}

impl Drop for CidFile {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}
