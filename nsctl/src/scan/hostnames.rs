//! The host names of UTS namespaces: the kernel tells one's own only, so a child goes there.
//!
//! The child does nothing there but ask; nobody inside can reach it (CVE-2016-9962).

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use nix::sched::{CloneFlags, setns};
use nix::sys::utsname::uname;
use nix::unistd::{ForkResult, pipe2};
use nsshim::spec::Kind;
use nsshim::sys;

use super::relations::is_privileged;
use super::{Found, Id, Namespace, open_namespace};

/// The names of all that may be entered.
pub fn hostnames(found: &Found) -> HashMap<Id, String> {
    let uts: Vec<&Namespace> =
        found.namespaces.values().filter(|namespace| namespace.kind == Kind::Uts).collect();
    let own = super::links_of(std::process::id() as i32).map(|links| links[Kind::Uts as usize]);
    let mut names = HashMap::new();
    let mut others: BTreeMap<Option<Id>, Vec<(Id, OwnedFd)>> = BTreeMap::new();
    for namespace in uts {
        if own == Ok(namespace.id) {
            names.insert(namespace.id, name_here());
            continue;
        }
        // Each is one process's own, so there are as many descriptors as namespaces.
        let group = if is_privileged() { None } else { namespace.owner };
        let list = others.entry(group).or_default();
        if list.len() >= 256 {
            continue_with(group, std::mem::take(list), found, &mut names);
        }
        if let Some(opened) = open_namespace(namespace, found) {
            others.entry(group).or_default().push((namespace.id, opened.fd));
        }
    }
    for (owner, list) in others {
        continue_with(owner, list, found, &mut names);
    }
    names
}

fn continue_with(
    owner: Option<Id>,
    list: Vec<(Id, OwnedFd)>,
    found: &Found,
    names: &mut HashMap<Id, String>,
) {
    // Without rights here the caller may have them in the owner.
    let owner = owner.map(|id| found.namespaces.get(&id).and_then(|it| open_namespace(it, found)));
    let owner = match owner {
        Some(None) => return,
        Some(Some(opened)) => Some(opened.fd),
        None => None,
    };
    let _ = ask(owner.as_ref(), &list, names);
}

fn ask(
    owner: Option<&OwnedFd>,
    list: &[(Id, OwnedFd)],
    names: &mut HashMap<Id, String>,
) -> nix::Result<()> {
    if list.is_empty() {
        return Ok(());
    }
    let (said, say) = pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    let child = match sys::fork_single_threaded()? {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            drop(said);
            tell(owner, list, &say);
            sys::exit_now(0)
        }
    };
    drop(say);
    let mut text = Vec::new();
    let _ = File::from(said).read_to_end(&mut text);
    let _ = nix::sys::wait::waitpid(child, None);
    // A number of eight bytes, a length, a name.
    let mut rest = &text[..];
    while let Some((head, after)) = rest.split_at_checked(9) {
        let Some((name, after)) = after.split_at_checked(usize::from(head[8])) else { break };
        let id = Id::from_ne_bytes(head[..8].try_into().unwrap_or_default());
        names.insert(id, String::from_utf8_lossy(name).into_owned());
        rest = after;
    }
    Ok(())
}

/// The child's: into each, one after the other.
fn tell(owner: Option<&OwnedFd>, list: &[(Id, OwnedFd)], say: &OwnedFd) {
    let _ = nix::sys::prctl::set_dumpable(false);
    if owner.is_some_and(|owner| setns(owner.as_fd(), CloneFlags::CLONE_NEWUSER).is_err()) {
        return;
    }
    for (id, fd) in list {
        if setns(fd, CloneFlags::CLONE_NEWUTS).is_err() {
            continue;
        }
        let name = name_here();
        let name = &name.as_bytes()[..name.len().min(255)];
        let mut packet = id.to_ne_bytes().to_vec();
        packet.push(name.len() as u8);
        packet.extend(name);
        if nix::unistd::write(say, &packet).is_err() {
            return;
        }
    }
}

fn name_here() -> String {
    uname().map(|names| names.nodename().to_string_lossy().into_owned()).unwrap_or_default()
}
