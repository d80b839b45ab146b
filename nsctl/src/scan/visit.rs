//! What the kernel tells only those who are in a namespace: a child goes there and asks.
//!
//! The child does nothing there but ask. It has our memory, and neither is dumpable meanwhile, so that
//! nobody inside can look into it (CVE-2016-9962). Who can signal it there may end it: then what it
//! was to ask for is not known.

use std::os::fd::{AsFd, OwnedFd};

use nix::sched::{CloneFlags, setns};
use nix::sys::prctl::{get_dumpable, set_dumpable};
use nix::sys::resource::{Resource, getrlimit};
use nsshim::{Aside, sys};

use super::relations::is_privileged;
use super::{Found, Id, Namespace, crew, open_namespace};

/// Asks in each that may be entered. `ask` is done in there, and may not allocate; `tell` makes out
/// here of its answer what is returned.
pub(super) fn visit<'a, A, T: Send>(
    all: impl Iterator<Item = &'a Namespace>,
    found: &Found,
    ask: impl Fn() -> Option<A> + Sync,
    tell: impl Fn(A) -> T + Sync,
) -> Vec<(Id, T)> {
    // Without rights here the caller may have them in the owner.
    let owner = |namespace: &Namespace| if is_privileged() { None } else { namespace.owner };
    let mut all: Vec<(Option<Id>, &Namespace)> = all.map(|one| (owner(one), one)).collect();
    all.sort_by_key(|(owner, _)| *owner);
    let dumpable = get_dumpable();
    if set_dumpable(false).is_err() {
        return Vec::new();
    }
    let gathered = crew::share(all.into_iter(), at_once(), Vec::new, |told, some| {
        let Ok(mut aside) = Aside::new() else { return };
        for all in some.chunk_by(|one, next| one.0 == next.0) {
            let answers = of_owner(all, found, &mut aside, &ask);
            told.extend(answers.into_iter().filter_map(|(id, answer)| Some((id, tell(answer?)))));
        }
    });
    if dumpable == Ok(true) {
        let _ = set_dumpable(true);
    }
    gathered.into_iter().flatten().collect()
}

/// How many are open at once: each takes a descriptor, and what is opened inside some more.
fn at_once() -> usize {
    const MOST: u64 = 24;
    const EACH: u64 = 4;
    // What else is open: what the caller left us, and what we look at /proc by.
    const OTHERS: u64 = 16;
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    (limit.saturating_sub(OTHERS) / EACH).clamp(1, MOST) as usize
}

/// The answers of some that one owns; `None`: we do.
fn of_owner<A>(
    all: &[(Option<Id>, &Namespace)],
    found: &Found,
    aside: &mut Aside,
    ask: impl Fn() -> Option<A>,
) -> Vec<(Id, Option<A>)> {
    let open = |(_, one): &(_, &Namespace)| Some((one.id, open_namespace(one, found)?.fd));
    let opened: Vec<(Id, OwnedFd)> = all.iter().filter_map(open).collect();
    let (Some((owner, one)), Some((_, first))) = (all.first(), opened.first()) else {
        return Vec::new();
    };
    // The kernel has it at hand; a process may have left it meanwhile.
    let owner = match owner.map(|_| sys::get_ns_userns(first)) {
        Some(Err(_)) => return Vec::new(),
        Some(Ok(owner)) => Some(owner),
        None => None,
    };
    let kind = one.kind.flag();
    let mut answers: Vec<(Id, Option<A>)> = opened.iter().map(|(id, _)| (*id, None)).collect();
    let asked = aside.run(|| {
        if let Some(owner) = &owner {
            // The kernel may make us dumpable as fs.suid_dumpable says when the rights change.
            let there = setns(owner.as_fd(), CloneFlags::CLONE_NEWUSER);
            if there.and_then(|()| set_dumpable(false)).is_err() {
                return;
            }
        }
        for ((_, fd), (_, answer)) in opened.iter().zip(&mut answers) {
            if setns(fd, kind).is_ok() {
                *answer = ask();
            }
        }
    });
    match asked {
        Ok(()) => answers,
        Err(_) => Vec::new(),
    }
}
