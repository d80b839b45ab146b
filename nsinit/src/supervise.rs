//! The loop: one place that waits, for signals and for children alike.

#![forbid(unsafe_code)]

use crate::config::{Config, Group, Personality, Target};
use crate::exit::TIMED_OUT;
use crate::leftover;
use crate::log;
use crate::reap::Outcome;
use crate::report::Report;
use crate::signals::{self, Place, Route};
use crate::status;
use crate::sys::{self, Errno, Rusage, SigInfo, SigSet, signal};
use crate::terminal::{self, Terminal};
use crate::timers::{Due, Timers};
use crate::workload::Workload;

/// How many children are reaped in one go before signals get their turn.
const BATCH: u32 = 256;

/// How often what is left is killed before nsinit ends without it: it hangs in the kernel.
const KILLS: u32 = 20;

/// An init with its workload.
pub struct Supervisor<'a> {
    config: &'a Config,
    workload: Workload,
    terminal: Option<Terminal>,
    place: Place,
    timers: Timers,
    /// What the workload ended with, while nsinit stays for what is left.
    ended: Option<u8>,
    /// Who started us.
    parent: i32,
}

enum Reaped {
    /// There may be more to reap.
    Batch,
    /// There is nothing more now.
    All,
    /// There are no children at all.
    NoChildren,
    /// It is time to exit.
    Exit(u8),
}

impl<'a> Supervisor<'a> {
    /// For a workload that has just started.
    pub fn new(
        config: &'a Config,
        workload: Workload,
        terminal: Option<Terminal>,
        parent: i32,
    ) -> Self {
        let pid = sys::getpid();
        let place = Place {
            pid,
            session_leader: sys::getsid(0) == Ok(pid),
            same_group: workload.same_group,
        };
        let timers = Timers::new(config, sys::now_ms);
        Supervisor { config, workload, terminal, place, timers, ended: None, parent }
    }

    /// Lets go of what was inherited: whoever waits for the end of a pipe, or wants to unmount
    /// what the working directory is on, waits for the workload only.
    pub fn settle(&self) {
        let kept = [
            self.config.report_fd,
            self.config.status_fd,
            self.config.kill_fd,
            self.terminal.filter(|_| self.gives_back()).map(|terminal| terminal.fd),
            self.config.logs().then_some(2),
        ];
        let mut first = 0;
        // From each kept one to the next.
        while let Some(next) = kept.iter().flatten().filter(|fd| **fd >= first).min() {
            close_range(first, next - 1);
            first = next.saturating_add(1);
        }
        close_range(first, i32::MAX);
        let _ = sys::chdir(c"/");
    }

    /// Whether there may be a shell above that does job control with us.
    fn gives_back(&self) -> bool {
        self.place.pid != 1 && !self.place.session_leader
    }

    /// Passes `signo` on as if it had been received.
    pub fn pass_on(&mut self, signo: i32) {
        self.forward(&SigInfo::new(signo, SigInfo::SI_USER, 0));
    }

    /// Waits, forwards and reaps until it is time to exit, and returns the code to exit with.
    ///
    /// Not inlined, for image.ld to find: this is the part that stays in memory.
    #[inline(never)]
    pub fn run(mut self) -> u8 {
        #[cfg(freestanding)]
        sys::forget_the_start();
        // How many others are asked for before the next SIGCHLD. Its number is lower than the
        // real-time signals', which would never be taken while children keep dying; and while
        // signals keep coming, children must be reaped.
        let mut others_first = 0;
        // Whether there may be more to reap than was reaped.
        let mut more = false;
        loop {
            if let Some(code) = self.run_timers() {
                return code;
            }
            let others = others_first > 0;
            let set = if others { SigSet::ALL.without(signal::CHLD) } else { SigSet::ALL };
            let timeout = if others || more { Some(0) } else { self.remaining() };
            let mut reap = false;
            let woken = sys::rt_sigtimedwait(set, timeout);
            if self.config.die_with_parent && sys::getppid() != self.parent {
                return leftover::end_all(self.place.pid, self.config.kill_fd);
            }
            match woken {
                Ok(info) if info.signo == signal::CHLD => {
                    self.take(&info);
                    reap = true;
                    others_first = BATCH;
                }
                Ok(info) => {
                    self.take(&info);
                    others_first = others_first.saturating_sub(1);
                }
                Err(_) if others => others_first = 0,
                Err(error) => {
                    sys::nap_unless(error);
                    reap = error != Errno::EAGAIN;
                }
            }
            if reap || (more && others_first == 0) {
                match self.reap() {
                    Reaped::Batch => more = true,
                    Reaped::All => more = false,
                    Reaped::NoChildren => return self.exit(),
                    Reaped::Exit(code) => return code,
                }
            }
        }
    }

