//! Namespaces by the processes in them.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::stat::Mode;
use nsshim::spec::Kind;

use super::{Found, Holder, Id, Places, Process, descriptors, link, relations, threads};
use crate::error::Error;

/// The numbers of a process's namespaces in the order of [`Kind::ALL`]; 0 where there is none.
pub type Links = [Id; 8];

/// Looks at every process, and as asked at its threads and descriptors.
pub(super) fn walk(proc: &OwnedFd, places: Places, found: &mut Found) -> Result<(), Error> {
    let failed = |errno: Errno| Error::new(format!("cannot read /proc: {errno}"));
    for pid in numbers(proc, ".").map_err(failed)? {
        let Ok(directory) = ns_directory(proc, &format!("{pid}/ns")) else { continue };
        let links = match read(&directory) {
            Ok(links) => links,
            Err(_) => {
                count_unread(proc, pid, found);
                continue;
            }
        };
        // Of one that has ended but not been waited for, only some are left.
        for (kind, &id) in Kind::ALL.into_iter().zip(&links).filter(|(_, id)| **id != 0) {
            let (namespace, new) = found.entry(kind, id);
            namespace.processes += 1;
            namespace.first.get_or_insert(pid);
            if new && places.relations {
                relations::of_link(&directory, kind.file(), id, found);
            }
        }
        if places.all {
            children(&directory, pid, &links, places, found);
            threads::look(proc, pid, &links, places, found);
            descriptors::look(proc, pid, places, found);
        }
        found.processes.push(Process { pid, links });
    }
    Ok(())
}

/// What the process's next child will be in, where that is not what it is in itself.
fn children(directory: &OwnedFd, pid: i32, links: &Links, places: Places, found: &mut Found) {
    for kind in [Kind::Pid, Kind::Time] {
        let file = kind.children_file();
        // There is none while a new pid namespace has no first process.
        let Ok(Some(id)) = read_one(directory, file, kind) else { continue };
        if id == links[kind as usize] {
            continue;
        }
        let (namespace, new) = found.entry(kind, id);
        namespace.hold(Holder::Children { pid });
        if new && places.relations {
            relations::of_link(directory, file, id, found);
        }
    }
}

/// The namespaces of one process.
///
/// # Errors
/// As the kernel says it: `ENOENT` when there is none, `EACCES` when it may not be read.
pub fn links_of(pid: i32) -> nix::Result<Links> {
    let proc = nix::fcntl::open("/proc", DIRECTORY, Mode::empty())?;
    read(&ns_directory(&proc, &format!("{pid}/ns"))?)
}

const DIRECTORY: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// The directory of the links.
pub(super) fn ns_directory(proc: &OwnedFd, path: &str) -> nix::Result<OwnedFd> {
    openat(proc, path, DIRECTORY, Mode::empty())
}

/// All its links. What may not be read for one may not be for any.
pub(super) fn read(directory: &OwnedFd) -> nix::Result<Links> {
    let mut links = Links::default();
    for kind in Kind::ALL {
        links[kind as usize] = read_one(directory, kind.file(), kind)?.unwrap_or(0);
    }
    Ok(links)
}

fn read_one(directory: &OwnedFd, file: &str, kind: Kind) -> nix::Result<Option<Id>> {
    match readlinkat(directory, file) {
        Ok(text) => {
            let number = text.as_bytes().get(kind.file().len()..).and_then(link::number);
            Ok(number)
        }
        Err(Errno::ENOENT | Errno::ESRCH) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The numbers that a directory of /proc names, as it lists them.
pub(super) fn numbers(from: impl AsFd, path: &str) -> nix::Result<Vec<i32>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut directory = Dir::openat(from, path, flags, Mode::empty())?;
    let number =
        |entry: nix::Result<nix::dir::Entry>| entry.ok()?.file_name().to_str().ok()?.parse().ok();
    Ok(directory.iter().filter_map(number).collect())
}

fn count_unread(proc: &OwnedFd, pid: i32, found: &mut Found) {
    // The kernel says EACCES of one that is gone, too.
    let Some(owner) = super::facts::uid_of(proc, pid) else { return };
    if owner == nix::unistd::geteuid().as_raw() {
        found.unread.protected += 1;
    } else {
        found.unread.others += 1;
    }
}
