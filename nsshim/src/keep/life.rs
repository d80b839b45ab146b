//! How a container is: it runs, it ended, it comes back.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::poll::PollFlags;
use nix::unistd::Pid;

use super::{Keeper, Known, Restart, STOP, clock, log, record, removal};
use crate::exit::Exit;

/// How often something more is read after the end: a pipe holds a megabyte at most.
const MOST_LEFT: u32 = 1024;

impl Keeper {
    /// The workload runs; `pid` is its container's first process as the host sees it.
    pub fn started(&mut self, pid: Pid) {
        let now = clock::Time::now();
        self.started = Some(now);
        self.backoff.begin();
        if self.lock.is_none() {
            return;
        }
        let lost = self.lost();
        self.record.running(&self.directory, &self.proc, pid, now, self.restarts, lost);
    }

    /// It is gone: what it said last is kept, and how it ended. Returns how long to wait
    /// before it is started again, if it is to be.
    pub fn ended(&mut self, exit: Exit, known: Known) -> Option<std::time::Duration> {
        self.known = known;
        // Not for ever: in a pid namespace that was joined, others may go on writing.
        let _ = (0..MOST_LEFT).find(|_| !self.hear_what_is_left());
        if let Some(log) = &mut self.log {
            log.flush(&self.directory);
        }
        self.finished = Some(clock::Time::now());
        let wait = self.backoff.end();
        let again = self.comes_back(exit).then_some(wait);
        match again {
            Some(_) => {
                self.record_end(exit, true);
                self.restarts += 1;
            }
            None => self.stays_ended(exit),
        }
        again
    }

    /// It will not be made again.
    pub fn stays_ended(&mut self, exit: Exit) {
        self.record_end(exit, false);
        self.clients.tell_end(exit);
        // Where a control group is left, it must stay known.
        if let Some(remove) = self.remove.as_ref().filter(|_| !self.known.groups_stay) {
            removal::remove(&self.directory, remove);
        }
    }

    fn record_end(&mut self, exit: Exit, comes_back: bool) {
        if self.lock.is_none() {
            return;
        }
        let finished = self.finished.unwrap_or_else(clock::Time::now);
        let end =
            record::End { exit, known: self.known, started: self.started, finished, comes_back };
        let lost = self.lost();
        self.record.ended(&self.directory, &self.proc, &end, self.restarts, lost);
    }

    /// Bytes of output that found no room.
    fn lost(&self) -> u64 {
        self.log.as_ref().map_or(0, log::Log::lost)
    }

    /// Processes that were killed have written before: it is all in the pipes.
    fn hear_what_is_left(&mut self) -> bool {
        let mut fds = self.interests();
        let found = nix::poll::poll(&mut fds, nix::poll::PollTimeout::ZERO);
        let ready: Vec<(RawFd, PollFlags)> = fds
            .iter()
            .filter_map(|fd| Some((fd.as_fd().as_raw_fd(), fd.revents()?)))
            .filter(|(_, events)| events.intersects(PollFlags::POLLIN | PollFlags::POLLHUP))
            .collect();
        drop(fds);
        let ours = |fd: RawFd| {
            let output = self.output.iter().map(|(_, fd)| fd.as_raw_fd());
            output.chain(self.terminal.iter().map(AsRawFd::as_raw_fd)).any(|own| own == fd)
        };
        let any = matches!(found, Ok(1..)) && ready.iter().any(|(fd, _)| ours(*fd));
        if any {
            self.turn(&ready);
        }
        any
    }

    /// Whether somebody wanted it to end: nsctl leaves a file before it says so.
    pub fn is_stopped(&self) -> bool {
        let flags = nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW;
        nix::sys::stat::fstatat(&self.directory, STOP, flags).is_ok()
    }

    /// Whether the workload's streams may be needed once more: the policy can change.
    pub fn may_come_back(&self) -> bool {
        self.lock.is_some() && self.remove.is_none()
    }

    /// Whether a rest before the next start is to go on.
    pub fn still_comes_back(&self) -> bool {
        self.restart != Restart::No && !self.is_stopped()
    }

    fn comes_back(&self, exit: Exit) -> bool {
        match self.restart {
            _ if self.is_stopped() => false,
            Restart::No => false,
            Restart::Always => true,
            Restart::OnFailure(most) => exit.status() != 0 && (most == 0 || self.restarts < most),
        }
    }
}
