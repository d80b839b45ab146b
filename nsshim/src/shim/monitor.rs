//! Watching one container: passes signals in and reports out, ends it with its owner.

mod again;
mod groups;
mod hearing;
mod stopping;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, getppid};

use super::Child;
use super::checker;
use super::witness::Witness;
use crate::affinity::Lingering;
use crate::cgroup::Group;
use crate::channel::{self, Message, Received};
use crate::exit::Exit;
use crate::keep::{Keeper, Known};
use crate::orphans;
use crate::plan::Plan;
use crate::step::Outside;
use crate::sys::{self, SignalInfo, Whose, waitid};
use crate::terminal::SavedTerminal;
use crate::usage::Usage;

pub(super) struct Monitor<'a> {
    child: Child,
    nsctl: BorrowedFd<'a>,
    caller: Pid,
    signals: OwnedFd,
    saved: Option<SavedTerminal>,
    /// What it keeps, when the container outlives its caller.
    keeper: Option<Keeper>,
    /// Held open: others are kept out for as long as we live.
    locks: Vec<OwnedFd>,
    /// On the processor where nsctl waits for us.
    lingering: Lingering,
    /// Whether nsinit reports to us.
    has_init: bool,
    report_start: bool,
    timeout: Option<Duration>,
    /// When the container is killed.
    deadline: Option<Instant>,
    workload_runs: bool,
    /// Whether that, or without nsinit its exec, was told.
    is_started: bool,
    nsctl_is_alive: bool,
    child_is_silent: bool,
    workload_is_stopped: bool,
    /// As a target of kill(2): the caller, or its process group.
    stopped_caller: Option<Pid>,
    exit: Option<Exit>,
    failed: bool,
    /// Whether it was made before, and nobody waits to hear that it was not made this time.
    is_again: bool,
    /// What was done for the container.
    plan: &'a Plan,
    /// Its control groups, if it has some of its own.
    groups: &'a [Rc<Group>],
    /// Held open, for who wants to know whether we live.
    held: Option<BorrowedFd<'a>>,
}

/// Ends the container's first process, and with it its pid namespace.
pub(super) fn kill(child: &Child) {
    send_kill(child);
    let _ = waitid(Whose::PidFd(child.pidfd.as_fd()), libc::WEXITED);
}

impl<'a> Monitor<'a> {
    pub(super) fn new(
        child: Child,
        nsctl: BorrowedFd<'a>,
        plan: &'a Plan,
        saved: Option<SavedTerminal>,
        keeper: Option<Keeper>,
        locks: Vec<OwnedFd>,
        lingering: Lingering,
    ) -> nix::Result<Self> {
        let signals = sys::signalfd_all()?;
        // From here on we see nsctl die by its channel, and clean up.
        super::die_with_caller(false);
        let monitor = Monitor {
            child,
            nsctl,
            caller: getppid(),
            signals,
            saved,
            keeper,
            locks,
            lingering,
            has_init: plan.exec.has_workload(),
            report_start: plan.report_start,
            timeout: plan.timeout,
            deadline: None,
            workload_runs: false,
            is_started: false,
            nsctl_is_alive: true,
            child_is_silent: false,
            workload_is_stopped: false,
            stopped_caller: None,
            exit: None,
            failed: false,
            is_again: false,
            plan,
            groups: plan.own_groups(),
            held: plan.cgroup.as_ref().and_then(|cgroup| cgroup.held.as_ref()).map(AsFd::as_fd),
        };
        monitor.let_go();
        // The command line was read in it, and the plan made; from here on we need little.
        sys::forget_used_stack(4);
        Ok(monitor)
    }

    /// Closes what the caller gave us: the readers of its pipes must see the end
    /// when the workload closes them, not when we do.
    fn let_go(&self) {
        let mut keep = vec![
            self.child.pidfd.as_fd(),
            self.child.channel.as_fd(),
            self.nsctl,
            self.signals.as_fd(),
        ];
        keep.extend(self.locks.iter().map(AsFd::as_fd));
        keep.extend(self.groups.iter().map(|group| group.descriptor()));
        keep.extend(self.held);
        keep.extend(self.child.proc.as_ref().map(AsFd::as_fd));
        keep.extend(self.child.witness.as_ref().map(Witness::descriptor));
        if let Some(keeper) = &self.keeper {
            keep.extend(keeper.descriptors());
            if keeper.needs_start() {
                keep.extend([sys::standard_input(), sys::standard_output(), sys::standard_error()]);
            }
        }
        if let Some(saved) = &self.saved {
            keep.push(saved.tty());
        }
        // Of a container that is kept, it is the workload's standard error.
        let for_log = self.keeper.is_none() && log::log_enabled!(log::Level::Debug);
        sys::close_all_but(&keep, for_log);
    }

    /// Watches until the container is gone. Returns how it ended, and when it is to be made
    /// again.
    pub(super) fn run(&mut self) -> (Exit, Option<Duration>) {
        loop {
            match self.wait() {
                Ready { child_ended: true, .. } => return self.finish(),
                ready => {
                    self.lingering.turn();
                    if ready.child {
                        self.hear_child();
                    }
                    if ready.nsctl {
                        self.hear_nsctl();
                    }
                    if ready.signals {
                        self.hear_signals();
                    }
                    if let Some(keeper) = &mut self.keeper {
                        keeper.turn(&ready.kept);
                        if keeper.is_deserted() {
                            self.pass(SignalInfo::new(libc::SIGTERM));
                        }
                    }
                    self.check_health();
                }
            }
        }
    }

