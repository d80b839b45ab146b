//! The host names of UTS namespaces: the kernel tells one's own only, so a child goes there.
//!
//! The child does nothing there but ask; nobody inside can reach it, nor us, whose memory it has:
//! neither is dumpable meanwhile (CVE-2016-9962).

use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd, OwnedFd};

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

/// Asks in a child: into each, one after the other.
fn ask(owner: Option<&OwnedFd>, list: &[(Id, OwnedFd)], names: &mut HashMap<Id, String>) {
    if list.is_empty() {
        return;
    }
    let _ = nsshim::aside(|| {
        if owner.is_some_and(|owner| setns(owner.as_fd(), CloneFlags::CLONE_NEWUSER).is_err()) {
            return;
        }
        for (id, fd) in list {
            if setns(fd, CloneFlags::CLONE_NEWUTS).is_ok() {
                names.insert(*id, name_here());
            }
        }
    });
}

fn name_here() -> String {
    uname().map(|names| names.nodename().to_string_lossy().into_owned()).unwrap_or_default()
}
