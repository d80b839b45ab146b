//! The links of /proc/PID/ns, read and not followed.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nsshim::spec::Kind;
use nsshim::sys;

use super::listing::open_directory;
use super::{Id, link};

/// The numbers of a process's namespaces in the order of [`Kind::ALL`]; 0 where there is none.
pub type Links = [Id; 8];

/// The namespaces of one process.
///
/// # Errors
/// As the kernel says it: `ENOENT` when there is none, `EACCES` when it may not be read.
pub fn links_of(pid: i32) -> nix::Result<Links> {
    read(&open_directory(AT_FDCWD, &format!("/proc/{pid}/ns"))?)
}

/// One of them; `None` where it cannot be told.
pub fn namespace_of(pid: i32, kind: Kind) -> Option<Id> {
    let directory = open_directory(AT_FDCWD, &format!("/proc/{pid}/ns")).ok()?;
    read_one(&directory, link_of(kind), kind).ok()?
}

/// All its links. What may not be read for one may not be for any.
pub(super) fn read(directory: &OwnedFd) -> nix::Result<Links> {
    let mut links = Links::default();
    for kind in Kind::ALL {
        links[kind as usize] = read_one(directory, link_of(kind), kind)?.unwrap_or(0);
    }
    Ok(links)
}

/// One of them.
pub(super) fn read_one(directory: &OwnedFd, file: &CStr, kind: Kind) -> nix::Result<Option<Id>> {
    match sys::readlinkat(directory, file, &mut [0; LONGEST]) {
        Ok(text) => Ok(text.get(kind.file().len()..).and_then(link::number)),
        Err(Errno::ENOENT | Errno::ESRCH) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// A link to a namespace has 7 letters and 23 characters at most.
const LONGEST: usize = 32;

/// The name of a namespace's link.
fn link_of(kind: Kind) -> &'static CStr {
    match kind {
        Kind::User => c"user",
        Kind::Cgroup => c"cgroup",
        Kind::Ipc => c"ipc",
        Kind::Uts => c"uts",
        Kind::Net => c"net",
        Kind::Pid => c"pid",
        Kind::Time => c"time",
        Kind::Mnt => c"mnt",
    }
}
