//! What several found, as if one had found it.

use std::os::fd::AsRawFd;

use super::{Found, Holder, Namespace, One};

impl Found {
    /// Takes in what somebody else found, of other processes.
    pub(super) fn merge(mut self, other: Found) -> Found {
        let mut theirs = other.namespaces;
        for (id, namespace) in &mut self.namespaces {
            if let Some(more) = theirs.remove(id) {
                namespace.merge(more);
            }
        }
        // Both in order, so that none is looked for.
        self.namespaces.append(&mut theirs);
        self.processes.extend(other.processes);
        self.unread.others += other.unread.others;
        self.unread.protected += other.unread.protected;
        self
    }

    /// Puts all in order, and forgets what does not explain why a namespace lives: it has processes.
    pub(super) fn tidy(&mut self) {
        self.processes.sort_unstable_by_key(|process| process.pid);
        for namespace in self.namespaces.values_mut().filter(|one| one.processes > 0) {
            let explains = |holder: &Holder| !matches!(holder, Holder::Owned(_) | Holder::Child(_));
            namespace.holders.retain(explains);
        }
    }

    /// Forgets that we have it open only to look at it.
    pub fn forget_ours(&mut self, one: &One) {
        let ours = Holder::Descriptor { pid: std::process::id() as i32, fd: one.fd.as_raw_fd() };
        if let Some(namespace) = self.namespaces.get_mut(&one.id) {
            namespace.holders.retain(|holder| *holder != ours);
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

#[cfg(test)]
mod tests {
    use nsshim::spec::Kind;

    use super::super::Process;
    use super::*;

    #[test]
    fn what_two_found_is_what_one_would_have_found() {
        // Two processes in one network, which belongs to a user namespace that nobody is in.
        let seen_by = |pid: i32| {
            let mut found = Found::default();
            let (namespace, _) = found.entry(Kind::Net, 1);
            namespace.processes = 1;
            namespace.first = Some(pid);
            namespace.owner = (pid == 7).then_some(2);
            namespace.hold(Holder::Descriptor { pid, fd: 3 });
            namespace.hold(Holder::Owned(9));
            found.entry(Kind::User, 2).0.hold(Holder::Owned(1));
            found.processes.push(Process { pid, links: [0; 8] });
            found.unread.others = 1;
            found
        };
        let mut found = seen_by(8).merge(seen_by(7));
        found.tidy();

        let network = &found.namespaces[&1];
        assert_eq!((network.processes, network.first, network.owner), (2, Some(7), Some(2)));
        let descriptors = [8, 7].map(|pid| Holder::Descriptor { pid, fd: 3 });
        assert_eq!(network.holders, descriptors, "it has processes: what it owns explains nothing");
        assert_eq!(found.namespaces[&2].holders, [Holder::Owned(1)]);
        let pids: Vec<i32> = found.processes.iter().map(|process| process.pid).collect();
        assert_eq!((pids, found.unread.others), (vec![7, 8], 2));
    }
}
