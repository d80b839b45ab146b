//! Two look at a time, where there are two processors and many processes: what a look costs is the
//! kernel's, and it looks at two processes at once as fast as at one. The second is a child, not a
//! thread: it tells all that it found and ends.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use nix::fcntl::OFlag;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::{ForkResult, Pid, pipe2};
use nsshim::sys;

use super::{Found, Holder, Namespace, Places, processes};

/// With fewer processes a child is not worth its while.
const MANY: usize = 300;

/// Looks at all of these processes.
pub(super) fn walk(proc: &OwnedFd, pids: &[i32], places: Places, found: &mut Found) {
    if pids.len() < MANY || processors() < 2 {
        processes::walk(proc, pids, places, found);
        return;
    }
    // Neighbours are alike: so each gets as much to do.
    let half = |which: usize| -> Vec<i32> { pids.iter().copied().skip(which).step_by(2).collect() };
    let (ours, others) = (half(0), half(1));
    let other = Other::begin(proc, &others, places);
    processes::walk(proc, &ours, places, found);
    match other.and_then(Other::end) {
        Some(more) => found.merge(more),
        None => processes::walk(proc, &others, places, found),
    }
    found.processes.sort_unstable_by_key(|process| process.pid);
}

fn processors() -> usize {
    let own = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    (0..CpuSet::count()).filter(|&cpu| own.is_set(cpu).unwrap_or(false)).count()
}

/// The child, and what it says.
struct Other {
    child: Pid,
    said: File,
}

impl Other {
    fn begin(proc: &OwnedFd, pids: &[i32], places: Places) -> Option<Self> {
        let (said, say) = pipe2(OFlag::O_CLOEXEC).ok()?;
        match sys::fork_single_threaded().ok()? {
            ForkResult::Parent { child } => Some(Other { child, said: said.into() }),
            ForkResult::Child => {
                drop(said);
                let mut found = Found::default();
                processes::walk(proc, pids, places, &mut found);
                let text = serde_json::to_vec(&found).unwrap_or_default();
                let told = File::from(say).write_all(&text);
                sys::exit_now(i32::from(told.is_err()))
            }
        }
    }

    /// `None`: it could not say all.
    fn end(mut self) -> Option<Found> {
        let mut text = Vec::new();
        let read = self.said.read_to_end(&mut text);
        let _ = nix::sys::wait::waitpid(self.child, None);
        read.ok().and_then(|_| serde_json::from_slice(&text).ok())
    }
}

impl Found {
    fn merge(&mut self, other: Found) {
        for (id, more) in other.namespaces {
            match self.namespaces.get_mut(&id) {
                Some(namespace) => namespace.merge(more),
                None => drop(self.namespaces.insert(id, more)),
            }
        }
        self.processes.extend(other.processes);
        self.unread.others += other.unread.others;
        self.unread.protected += other.unread.protected;
    }

    /// Forgets what does not explain why a namespace lives: it has processes.
    pub(super) fn tidy(&mut self) {
        for namespace in self.namespaces.values_mut().filter(|one| one.processes > 0) {
            let explains = |holder: &Holder| !matches!(holder, Holder::Owned(_) | Holder::Child(_));
            namespace.holders.retain(explains);
        }
    }
}

impl Namespace {
    fn merge(&mut self, more: Namespace) {
        self.processes += more.processes;
        self.first = self.first.into_iter().chain(more.first).min();
        more.holders.into_iter().for_each(|holder| self.hold(holder));
        self.owner = self.owner.or(more.owner);
        self.parent = self.parent.or(more.parent);
        self.maker = self.maker.or(more.maker);
        self.unique = self.unique.or(more.unique);
    }
}

/// A kind as its place in [`Kind::ALL`](nsshim::spec::Kind::ALL).
pub(super) mod kind {
    use nsshim::spec::Kind;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(*kind as u8)
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Kind, D::Error> {
        let number = usize::from(u8::deserialize(from)?);
        Kind::ALL.get(number).copied().ok_or_else(|| D::Error::custom("no kind"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_who_look_find_what_one_finds() {
        let proc = super::super::open_proc().unwrap();
        let pids = [std::process::id() as i32, nix::unistd::getppid().as_raw()];
        let places = Places { all: true, relations: true };
        let mut whole = Found::default();
        processes::walk(&proc, &pids, places, &mut whole);

        let mut one = Found::default();
        processes::walk(&proc, &pids[..1], places, &mut one);
        let mut other = Found::default();
        processes::walk(&proc, &pids[1..], places, &mut other);
        let text = serde_json::to_vec(&other).unwrap();
        one.merge(serde_json::from_slice(&text).unwrap());
        for found in [&mut whole, &mut one] {
            found.tidy();
            found.processes.sort_unstable_by_key(|process| process.pid);
            // Descriptors and threads come and go meanwhile.
            found.namespaces.values_mut().for_each(|one| one.holders.clear());
        }
        assert_eq!(format!("{whole:?}"), format!("{one:?}"));
    }
}
