//! Listing a directory of /proc, as much at a time as the kernel gives.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nsshim::sys;

/// A directory of /proc, to look from: nothing is read.
pub(super) fn open_directory(from: impl AsFd, path: &str) -> nix::Result<OwnedFd> {
    openat(from, path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
}

/// The numbers that a directory of /proc names, as it lists them: read as they are asked for.
#[derive(Debug)]
pub(super) struct Numbers {
    directory: Option<OwnedFd>,
    room: Vec<u8>,
    /// The last first.
    read: Vec<i32>,
}

impl Numbers {
    /// Opens the directory.
    pub(super) fn of(from: impl AsFd, path: &str) -> nix::Result<Self> {
        let directory = openat(from, path, LISTED, Mode::empty())?;
        Ok(Numbers { directory: Some(directory), room: vec![0; ROOM], read: Vec::new() })
    }

    fn read_more(&mut self) {
        let Some(directory) = self.directory.take() else { return };
        // It is gone: what was read of it stays.
        let Ok(entries) = sys::getdents64(&directory, &mut self.room) else { return };
        let number = |name: &CStr| name.to_str().ok()?.parse::<i32>().ok();
        self.read.extend(sys::names(entries).filter_map(number));
        self.read.reverse();
        // /proc fills the room that there is.
        if entries.len() + LONGEST >= ROOM {
            self.directory = Some(directory);
        }
    }
}

impl Iterator for Numbers {
    type Item = i32;

    fn next(&mut self) -> Option<i32> {
        // What is no number may fill a whole piece.
        while self.read.is_empty() && self.directory.is_some() {
            self.read_more();
        }
        self.read.pop()
    }
}

const LISTED: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// Room for entries of a directory.
const ROOM: usize = 4096;

/// The longest entry. getdents64(2)
const LONGEST: usize = 280;
