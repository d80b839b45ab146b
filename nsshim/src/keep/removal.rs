//! Removing a container that wanted nothing of it to stay.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use nix::dir::Dir;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::Remove;

/// Removes its directory and its name. What cannot be removed stays, and `nsctl rm` says why.
pub(super) fn remove(directory: &OwnedFd, what: &Remove) {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let Ok(mut entries) = Dir::openat(directory.as_fd(), ".", flags, Mode::empty()) else { return };
    for entry in entries.iter().flatten() {
        // Nothing but files is in it.
        let _ = unlinkat(directory.as_fd(), entry.file_name(), UnlinkatFlags::NoRemoveDir);
    }
    let _ = unlinkat(what.containers.as_fd(), what.id.as_c_str(), UnlinkatFlags::RemoveDir);
    // Unless it was renamed, and the name is another's by now.
    if name_is_its_own(what) {
        let _ = unlinkat(what.names.as_fd(), what.name.as_c_str(), UnlinkatFlags::NoRemoveDir);
    }
}

fn name_is_its_own(what: &Remove) -> bool {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = openat(what.names.as_fd(), what.name.as_c_str(), flags, Mode::empty());
    let mut id = Vec::new();
    let read = file.is_ok_and(|file| File::from(file).take(100).read_to_end(&mut id).is_ok());
    read && id == what.id.to_bytes()
}