    /// Milliseconds until the next timer.
    fn remaining(&self) -> Option<u64> {
        Some(self.timers.next()?.saturating_sub(sys::now_ms()))
    }

    fn run_timers(&mut self) -> Option<u8> {
        self.timers.next()?;
        let now = sys::now_ms();
        while let Some(due) = self.timers.due(now) {
            match due {
                Due::PassOn(info) => self.forward(&info),
                Due::TimeOut => {
                    log::line(self.config, &|text| {
                        text.str("timeout: the program is told to stop");
                    });
                    self.pass_on(signal::TERM);
                    self.timers.grace(|| now);
                }
                Due::Kill if self.timers.kills > KILLS && self.ended.is_some() => {
                    return Some(self.exit());
                }
                Due::Kill => leftover::signal_all(self.place.pid, signal::KILL),
            }
        }
        None
    }

    fn take(&mut self, info: &SigInfo) {
        if signals::route(info, &self.place) == Route::Drop {
            return;
        }
        if self.timers.hold(info, sys::now_ms) {
            return;
        }
        // A held one that this ends the wait of comes first.
        let _ = self.run_timers();
        self.forward(info);
    }

    fn forward(&mut self, info: &SigInfo) {
        let Some(signo) = self.config.rewrites.map(info.signo) else { return };
        if signals::asks_to_stop(info.signo) {
            self.timers.grace(sys::now_ms);
        }
        let to = self.send(signo, info);
        if self.config.verbosity > 2 {
            log::line(self.config, &|text| {
                signals::push_name(text, info.signo);
                text.str(" passed on as ");
                signals::push_name(text, signo);
                text.str(" to ").number(to.into());
            });
        }
        status::signalled(self.config, signo, to);
    }

    /// Sends the signal and returns to whom, as kill(2) has it. That the workload is another
    /// user's by now, or is gone, is no reason to end.
    fn send(&mut self, signo: i32, info: &SigInfo) -> i32 {
        let pid = self.workload.pid;
        // The workload's number may be another's, once it has been reaped.
        if self.ended.is_some() || self.config.to == Target::All {
            leftover::signal_all(self.place.pid, signo);
            return -1;
        }
        if signo == signal::CONT {
            self.hand_terminal_over();
        }
        // All of a stopped group has to be continued. A workload that was put into our group may
        // have made one of its own since.
        let group = self.config.to == Target::Group || signo == signal::CONT;
        if group && sys::kill(-pid, signo).is_ok() {
            return -pid;
        }
        let queued = signals::route(info, &self.place) == Route::Queue
            && sys::rt_sigqueueinfo(pid, signo, info).is_ok();
        // If the queue is full: better without its payload than not at all.
        if !queued {
            let _ = sys::kill(pid, signo);
        }
        pid
    }

    /// A shell that continues us in the foreground has given the terminal to our group.
    fn hand_terminal_over(&self) {
        if let Some(terminal) = self.terminal.filter(Terminal::is_ours)
            && self.workload.has_terminal
        {
            terminal.give(self.workload.pid);
        }
    }

    fn reap(&mut self) -> Reaped {
        let mut rusage = Rusage::default();
        for _ in 0..BATCH {
            if self.timers.kills > 0 {
                self.tell_killed();
            }
            let wants_rusage = self.config.status_fd.is_some();
            let waited = match sys::wait4(wants_rusage.then_some(&mut rusage)) {
                Ok(Some(waited)) => waited,
                Err(Errno::ECHILD) => return Reaped::NoChildren,
                Ok(None) | Err(_) => return Reaped::All,
            };
            let outcome = Outcome::of(waited.status);
            if waited.pid != self.workload.pid || self.ended.is_some() {
                self.orphan_changed(waited.pid, outcome);
            } else if let Some(code) = self.workload_changed(outcome, &rusage)
                && self.leaves(code)
            {
                return Reaped::Exit(self.exit());
            }
        }
        Reaped::Batch
    }