    fn check_health(&mut self) {
        let Some(keeper) = &mut self.keeper else { return };
        let Some(wanted) = keeper.check_now() else { return };
        let check = checker::start(self.plan, &self.child, keeper.proc(), &wanted);
        keeper.check_began(check);
    }

    fn wait(&self) -> Ready {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let silent = |fd| PollFd::new(fd, PollFlags::empty());
        let mut fds = vec![
            readable(self.child.pidfd.as_fd()),
            readable(self.signals.as_fd()),
            if self.nsctl_is_alive { readable(self.nsctl) } else { silent(self.signals.as_fd()) },
            if self.child_is_silent {
                silent(self.signals.as_fd())
            } else {
                readable(self.child.channel.as_fd())
            },
        ];
        fds.extend(self.keeper.iter().flat_map(Keeper::interests));
        let until = |end: Instant| end.saturating_duration_since(Instant::now());
        let left = self.deadline.map(until);
        if left == Some(Duration::ZERO) {
            self.kill();
        }
        // Rounded up: not a moment too early, and not again and again before it.
        let limit = left.filter(|left| !left.is_zero());
        let check = self.keeper.as_ref().and_then(Keeper::check_due).map(until);
        let limit = limit.into_iter().chain(check).chain(self.lingering.left()).min();
        let limit = limit.map(|left| left + Duration::from_millis(1));
        let limit = limit.map_or(PollTimeout::NONE, |left| {
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut fds, limit) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Nothing can be heard any more: the container must not outlive its watch.
            Err(_) => self.kill(),
        }
        let any = |at: usize| fds[at].any().unwrap_or(false);
        let kept = ready(&fds[4..]);
        Ready { child_ended: any(0), signals: any(1), nsctl: any(2), child: any(3), kept }
    }

    fn tell(&self, message: &Message, fd: Option<BorrowedFd<'_>>) {
        if self.nsctl_is_alive {
            // A dead nsctl shows as the end of its channel.
            let _ = channel::send(self.nsctl, message, fd);
        }
    }

    fn tell_started(&mut self) {
        self.is_started = true;
        self.deadline = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        if let Some(keeper) = &mut self.keeper {
            keeper.started(self.child.pid);
        }
        if self.report_start {
            self.tell(&Message::Started { pid: self.child.pid.as_raw() }, None);
        }
        if let Some(keeper) = &mut self.keeper {
            keeper.settle();
        }
    }

    fn finish(&mut self) -> (Exit, Option<Duration>) {
        while !self.child_is_silent {
            match channel::receive(&self.child.channel, false) {
                Received::Message(message, fd) => self.hear(message, fd),
                Received::Nothing | Received::End => break,
            }
        }
        let (ended, usage) = wait_for_end(&self.child);
        let (oom_killed, groups_stay) = self.end_groups();
        if let Some(proc) = &self.child.proc {
            orphans::kill_all(proc.as_fd(), Vec::new());
        }
        if self.failed && !self.workload_runs {
            self.plan.outside.iter().rev().for_each(Outside::undo);
        }
        // What nsinit says is exact: 143 may be a code or a signal.
        let exit = self.exit.unwrap_or(ended);
        self.workload_continued();
        // A code needs no message: our own says it, and nsctl wakes once, not twice.
        if self.saved.is_some() || matches!(exit, Exit::Signaled { .. }) {
            self.tell(&Message::Exited(exit), None);
        }
        self.outlive_caller();
        let again = self.keeper.as_mut().filter(|_| self.is_started || self.is_again);
        (
            exit,
            again.and_then(|keeper| keeper.ended(exit, Known { usage, oom_killed, groups_stay })),
        )
    }

    /// The caller may be killed before it has shown the last output and restored the
    /// user's terminal; it may be dead already, and the container ended for that.
    fn outlive_caller(&self) {
        let Some(saved) = &self.saved else { return };
        while let Received::Message(..) | Received::Nothing = channel::receive(self.nsctl, true) {}
        saved.restore_if_still_raw();
    }
}

fn send_kill(child: &Child) {
    let _ = sys::pidfd_send_signal(&child.pidfd, &SignalInfo::new(libc::SIGKILL));
}

fn wait_for_end(child: &Child) -> (Exit, Option<Usage>) {
    match sys::wait_for_end(&child.pidfd) {
        Ok((exit, usage)) => (exit, Some(usage)),
        // Somebody else took the status; the container is gone all the same.
        Err(_) => (Exit::Code(125), None),
    }
}

/// Those that something is to be had from.
fn ready(fds: &[PollFd<'_>]) -> Vec<(RawFd, PollFlags)> {
    fds.iter()
        .filter_map(|fd| Some((fd.as_fd().as_raw_fd(), fd.revents()?)))
        .filter(|(_, events)| !events.is_empty())
        .collect()
}

struct Ready {
    child_ended: bool,
    signals: bool,
    nsctl: bool,
    child: bool,
    /// What the keeper waited for.
    kept: Vec<(RawFd, PollFlags)>,
}
