//! Removing a container that wanted nothing of it to stay.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

use nix::dir::Dir;
use nix::fcntl::{Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::{NOTED, Remove, record};

/// Removes its name and its directory. What cannot be removed stays, and `nsctl rm` says why.
pub(super) fn remove(directory: &OwnedFd, what: &Remove) {
    // First: as long as the directory is there, nobody else can take the name.
    if has_name(what, &what.name) {
        remove_name(what, &what.name);
    } else {
        // It was renamed.
        let names = entries(&what.names);
        names.iter().filter(|name| has_name(what, name)).for_each(|name| remove_name(what, name));
    }
    // Out of sight at once: nobody writes into it any more.
    let id = what.id.to_string_lossy();
    let aside = CString::new(format!(".{id}.gone")).unwrap_or_default();
    let is_aside = renameat(&what.containers, &*what.id, &what.containers, &*aside).is_ok();
    for name in entries(directory) {
        // Nothing but files is in it.
        let _ = unlinkat(directory.as_fd(), name.as_c_str(), UnlinkatFlags::NoRemoveDir);
    }
    let now = if is_aside { &aside } else { &what.id };
    let _ = unlinkat(what.containers.as_fd(), now.as_c_str(), UnlinkatFlags::RemoveDir);
    let noted = format!("{id}.{NOTED}");
    let noted = unlinkat(what.containers.as_fd(), noted.as_str(), UnlinkatFlags::NoRemoveDir);
    if noted.is_ok() {
        // Perhaps it got another name since we looked for the first; from now on it cannot.
        let names = entries(&what.names);
        names.iter().filter(|name| has_name(what, name)).for_each(|name| release(what, name));
    }
}

fn entries(directory: &OwnedFd) -> Vec<CString> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let Ok(mut all) = Dir::openat(directory.as_fd(), ".", flags, Mode::empty()) else {
        return Vec::new();
    };
    all.iter().flatten().map(|entry| entry.file_name().to_owned()).collect()
}

fn has_name(what: &Remove, name: &CStr) -> bool {
    record::read(&what.names, name).is_some_and(|id| id.as_bytes() == what.id.to_bytes())
}

/// Removes a name that others may take: who has locked it has it, and sees to it.
fn release(what: &Remove, name: &CStr) {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let Ok(file) = openat(what.names.as_fd(), name, flags, Mode::empty()) else { return };
    let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock);
    if lock.is_ok() && has_name(what, name) {
        remove_name(what, name);
    }
}

fn remove_name(what: &Remove, name: &CStr) {
    let _ = unlinkat(what.names.as_fd(), name, UnlinkatFlags::NoRemoveDir);
}
