//! Namespaces by the processes in them.

use std::os::fd::OwnedFd;

use nsshim::spec::Kind;

use super::links::{Links, ns_directory, read, read_one};
use super::listing::numbers;
use super::{Found, Holder, Places, Process, descriptors, relations, threads};
use crate::error::Error;

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

fn count_unread(proc: &OwnedFd, pid: i32, found: &mut Found) {
    // The kernel says EACCES of one that is gone, too.
    let Some(owner) = super::facts::uid_of(proc, pid) else { return };
    if owner == nix::unistd::geteuid().as_raw() {
        found.unread.protected += 1;
    } else {
        found.unread.others += 1;
    }
}
