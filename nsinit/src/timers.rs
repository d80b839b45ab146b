//! The times that matter: a stop signal held back, the time of grace, the workload's timeout.
//! Without any of them nsinit sleeps for good.

#![forbid(unsafe_code)]

use crate::config::Config;
use crate::signals;
use crate::sys::SigInfo;

/// The time of grace after `--timeout`, if none was given: as docker's between TERM and KILL.
const DEFAULT_GRACE_MS: u64 = 10_000;

/// What was killed may have left children that only then became ours: they are killed again, so
/// often per second.
const AGAIN_MS: u64 = 100;

/// What the time has come for.
#[derive(Clone, Copy, Debug)]
pub enum Due {
    /// A signal was held back for long enough.
    PassOn(SigInfo),
    /// The workload has run for long enough.
    TimeOut,
    /// The time of grace is over.
    Kill,
}

/// All of them. Times are those of the monotonic clock, in milliseconds.
#[derive(Debug)]
pub struct Timers {
    delay_ms: Option<u64>,
    grace_ms: Option<u64>,
    held: Option<(u64, SigInfo)>,
    timeout_at: Option<u64>,
    kill_at: Option<u64>,
    /// How often there was killing already.
    pub kills: u32,
    /// Whether `--timeout` is why the workload ended.
    pub timed_out: bool,
}

impl Timers {
    /// For a workload that has just started.
    pub fn new(config: &Config, clock: impl FnOnce() -> u64) -> Timers {
        Timers {
            delay_ms: config.delay_ms,
            grace_ms: config.grace_ms,
            held: None,
            timeout_at: config.timeout_ms.map(|timeout| clock().saturating_add(timeout)),
            kill_at: None,
            kills: 0,
            timed_out: false,
        }
    }

    /// Whether the clock needs to be read at all.
    pub fn next(&self) -> Option<u64> {
        let held = self.held.as_ref().map(|(at, _)| *at);
        earlier(earlier(held, self.timeout_at), self.kill_at)
    }

    /// Holds `info` back if it is a signal to stop, and returns whether it does. Only the first
    /// one is: a second ends the wait, and what was held comes due at once.
    pub fn hold(&mut self, info: &SigInfo, clock: impl FnOnce() -> u64) -> bool {
        if !signals::asks_to_stop(info.signo) {
            return false;
        }
        if let Some((at, _)) = &mut self.held {
            *at = 0;
        }
        let Some(delay) = self.delay_ms.take() else { return false };
        self.held = Some((clock().saturating_add(delay), *info));
        true
    }

    /// Something was told to stop: the time of grace begins, if it has not before.
    pub fn grace(&mut self, clock: impl FnOnce() -> u64) {
        if let Some(grace) = self.grace_ms
            && self.kill_at.is_none()
        {
            self.kill_at = Some(clock().saturating_add(grace));
        }
    }

    /// What is due at `now`, one after the other.
    pub fn due(&mut self, now: u64) -> Option<Due> {
        if let Some((_, info)) = self.held.take_if(|(at, _)| *at <= now) {
            return Some(Due::PassOn(info));
        }
        if self.timeout_at.take_if(|at| *at <= now).is_some() {
            self.timed_out = true;
            self.grace_ms.get_or_insert(DEFAULT_GRACE_MS);
            return Some(Due::TimeOut);
        }
        if self.kill_at.is_some_and(|at| at <= now) {
            self.kill_at = Some(now.saturating_add(AGAIN_MS));
            self.kills = self.kills.saturating_add(1);
            return Some(Due::Kill);
        }
        None
    }
}

fn earlier(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Personality;
    use crate::sys::signal;

    fn timers(delay_ms: Option<u64>, grace_ms: Option<u64>, timeout_ms: Option<u64>) -> Timers {
        let mut config = Config::new(Personality::Nsinit);
        (config.delay_ms, config.grace_ms, config.timeout_ms) = (delay_ms, grace_ms, timeout_ms);
        Timers::new(&config, || 1000)
    }

    fn info(signo: i32) -> SigInfo {
        SigInfo::new(signo, SigInfo::SI_USER, 7)
    }

    #[test]
    fn without_any_the_clock_is_never_read() {
        let mut timers = timers(None, None, None);
        let never = || unreachable!("nobody asked for a timer");
        assert!(!timers.hold(&info(signal::TERM), never));
        timers.grace(never);
        assert_eq!(timers.next(), None);
        assert!(timers.due(u64::MAX).is_none());
    }

    #[test]
    fn a_stop_signal_is_held_back_once() {
        let mut timers = timers(Some(500), None, None);
        assert!(!timers.hold(&info(signal::HUP), || 1000), "no stop signal");
        assert!(timers.hold(&info(signal::TERM), || 2000));
        assert_eq!(timers.next(), Some(2500));
        assert!(timers.due(2499).is_none());
        assert!(matches!(timers.due(2500), Some(Due::PassOn(info)) if info.signo == signal::TERM));
        assert!(timers.due(9999).is_none());
        assert!(!timers.hold(&info(signal::TERM), || 3000), "the second is passed on");
    }

    #[test]
    fn a_second_stop_signal_ends_the_wait() {
        let mut timers = timers(Some(500), None, None);
        assert!(timers.hold(&info(signal::TERM), || 2000));
        assert!(!timers.hold(&info(signal::INT), || 2100));
        assert!(matches!(timers.due(2100), Some(Due::PassOn(info)) if info.signo == signal::TERM));
    }

    #[test]
    fn the_time_of_grace_begins_with_the_first_stop() {
        let mut timers = timers(None, Some(300), None);
        timers.grace(|| 2000);
        timers.grace(|| 2200);
        assert_eq!(timers.next(), Some(2300));
        assert!(matches!(timers.due(2300), Some(Due::Kill)));
        assert_eq!(timers.next(), Some(2300 + AGAIN_MS), "until nothing is left");
        assert_eq!(timers.kills, 1);
    }

    #[test]
    fn a_timeout_has_a_time_of_grace_even_if_none_was_asked_for() {
        let mut timers = timers(None, None, Some(50));
        assert_eq!(timers.next(), Some(1050));
        assert!(matches!(timers.due(1050), Some(Due::TimeOut)));
        assert!(timers.timed_out);
        timers.grace(|| 1050);
        assert_eq!(timers.next(), Some(1050 + DEFAULT_GRACE_MS));
    }
}
