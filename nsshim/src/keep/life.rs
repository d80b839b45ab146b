//! How a container is: it runs, it ended, it comes back.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags};
use nix::unistd::Pid;

use super::journal::Journal;
use super::{Check, HealthCheck, Keeper, Known, Restart, STOP, clock, log, record, removal};
use crate::exit::Exit;

/// How often something more is read after the end: a pipe holds a megabyte at most.
const MOST_LEFT: u32 = 1024;

impl Keeper {
    /// The workload runs; `pid` is its container's first process as the host sees it.
    pub fn started(&mut self, pid: Pid) {
        self.started = Some(clock::Time::now());
        self.backoff.begin();
        self.pid = Some(pid);
        if let Some(health) = &mut self.health {
            health.begin();
        }
        self.record_run();
    }

    /// Writes down that it runs, and how.
    fn record_run(&mut self) {
        let (Some(started), Some(pid), Some(_)) = (self.started, self.pid, &self.lock) else {
            return;
        };
        let health = self.health.as_ref().map(|health| health.condition().word());
        let run = record::Run { pid, started, restarts: self.restarts, lost: self.lost(), health };
        self.record.running(&self.directory, &self.proc, &run);
    }

    /// It is gone: what it said last is kept, and how it ended. Returns how long to wait
    /// before it is started again, if it is to be.
    pub fn ended(&mut self, exit: Exit, known: Known) -> Option<std::time::Duration> {
        self.known = known;
        self.pid = None;
        if let Some(health) = &mut self.health {
            health.end();
        }
        // Not for ever: in a pid namespace that was joined, others may go on writing.
        let _ = (0..MOST_LEFT).find(|_| !self.hear_what_is_left());
        if let Some(log) = &mut self.told.log {
            log.flush(&self.directory);
        }
        if let Some(journal) = &mut self.told.journal {
            journal.flush();
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
        self.told.clients.tell_end(exit);
        self.tell_end(exit);
        // Where a control group is left, it must stay known.
        if let Some(remove) = self.remove.as_ref().filter(|_| !self.known.groups_stay) {
            removal::remove(&self.directory, remove);
        }
    }

    /// As nsctl tells it in the foreground; but who does not read is not waited for. Others share
    /// what is written to, so that it cannot be made not to block.
    fn tell_end(&self, exit: Exit) {
        let Some(to) = &self.status else { return };
        let signal = match exit {
            Exit::Code(_) => "null".to_string(),
            Exit::Signaled { signal, .. } => signal.to_string(),
        };
        let status = exit.status();
        let line = format!("{{\"event\":\"exited\",\"signal\":{signal},\"status\":{status}}}\n");
        let mut room = [PollFd::new(to.as_fd(), PollFlags::POLLOUT)];
        if nix::poll::poll(&mut room, nix::poll::PollTimeout::ZERO) == Ok(1) {
            let _ = nix::unistd::write(to, line.as_bytes());
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

    /// When the container's health is to be checked next.
    pub fn check_due(&self) -> Option<Instant> {
        self.health.as_ref()?.due()
    }

    /// What is to be run now, if it is time.
    pub fn check_now(&mut self) -> Option<HealthCheck> {
        let paused = self.is_paused();
        let health = self.health.as_mut()?;
        if health.due()? > Instant::now() {
            return None;
        }
        if paused {
            health.put_off();
            return None;
        }
        Some(health.wanted().clone())
    }

    /// It was begun, or could not be.
    pub fn check_began(&mut self, check: nix::Result<Check>) {
        let Some(health) = &mut self.health else { return };
        match check {
            Ok(check) => health.began(check),
            Err(_) => health.put_off(),
        }
    }

    /// The process of the check that runs; its status is waited for.
    pub fn check_pid(&self) -> Option<Pid> {
        self.health.as_ref()?.pid()
    }

    /// A child has ended; perhaps the check.
    pub fn look_at_check(&mut self) {
        let Some(health) = &mut self.health else { return };
        let before = health.condition();
        if !health.look() {
            return;
        }
        // First what was found, for whoever is woken by what it means.
        record::health(&self.directory, &health.json());
        if before != health.condition() {
            self.record_run();
        }
    }

    /// nsctl notes it, for this run.
    fn is_paused(&self) -> bool {
        let Some(pid) = self.pid else { return false };
        record::read(&self.directory, "paused").is_some_and(|it| it.starts_with(&format!("{pid} ")))
    }

    /// The host's /proc.
    pub fn proc(&self) -> BorrowedFd<'_> {
        self.proc.as_fd()
    }

    /// Bytes of output that found no room.
    fn lost(&self) -> u64 {
        let journal = self.told.journal.as_ref().map_or(0, Journal::lost);
        journal + self.told.log.as_ref().map_or(0, log::Log::lost)
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

    /// Whether what it was started with stays: the standard streams, whose numbers a health check
    /// needs, too, and the environment. It may be started once more, since the policy can change.
    pub fn needs_start(&self) -> bool {
        self.lock.is_some() && (self.remove.is_none() || self.health.is_some())
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
