//! The host names of UTS namespaces: the kernel tells one's own only, so a child goes there.
//!
//! The child does nothing there but ask. It has our memory, and neither is dumpable meanwhile, so that
//! nobody inside can look into it (CVE-2016-9962). Who can signal it there may end it: then the names
//! that it was to ask for are not known.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::sched::{CloneFlags, setns};
use nix::sys::prctl::{get_dumpable, set_dumpable};
use nix::sys::utsname::uname;
use nsshim::spec::Kind;
use nsshim::{Aside, sys};

use super::relations::is_privileged;
use super::{Found, Id, Namespace, crew, open_namespace};

/// The names of all that may be entered.
pub fn hostnames(found: &Found) -> HashMap<Id, String> {
    let own = super::links_of(std::process::id() as i32).map(|links| links[Kind::Uts as usize]);
    let mut names = HashMap::new();
    let mut others = Vec::new();
    for namespace in found.namespaces.values().filter(|namespace| namespace.kind == Kind::Uts) {
        if own == Ok(namespace.id) {
            names.insert(namespace.id, name_here());
        } else {
            // Without rights here the caller may have them in the owner.
            let owner = if is_privileged() { None } else { namespace.owner };
            others.push((owner, namespace));
        }
    }
    others.sort_by_key(|(owner, _)| *owner);
    let dumpable = get_dumpable();
    if set_dumpable(false).is_err() {
        return names;
    }
    let gathered = crew::share(others.into_iter(), 24, HashMap::new, |names, some| {
        let Ok(mut aside) = Aside::new() else { return };
        let same_owner = some.chunk_by(|one, next| one.0 == next.0);
        same_owner.for_each(|all| of_owner(all, found, &mut aside, names));
    });
    if dumpable == Ok(true) {
        let _ = set_dumpable(true);
    }
    names.extend(gathered.into_iter().flatten());
    names
}

/// The names of some that one owns; `None`: we do.
fn of_owner(
    all: &[(Option<Id>, &Namespace)],
    found: &Found,
    aside: &mut Aside,
    names: &mut HashMap<Id, String>,
) {
    let open = |(_, one): &(_, &Namespace)| Some((one.id, open_namespace(one, found)?.fd));
    let opened: Vec<(Id, OwnedFd)> = all.iter().filter_map(open).collect();
    let (Some((owner, _)), Some((_, first))) = (all.first(), opened.first()) else { return };
    // The kernel has it at hand; a process may have left it meanwhile.
    let owner = match owner.map(|_| sys::get_ns_userns(first)) {
        Some(Err(_)) => return,
        Some(Ok(owner)) => Some(owner),
        None => None,
    };
    ask(owner.as_ref(), &opened, aside, names);
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
fn ask(
    owner: Option<&OwnedFd>,
    list: &[(Id, OwnedFd)],
    aside: &mut Aside,
    names: &mut HashMap<Id, String>,
) {
    if list.is_empty() {
        return;
    }
    let unknown = |&(id, _): &(Id, OwnedFd)| Answer { id, name: [0; 64], length: None };
    let mut answers: Vec<Answer> = list.iter().map(unknown).collect();
    let asked = aside.run(|| {
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
