//! Namespaces by bind mounts, in our own mount namespace and in every other that a process is in.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nsshim::spec::Kind;

use super::facts::read_all;
use super::{Found, Holder, Id, Places, crew, link, relations};
use crate::mountinfo::{self, Mount};

/// Looks at the mounts of one process per mount namespace; what was found there.
pub(super) fn look(proc: &OwnedFd, places: Places, known: &Found) -> Vec<Found> {
    let own = std::process::id() as i32;
    let mut processes: BTreeMap<Id, Vec<i32>> = BTreeMap::new();
    for process in &known.processes {
        processes.entry(process.links[Kind::Mnt as usize]).or_default().push(process.pid);
    }
    processes.remove(&0);
    // Paths of ours can be used as they are.
    let ours = processes.iter().find(|(_, pids)| pids.contains(&own)).map(|(mnt, _)| *mnt);
    let begin = || (Found::default(), Vec::new());
    let look_at = |(found, text): &mut (Found, Vec<u8>), some: Vec<(Id, Vec<i32>)>| {
        for (mnt, pids) in some {
            // Where one cannot be read another one may do.
            let Some(pid) = pids.into_iter().find(|&pid| read_one(proc, pid, text).is_ok()) else {
                continue;
            };
            let seen_by = (Some(mnt) != ours).then_some(pid);
            bound(text).for_each(|one| hold(one, seen_by, places, known, found));
        }
    };
    let gathered = crew::share(processes.into_iter(), 16, begin, look_at);
    gathered.into_iter().map(|(found, _)| found).collect()
}

/// Reads the mounts that a process sees; nothing, where none of them can be a namespace.
fn read_one(proc: &OwnedFd, pid: i32, text: &mut Vec<u8>) -> nix::Result<()> {
    match may_hold(proc, pid, text) {
        true => read_all(proc, &format!("{pid}/mountinfo"), text),
        false => {
            text.clear();
            Ok(())
        }
    }
}

/// Notes one; asks about those that nobody has `known`.
fn hold(
    (kind, id, path): (Kind, Id, PathBuf),
    seen_by: Option<i32>,
    places: Places,
    known: &Found,
    found: &mut Found,
) {
    let (namespace, new) = found.entry(kind, id);
    namespace.hold(Holder::Mount { seen_by, path: path.clone() });
    if new && places.relations && !known.namespaces.contains_key(&id) {
        let root = seen_by.map_or("/".into(), |pid| format!("/proc/{pid}/root"));
        if let Some(fd) = relations::open_mounted(&root, &path, id) {
            relations::of_open(fd, kind, id, found);
        }
    }
}

/// Whether a namespace may be mounted there. proc_pid_mountstats(5) says less than mountinfo, and so
/// costs an eighth; but only a process's owner may read it.
fn may_hold(proc: &OwnedFd, pid: i32, text: &mut Vec<u8>) -> bool {
    const HELD: &[u8] = b" with fstype nsfs";
    let read = read_all(proc, &format!("{pid}/mountstats"), text);
    read.is_err() || text.split(|&byte| byte == b'\n').any(|line| line.ends_with(HELD))
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
