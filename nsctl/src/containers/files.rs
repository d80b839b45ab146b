//! The small files of many containers, read one after the other: through one descriptor, into one
//! buffer, by short paths. What `ps` costs is what this costs.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::dir::Dir;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

/// What most files have room in.
const USUAL: usize = 4096;

/// Where the blanks of most files have begun: what is not read is not copied.
const BEGINNING: usize = 704;

/// The directory of all containers, open.
pub struct Files {
    directory: OwnedFd,
    path: String,
    text: Vec<u8>,
}

impl Files {
    /// Opens it.
    pub fn open(directory: &Path) -> nix::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = nix::fcntl::open(directory, flags, Mode::empty())?;
        Ok(Files { directory, path: String::new(), text: vec![0; USUAL] })
    }

    /// The names in it.
    pub fn names(&self) -> nix::Result<Vec<String>> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut directory = Dir::openat(&self.directory, ".", flags, Mode::empty())?;
        let name = |entry: nix::Result<nix::dir::Entry>| -> Option<nix::Result<String>> {
            let name = entry.map(|entry| entry.file_name().to_str().ok().map(String::from));
            name.transpose()
        };
        directory.iter().filter_map(name).collect()
    }

    /// What a file of a container says.
    pub fn read(&mut self, id: &str, name: &str) -> Option<&[u8]> {
        let file = self.file(id, name)?;
        self.fill(&file, 0)
    }

    /// What a file says that ends in blanks, and whether somebody has it locked.
    pub fn read_padded(&mut self, id: &str, name: &str) -> Option<(&[u8], bool)> {
        let mut file = self.file(id, name)?;
        let locked = file.try_lock_shared().is_err();
        let count = file.read(&mut self.text[..BEGINNING]).ok()?;
        let text = match self.text[..count].last() {
            Some(b' ') => &self.text[..count],
            _ => self.fill(&file, count)?,
        };
        Some((text, locked))
    }

    /// Whether somebody has it locked.
    pub fn is_locked(&mut self, id: &str, name: &str) -> bool {
        self.file(id, name).is_some_and(|file| file.try_lock_shared().is_err())
    }

    fn file(&mut self, id: &str, name: &str) -> Option<File> {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let path = place(&mut self.path, id, name);
        openat(&self.directory, path, flags, Mode::empty()).ok().map(File::from)
    }

    fn fill(&mut self, mut file: &File, mut filled: usize) -> Option<&[u8]> {
        loop {
            filled += file.read(&mut self.text[filled..]).ok()?;
            if filled < self.text.len() {
                return Some(&self.text[..filled]);
            }
            self.text.resize(filled * 2, 0);
        }
    }
}

fn place<'a>(path: &'a mut String, id: &str, name: &str) -> &'a str {
    path.clear();
    let _ = write!(path, "{id}/{name}");
    path
}
