//! Which signals reached the workload without us: those sent to the process group that
//! caller, shim and workload share.
//!
//! Neither nsctl nor nsinit can tell a signal of the whole group from one of its own. The
//! shim can: whoever signals us in particular is nobody, so what nsctl got and we got, too,
//! the group was sent. In doubt a signal is passed on: twice is better than not at all.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::unistd::{Pid, getpgid, getpgrp};

use crate::orphans;
use crate::plan::Plan;
use crate::sys::SignalInfo;

/// How long nsctl may take to tell of a signal that we both got. The kernel merges signals
/// that are pending, so one may never be told of; it must not hide a later one.
const FRESH: Duration = Duration::from_secs(1);

pub(crate) struct Witness {
    heard: Vec<(SignalInfo, Instant)>,
    /// The host's.
    proc: OwnedFd,
    child: Pid,
    has_init: bool,
}

impl Witness {
    pub(super) fn new(proc: OwnedFd, child: Pid, plan: &Plan) -> Self {
        Witness { heard: Vec::new(), proc, child, has_init: plan.exec.init.is_some() }
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.proc.as_fd()
    }

    /// We got this one.
    pub(super) fn note(&mut self, info: SignalInfo) {
        let now = Instant::now();
        self.heard.retain(|(_, when)| now.duration_since(*when) < FRESH);
        // kill(2) alone signals groups.
        if info.code == libc::SI_USER {
            self.heard.push((info, now));
        }
    }

    /// Whether the workload got what nsctl passes to us.
    pub(super) fn knows(&mut self, info: &SignalInfo) -> bool {
        let fresh = |when: &Instant| when.elapsed() < FRESH;
        let found = self.heard.iter().position(|(heard, when)| heard == info && fresh(when));
        let Some(found) = found else { return false };
        self.heard.remove(found);
        self.workload_is_in_group()
    }

    /// A shell, for one, makes a group of its own.
    fn workload_is_in_group(&self) -> bool {
        let workload = match self.has_init {
            false => Some(self.child),
            // Its first child: the others are orphans that came later.
            true => orphans::children_of(self.proc.as_fd(), self.child)
                .and_then(|children| children.first().copied()),
        };
        workload.is_some_and(|workload| getpgid(Some(workload)) == Ok(getpgrp()))
    }
}
