//! Whether a container does what it is there for, as a command in it says again and again.
//!
//! No timer runs for a container without one.

use std::collections::VecDeque;
use std::fmt::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};
use nix::unistd::{Pid, read};

use super::clock::Time;
use super::{HealthCheck, json};
use crate::sys::{self, Change, SignalInfo, Whose, waitid};

/// How much is kept of what a check says; docker keeps as much.
const SAYS_AT_MOST: usize = 4096;

/// How many checks are remembered.
const REMEMBERED: usize = 5;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Starting,
    Healthy,
    Unhealthy,
}

impl Condition {
    pub fn word(self) -> &'static str {
        match self {
            Condition::Starting => "starting",
            Condition::Healthy => "healthy",
            Condition::Unhealthy => "unhealthy",
        }
    }
}

/// A check that runs: its process, which ends by itself, and what it says.
pub(crate) struct Check {
    pid: Pid,
    process: OwnedFd,
    output: Option<OwnedFd>,
    said: Vec<u8>,
    began: Time,
}

impl Check {
    /// `output` must not block.
    pub fn new(pid: Pid, process: OwnedFd, output: OwnedFd) -> Self {
        Check { pid, process, output: Some(output), said: Vec::new(), began: Time::now() }
    }

    /// Reads what there is; what is too much is read as well, so that it waits for nobody.
    fn hear(&mut self) {
        let mut buffer = [0; 16 * 1024];
        while let Some(output) = &self.output {
            match read(output, &mut buffer) {
                Ok(length) if length > 0 => {
                    let room = SAYS_AT_MOST - self.said.len();
                    self.said.extend(&buffer[..length.min(room)]);
                    if length < buffer.len() {
                        return;
                    }
                }
                Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => return,
                _ => self.output = None,
            }
        }
    }
}

struct Result {
    began: Time,
    ended: Time,
    status: i32,
    said: Vec<u8>,
}

pub(super) struct Health {
    wanted: HealthCheck,
    condition: Condition,
    failures: u32,
    started: Instant,
    /// When the next check is to begin, while none runs.
    due: Option<Instant>,
    running: Option<Check>,
    last: VecDeque<Result>,
}

impl Health {
    pub fn new(wanted: HealthCheck) -> Self {
        Health {
            wanted,
            condition: Condition::Starting,
            failures: 0,
            started: Instant::now(),
            due: None,
            running: None,
            last: VecDeque::new(),
        }
    }

    pub fn condition(&self) -> Condition {
        self.condition
    }

    pub fn wanted(&self) -> &HealthCheck {
        &self.wanted
    }

    /// The container runs, again perhaps.
    pub fn begin(&mut self) {
        self.condition = Condition::Starting;
        self.failures = 0;
        self.started = Instant::now();
        self.due = self.started.checked_add(self.wanted.interval);
    }

    /// The container has ended, and what runs in it.
    pub fn end(&mut self) {
        self.due = None;
        if let Some(check) = self.running.take() {
            let _ = sys::pidfd_send_signal(&check.process, &SignalInfo::new(libc::SIGKILL));
            let _ = waitid(Whose::PidFd(check.process.as_fd()), libc::WEXITED);
        }
    }

    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// It was not begun now, as for a container that is paused.
    pub fn put_off(&mut self) {
        self.due = Instant::now().checked_add(self.wanted.interval);
    }

    pub fn began(&mut self, check: Check) {
        self.due = None;
        self.running = Some(check);
    }

    /// The process of the one that runs.
    pub fn pid(&self) -> Option<Pid> {
        self.running.as_ref().map(|check| check.pid)
    }

    pub fn interest(&self) -> Option<PollFd<'_>> {
        let output = self.running.as_ref()?.output.as_ref()?;
        Some(PollFd::new(output.as_fd(), PollFlags::POLLIN))
    }

    pub fn turn(&mut self, ready: &[(RawFd, PollFlags)]) {
        let Some(check) = &mut self.running else { return };
        let output = check.output.as_ref().map(AsRawFd::as_raw_fd);
        if ready.iter().any(|(fd, _)| Some(*fd) == output) {
            check.hear();
        }
    }

    /// A child has ended. Returns whether it was the check.
    pub fn look(&mut self) -> bool {
        let Some(check) = &mut self.running else { return false };
        let looked = waitid(Whose::PidFd(check.process.as_fd()), libc::WEXITED | libc::WNOHANG);
        let status = match looked {
            Ok(None) => return false,
            Ok(Some((_, Change::Exited(exit)))) => i32::from(exit.status()),
            Ok(Some(_)) => return false,
            // Somebody else took the status.
            Err(_) => 125,
        };
        check.hear();
        let Some(check) = self.running.take() else { return false };
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        let Check { began, said, .. } = check;
        self.last.push_back(Result { began, ended: Time::now(), status, said });
        self.judge(status == 0, self.started.elapsed());
        self.put_off();
        true
    }

    fn judge(&mut self, success: bool, runs_for: Duration) {
        if success {
            self.failures = 0;
            self.condition = Condition::Healthy;
            return;
        }
        // One that is still starting may fail.
        if self.condition == Condition::Starting && runs_for < self.wanted.start_period {
            return;
        }
        self.failures += 1;
        if self.failures >= self.wanted.retries {
            self.condition = Condition::Unhealthy;
        }
    }

    /// For those who ask.
    pub fn json(&self) -> String {
        let mut text = format!("{{\"failures\":{},\"checks\":[", self.failures);
        for (at, one) in self.last.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let (began, ended) = (one.began.text(), one.ended.text());
            let status = one.status;
            let timed_out = status == HealthCheck::TIMED_OUT;
            let _ = write!(
                text,
                "{comma}{{\"began\":\"{began}\",\"ended\":\"{ended}\",\"exit_status\":{status},\
                 \"timed_out\":{timed_out},\"output\":\""
            );
            json::push(&mut text, &one.said);
            text.push_str("\"}");
        }
        text.push_str("]}\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Health {
        Health::new(HealthCheck {
            command: Vec::new(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            retries: 2,
            start_period: Duration::from_secs(10),
        })
    }

    #[test]
    fn so_many_failures_in_a_row_make_it_unhealthy_and_one_success_heals() {
        let mut health = health();
        let late = Duration::from_secs(20);
        for (success, expected) in [
            (false, Condition::Starting),
            (false, Condition::Unhealthy),
            (true, Condition::Healthy),
            (false, Condition::Healthy),
            (true, Condition::Healthy),
            (false, Condition::Healthy),
            (false, Condition::Unhealthy),
        ] {
            health.judge(success, late);
            assert_eq!(health.condition, expected);
        }
    }

    #[test]
    fn while_it_starts_failures_do_not_count_until_it_was_healthy_once() {
        let mut health = health();
        let early = Duration::from_secs(1);
        (0..9).for_each(|_| health.judge(false, early));
        assert_eq!(health.condition, Condition::Starting);
        health.judge(true, early);
        health.judge(false, early);
        health.judge(false, early);
        assert_eq!(health.condition, Condition::Unhealthy);
    }
}
