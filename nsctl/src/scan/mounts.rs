//! Namespaces by bind mounts, in our own mount namespace and in every other that a process is in.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nsshim::spec::Kind;

use super::facts::read_all;
use super::{Found, Holder, Id, Places, link, relations};
use crate::mountinfo::{self, Mount};

/// Looks at the mounts of one process per mount namespace.
pub(super) fn look(proc: &OwnedFd, places: Places, found: &mut Found) {
    let own = std::process::id() as i32;
    let mut seen: HashSet<Id> = HashSet::new();
    let mut text = Vec::new();
    let processes: Vec<(i32, Id)> = found
        .processes
        .iter()
        .map(|process| (process.pid, process.links[Kind::Mnt as usize]))
        .collect();
    // Ours first, as paths of ours can be used as they are.
    let ours = processes.iter().find(|(pid, _)| *pid == own).copied();
    for (pid, mnt) in ours.into_iter().chain(processes) {
        if mnt == 0 || !seen.insert(mnt) {
            continue;
        }
        if !may_hold(proc, pid, &mut text) {
            continue;
        }
        if read_all(proc, &format!("{pid}/mountinfo"), &mut text).is_err() {
            // Another process of it may do.
            seen.remove(&mnt);
            continue;
        }
        let seen_by = (Some((pid, mnt)) != ours).then_some(pid);
        for (kind, id, path) in bound(&text) {
            let (namespace, new) = found.entry(kind, id);
            namespace.hold(Holder::Mount { seen_by, path: path.clone() });
            if new && places.relations {
                let root = seen_by.map_or("/".into(), |pid| format!("/proc/{pid}/root"));
                if let Some(fd) = relations::open_mounted(&root, &path, id) {
                    relations::of_open(fd, kind, id, found);
                }
            }
        }
    }
}

/// Whether a namespace may be mounted there. proc_pid_mountstats(5) says less than mountinfo, and so
/// costs an eighth; but only a process's owner may read it.
fn may_hold(proc: &OwnedFd, pid: i32, text: &mut Vec<u8>) -> bool {
    const HELD: &[u8] = b" with fstype nsfs";
    let read = read_all(proc, &format!("{pid}/mountstats"), text);
    read.is_err() || text.windows(HELD.len()).any(|words| words == HELD)
}

/// The namespaces in the text of mountinfo. proc_pid_mountinfo(5): the root of the mount is the
/// namespace's link.
fn bound(text: &[u8]) -> impl Iterator<Item = (Kind, Id, PathBuf)> {
    text.split(|&byte| byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|&byte| byte == b' ').skip(3);
        let root = fields.next()?;
        if root.starts_with(b"/") {
            return None;
        }
        let (kind, id) = link::parse(root)?;
        let path = mountinfo::path(fields.next()?);
        let fstype = fields.skip_while(|field| *field != b"-").nth(1)?;
        (fstype == b"nsfs").then_some((kind, id, path))
    })
}

/// Whether /proc is mounted so that it hides processes of others. proc(5)
pub(super) fn proc_hides() -> bool {
    const HIDES: [&str; 6] = [
        "hidepid=1",
        "hidepid=2",
        "hidepid=invisible",
        "hidepid=noaccess",
        "hidepid=ptraceable",
        "hidepid=4",
    ];
    let is_proc = |mount: &&Mount| mount.fstype == "proc" && mount.target == Path::new("/proc");
    mountinfo::here()
        .iter()
        .filter(is_proc)
        .any(|mount| mount.options.split(',').any(|option| HIDES.contains(&option)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nsfs_lines_count() {
        let text = b"22 1 0:4 net:[4026532001] /run/a\\040b rw shared:1 - nsfs nsfs rw\n\
            23 1 0:4 / /net:[1] rw - tmpfs nsfs rw\n\
            24 1 0:4 uts:[4026532002] /x\\012y rw - nsfs nsfs rw\n\
            25 1 0:4 net:[5] /z rw - tmpfs nsfs rw\nshort\n";
        let found: Vec<_> = bound(text).collect();
        assert_eq!(
            found,
            [
                (Kind::Net, 4_026_532_001, PathBuf::from("/run/a b")),
                (Kind::Uts, 4_026_532_002, PathBuf::from("/x\ny")),
            ]
        );
    }
}
