//! Namespaces by the processes in them.

use std::os::fd::OwnedFd;

use nsshim::spec::Kind;

use super::links::{Links, read, read_one};
use super::listing::{Numbers, open_directory};
use super::{Found, Holder, Places, Process, crew, descriptors, relations, threads};
use crate::error::Error;

/// Looks at all processes, and as asked at their threads and descriptors.
///
/// # Errors
/// They cannot be listed.
pub(super) fn look(proc: &OwnedFd, places: Places) -> Result<Found, Error> {
    let pids = Numbers::of(proc, ".")
        .map_err(|errno| Error::new(format!("cannot read /proc: {errno}")))?;
    let gathered = crew::share(pids, 16, Found::default, |found, some| {
        some.into_iter().for_each(|pid| look_at(proc, pid, places, found));
    });
    Ok(gathered.into_iter().reduce(Found::merge).unwrap_or_default())
}

fn look_at(proc: &OwnedFd, pid: i32, places: Places, found: &mut Found) {
    let Ok(directory) = open_directory(proc, &format!("{pid}/ns")) else { return };
    let Ok(links) = read(&directory) else { return count_unread(proc, pid, found) };
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
        descriptors::look(proc, pid, places, found);
    }
    found.processes.push(Process { pid, links });
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