    fn orphan_changed(&self, pid: i32, outcome: Outcome) {
        let Some(code) = outcome.exit_code() else { return };
        status::reaped(self.config, pid, outcome);
        if self.config.warn_reaped {
            log::line(self.config, &|text| {
                text.str("reaped ").number(pid.into()).str(", exit ").number(code.into());
            });
        }
    }

    /// Names a process that did not end when it was told to, before it is reaped.
    fn tell_killed(&self) {
        let Some(pid) = sys::peek_killed() else { return };
        log::line(self.config, &|text| {
            text.str("had to kill ").number(pid.into());
            leftover::push_command(text, pid);
        });
    }

    /// Returns the exit code if the workload has ended.
    fn workload_changed(&mut self, outcome: Outcome, rusage: &Rusage) -> Option<u8> {
        report(
            self.config,
            match outcome {
                Outcome::Exited(code) => Report::Exited { code },
                Outcome::Signaled { signal, core } => Report::Signaled { signal, core },
                Outcome::Stopped(signal) => Report::Stopped { signal },
                Outcome::Continued => Report::Continued,
            },
        );
        status::changed(self.config, self.workload.pid, outcome, rusage);
        if let Outcome::Stopped(signal) = outcome {
            self.workload_stopped(signal.into());
        }
        let code = outcome.exit_code()?;
        if self.config.verbosity > 1 {
            log::line(self.config, &|text| match outcome {
                Outcome::Signaled { signal, .. } => {
                    text.str("the program was killed by ");
                    signals::push_name(text, signal.into());
                }
                _ => {
                    text.str("the program exited with ").number(code.into());
                }
            });
        }
        Some(code)
    }

    /// ^Z stops the workload's group, but the shell above watches ours.
    fn workload_stopped(&self, signo: i32) {
        let job_control = matches!(signo, signal::TSTP | signal::TTIN | signal::TTOU)
            // What the session's defaults make of those.
            || (signo == signal::STOP && self.config.group == Group::Session);
        let Some(terminal) = self.terminal.filter(|_| job_control && self.gives_back()) else {
            return;
        };
        if self.workload.has_terminal && terminal.is_ours() {
            // It stopped in the background, to read say, and has been put into the foreground
            // while the news was on its way.
            terminal.give(self.workload.pid);
            let _ = sys::kill(-self.workload.pid, signal::CONT);
        } else {
            terminal::suspend();
        }
    }

    /// The workload has ended: whether nsinit does so, too. If not, what is left is told to stop,
    /// or just waited for.
    fn leaves(&mut self, code: u8) -> bool {
        if let Some(terminal) = self.terminal
            && self.workload.has_terminal
            && self.gives_back()
        {
            // For what a script above does next.
            terminal.give(sys::getpgrp());
        }
        if self.config.personality == Personality::DumbInit && !self.workload.same_group {
            let _ = sys::kill(-self.workload.pid, signal::TERM);
        }
        self.ended = Some(code);
        if self.config.wait_all {
            return false;
        }
        if self.config.grace_ms.is_none() && !self.timers.timed_out {
            return true;
        }
        for signo in [signal::TERM, signal::CONT] {
            leftover::signal_all(self.place.pid, signo);
        }
        self.timers.grace(sys::now_ms);
        false
    }

    fn exit(&self) -> u8 {
        match self.ended {
            _ if self.timers.timed_out => TIMED_OUT,
            Some(code) => self.config.exit_codes.map(code),
            // Somebody else has reaped our child.
            None => self.config.personality.failure_code(),
        }
    }
}

/// Writes a record to the program that asked for them; if it went away, it does not need them.
pub fn report(config: &Config, report: Report) {
    if let Some(fd) = config.report_fd {
        let _ = sys::write(fd, &report.encode());
    }
}

fn close_range(first: i32, last: i32) {
    if first <= last && sys::close_range(first, last).is_err() {
        // Before Linux 5.9, or where it is denied: up to the usual limit.
        for fd in first..=last.min(1023) {
            sys::close(fd);
        }
    }
}
