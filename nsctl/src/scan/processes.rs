//! Namespaces by the processes in them.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nsshim::spec::Kind;
use nsshim::sys;

use super::{Found, Holder, Id, Places, Process, descriptors, link, relations, threads};
use crate::error::Error;

/// The numbers of a process's namespaces in the order of [`Kind::ALL`]; 0 where there is none.
pub type Links = [Id; 8];

/// The numbers of all processes.
pub(super) fn all(proc: &OwnedFd) -> Result<Vec<i32>, Error> {
    numbers(proc, ".").map_err(|errno| Error::new(format!("cannot read /proc: {errno}")))
}

/// Looks at these processes, and as asked at their threads and descriptors.
pub(super) fn walk(proc: &OwnedFd, pids: &[i32], places: Places, found: &mut Found) {
    let mut room = descriptors::Room::default();
    for &pid in pids {
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
            namespace.first = Some(namespace.first.map_or(pid, |first| first.min(pid)));
            if new && places.relations {
                relations::of_link(&directory, kind.file(), id, found);
            }
        }
        if places.all {
            children(&directory, pid, &links, places, found);
            threads::look(proc, pid, &links, places, found);
            descriptors::look(proc, pid, &mut room, places, found);
        }
        found.processes.push(Process { pid, links });
    }
}

/// What the process's next child will be in, where that is not what it is in itself.
fn children(directory: &OwnedFd, pid: i32, links: &Links, places: Places, found: &mut Found) {
    for kind in [Kind::Pid, Kind::Time] {
        let file = match kind {
            Kind::Pid => c"pid_for_children",
            _ => c"time_for_children",
        };
        // There is none while a new pid namespace has no first process.
        let Ok(Some(id)) = read_one(directory, file, kind) else { continue };
        if id == links[kind as usize] {
            continue;
        }
        let (namespace, new) = found.entry(kind, id);
        namespace.hold(Holder::Children { pid });
        if new && places.relations {
            relations::of_link(directory, kind.children_file(), id, found);
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

/// One of them; `None` where it cannot be told.
pub fn namespace_of(pid: i32, kind: Kind) -> Option<Id> {
    let proc = nix::fcntl::open("/proc", DIRECTORY, Mode::empty()).ok()?;
    read_one(&ns_directory(&proc, &format!("{pid}/ns")).ok()?, link_of(kind), kind).ok()?
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
        links[kind as usize] = read_one(directory, link_of(kind), kind)?.unwrap_or(0);
    }
    Ok(links)
}

fn read_one(directory: &OwnedFd, file: &CStr, kind: Kind) -> nix::Result<Option<Id>> {
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

/// The numbers that a directory of /proc names, as it lists them.
pub(super) fn numbers(from: impl AsFd, path: &str) -> nix::Result<Vec<i32>> {
    let directory = openat(from, path, LISTED, Mode::empty())?;
    let mut room = vec![0; LIST];
    let mut found = Vec::new();
    loop {
        let entries = sys::getdents64(&directory, &mut room)?;
        let number = |name: &CStr| name.to_str().ok()?.parse::<i32>().ok();
        found.extend(sys::names(entries).filter_map(number));
        if is_last(entries) {
            return Ok(found);
        }
    }
}

pub(super) const LISTED: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// Room for entries of a directory.
pub(super) const LIST: usize = 32 * 1024;

/// Whether no more entries come: /proc fills the room that there is, and a name has 255 bytes.
pub(super) fn is_last(entries: &[u8]) -> bool {
    entries.len() + 300 < LIST
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
