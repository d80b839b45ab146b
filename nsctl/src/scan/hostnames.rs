//! The host names of UTS namespaces: the kernel tells one's own only, so a child goes there.
//!
//! The child does nothing there but ask. It has our memory, and neither is dumpable meanwhile, so that
//! nobody inside can look into it (CVE-2016-9962). Who can signal it there may end it: then the names
//! that it was to ask for are not known.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::sched::{CloneFlags, setns};
use nix::sys::prctl::{get_dumpable, set_dumpable};
use nix::sys::utsname::uname;
use nsshim::spec::Kind;

use super::relations::is_privileged;
use super::{Found, Id, Namespace, open_namespace};

/// How many are open at a time.
const AT_ONCE: usize = 256;

/// The names of all that may be entered.
pub fn hostnames(found: &Found) -> HashMap<Id, String> {
    let own = super::links_of(std::process::id() as i32).map(|links| links[Kind::Uts as usize]);
    let mut names = HashMap::new();
    let mut others: BTreeMap<Option<Id>, Vec<&Namespace>> = BTreeMap::new();
    for namespace in found.namespaces.values().filter(|namespace| namespace.kind == Kind::Uts) {
        if own == Ok(namespace.id) {
            names.insert(namespace.id, name_here());
        } else {
            // Without rights here the caller may have them in the owner.
            let owner = if is_privileged() { None } else { namespace.owner };
            others.entry(owner).or_default().push(namespace);
        }
    }
    let dumpable = get_dumpable();
    if set_dumpable(false).is_err() {
        return names;
    }
    for (owner, all) in others {
        let owner = owner.map(|id| open_namespace(found.namespaces.get(&id)?, found));
        if let Some(None) = owner {
            continue;
        }
        let owner = owner.flatten().map(|opened| opened.fd);
        for some in all.chunks(AT_ONCE) {
            let opened = |one: &&Namespace| Some((one.id, open_namespace(one, found)?.fd));
            ask(owner.as_ref(), &some.iter().filter_map(opened).collect::<Vec<_>>(), &mut names);
        }
    }
    if dumpable == Ok(true) {
        let _ = set_dumpable(true);
    }
    names
}

/// What a child tells; it may not allocate.
struct Answer {
    id: Id,
    /// `__NEW_UTS_LEN`, include/uapi/linux/utsname.h
    name: [u8; 64],
    /// `None`: it could not go there.
    length: Option<usize>,
}

/// Asks in a child: into each, one after the other.
fn ask(owner: Option<&OwnedFd>, list: &[(Id, OwnedFd)], names: &mut HashMap<Id, String>) {
    if list.is_empty() {
        return;
    }
    let unknown = |&(id, _): &(Id, OwnedFd)| Answer { id, name: [0; 64], length: None };
    let mut answers: Vec<Answer> = list.iter().map(unknown).collect();
    let asked = nsshim::aside(|| {
        if let Some(owner) = owner {
            // The kernel may make us dumpable as fs.suid_dumpable says when the rights change.
            let there = setns(owner.as_fd(), CloneFlags::CLONE_NEWUSER);
            if there.and_then(|()| set_dumpable(false)).is_err() {
                return;
            }
        }
        for ((_, fd), answer) in list.iter().zip(&mut answers) {
            if setns(fd, CloneFlags::CLONE_NEWUTS).is_ok()
                && let Ok(names) = uname()
            {
                let name = names.nodename().as_bytes();
                let length = name.len().min(answer.name.len());
                answer.name[..length].copy_from_slice(&name[..length]);
                answer.length = Some(length);
            }
        }
    });
    if asked.is_ok() {
        names.extend(answers.iter().filter_map(|answer| {
            let name = String::from_utf8_lossy(&answer.name[..answer.length?]);
            Some((answer.id, name.into_owned()))
        }));
    }
}

fn name_here() -> String {
    uname().map(|names| names.nodename().to_string_lossy().into_owned()).unwrap_or_default()
}
