//! Watching one container: passes signals in and reports out, ends it with its owner.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpgid, getppid};
use nsinit::report::{Report, Stage};

use super::Child;
use super::witness::Witness;
use crate::channel::{self, Message, Received};
use crate::error::Failure;
use crate::exit::Exit;
use crate::keep::Keeper;
use crate::orphans;
use crate::plan::Plan;
use crate::step::Outside;
use crate::sys::{self, Change, SignalInfo, Whose, waitid};
use crate::terminal::SavedTerminal;

pub(super) struct Monitor<'a> {
    child: Child,
    nsctl: BorrowedFd<'a>,
    caller: Pid,
    signals: OwnedFd,
    saved: Option<SavedTerminal>,
    /// What it keeps, when the container outlives its caller.
    keeper: Option<Keeper>,
    has_init: bool,
    report_start: bool,
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
    /// What was done for the container on the host.
    outside: &'a [Outside],
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
            has_init: plan.exec.init.is_some(),
            report_start: plan.report_start,
            workload_runs: false,
            is_started: false,
            nsctl_is_alive: true,
            child_is_silent: false,
            workload_is_stopped: false,
            stopped_caller: None,
            exit: None,
            failed: false,
            is_again: false,
            outside: &plan.outside,
        };
        monitor.let_go();
        // The command line was read in it, and the plan made; from here on we need little.
        sys::forget_used_stack();
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
        keep.extend(self.child.proc.as_ref().map(AsFd::as_fd));
        keep.extend(self.child.witness.as_ref().map(Witness::descriptor));
        if let Some(keeper) = &self.keeper {
            keep.extend(keeper.descriptors());
            if keeper.may_come_back() {
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
                    }
                }
            }
        }
    }

    /// A pause before the container is made again. False: it is not wanted any more.
    pub(super) fn rest(&mut self, pause: Duration, exit: Exit) -> bool {
        let end = Instant::now() + pause;
        let goes_on = loop {
            let left = end.saturating_duration_since(Instant::now());
            let limit = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, limit);
            let ends = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];
            let mut signals = std::iter::from_fn(|| SignalInfo::read(&self.signals));
            if signals.any(|info| ends.contains(&info.signal)) {
                break false;
            }
            if left.is_zero() {
                break !self.keeper.as_ref().is_some_and(Keeper::is_stopped);
            }
        };
        if let Some(keeper) = self.keeper.as_mut().filter(|_| !goes_on) {
            keeper.stays_ended(exit);
        }
        goes_on
    }

    /// The container was made again.
    pub(super) fn watch(&mut self, child: Child) {
        self.child = child;
        self.workload_runs = false;
        self.is_started = false;
        self.child_is_silent = false;
        self.workload_is_stopped = false;
        self.exit = None;
        self.failed = false;
        self.is_again = true;
    }

    /// The container could not be made again. It has ended for good then.
    pub(super) fn was_not_made_again(&mut self, why: &Failure) {
        if let Some(keeper) = &mut self.keeper {
            keeper.complain(&format!("not started again: {why}"));
            keeper.stays_ended(Exit::Code(125));
        }
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
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Nothing can be heard any more: the container must not outlive its watch.
            Err(_) => send_kill(&self.child),
        }
        let any = |at: usize| fds[at].any().unwrap_or(false);
        let kept = fds[4..]
            .iter()
            .filter_map(|fd| Some((fd.as_fd().as_raw_fd(), fd.revents()?)))
            .filter(|(_, events)| !events.is_empty())
            .collect();
        Ready { child_ended: any(0), signals: any(1), nsctl: any(2), child: any(3), kept }
    }

    fn hear_child(&mut self) {
        match channel::receive(&self.child.channel, false) {
            Received::Message(message, fd) => self.hear(message, fd),
            Received::Nothing => {}
            Received::End => {
                self.child_is_silent = true;
                // Without nsinit the channel closes when the workload is executed.
                if !self.has_init && !self.failed {
                    self.tell_started();
                }
            }
        }
    }

    /// Until the workload runs, the child is our own code. From then on only nsinit may
    /// speak, and only of the workload: who traces it must not make us believe more.
    fn hear(&mut self, message: Message, fd: Option<OwnedFd>) {
        match message {
            Message::Init(report) => self.hear_init(report),
            Message::Failed(_)
            | Message::NotExecuted { .. }
            | Message::Namespaces(_)
            | Message::Terminal
                if !self.workload_runs =>
            {
                self.failed |= matches!(message, Message::Failed(_) | Message::NotExecuted { .. });
                if self.is_again {
                    self.keep_complaint(&message);
                }
                match (&mut self.keeper, message, fd) {
                    (Some(keeper), Message::Terminal, Some(master)) => keeper.take_terminal(master),
                    (_, message, fd) => self.tell(&message, fd.as_ref().map(AsFd::as_fd)),
                }
            }
            _ => {}
        }
    }

    /// Who asked for the first start hears of it; of a later one only the log can tell.
    fn keep_complaint(&mut self, message: &Message) {
        let why = match message {
            Message::Failed(failure) => failure.to_string(),
            Message::NotExecuted { errno, .. } => {
                format!("cannot execute the command: {}", Errno::from_raw(*errno))
            }
            _ => return,
        };
        if let Some(keeper) = self.keeper.as_mut().filter(|_| self.is_again) {
            keeper.complain(&format!("not started again: {why}"));
        }
    }

    fn hear_init(&mut self, report: Report) {
        match report {
            Report::Started { .. } if self.workload_runs => {}
            Report::Started { .. } => {
                self.workload_runs = true;
                self.tell_started();
            }
            Report::Failed { stage: Stage::Exec, errno, code } => {
                self.failed = true;
                let message = Message::NotExecuted { errno, code };
                self.keep_complaint(&message);
                self.tell(&message, None);
            }
            // That it forks, and loads a filter, is all it does before; we ask for nothing else.
            Report::Failed { stage, errno, .. } => {
                self.failed = true;
                let (step, call) = match stage {
                    Stage::Filter => {
                        ("load the system-call filter", "seccomp(SECCOMP_SET_MODE_FILTER)")
                    }
                    _ => ("make the workload's process", "vfork()"),
                };
                self.tell(
                    &Message::Failed(Failure {
                        step: step.into(),
                        call: call.into(),
                        errno: Errno::from_raw(errno),
                    }),
                    None,
                );
            }
            Report::Stopped { signal } => self.tell_stopped(i32::from(signal)),
            Report::Continued => self.workload_continued(),
            Report::Exited { code } => self.exit = Some(Exit::Code(code)),
            Report::Signaled { signal, core } => {
                self.exit = Some(Exit::Signaled { signal: i32::from(signal), core });
            }
        }
    }

    fn hear_nsctl(&mut self) {
        match channel::receive(self.nsctl, false) {
            Received::Message(Message::Signal(info), _) => {
                // Who speaks is not stopped, and a SIGCONT would undo a SIGTSTP that he has
                // not read yet.
                self.stopped_caller = None;
                // What the whole group was sent has come to us by now.
                self.hear_signals();
                let known = self.child.witness.as_mut().is_some_and(|group| group.knows(&info));
                if !known {
                    self.pass(info);
                }
            }
            Received::Message(Message::Stop { whole_group }, _) => self.stop_caller(whole_group),
            Received::Message(..) | Received::Nothing => {}
            Received::End => {
                self.nsctl_is_alive = false;
                if let Some(saved) = &self.saved {
                    saved.restore_if_still_raw();
                }
                // Who is kept lives on; but not before its caller heard that it runs.
                let is_kept = self.keeper.is_some() && (self.is_started || self.is_again);
                if !is_kept {
                    send_kill(&self.child);
                }
            }
        }
    }

    fn pass(&self, info: SignalInfo) {
        // With its queue full (RLIMIT_SIGPENDING): better without its value than not at all.
        // It may have just ended; then there is nobody to tell.
        if sys::pidfd_send_signal(&self.child.pidfd, &info) == Err(Errno::EAGAIN) {
            let _ = sys::pidfd_send_signal(&self.child.pidfd, &SignalInfo::new(info.signal));
        }
    }

    fn hear_signals(&mut self) {
        while let Some(info) = SignalInfo::read(&self.signals) {
            if info.signal == libc::SIGCHLD {
                self.hear_death_or_stop();
            } else if let Some(witness) = &mut self.child.witness {
                witness.note(info);
            } else if info.is_from_process() && !self.is_our_own(&info) {
                self.pass(info);
            }
        }
    }

    /// What the kernel sends for what we did: SIGPIPE when nobody reads what a client said,
    /// SIGXFSZ when the log may not grow. It looks as if we had sent it.
    fn is_our_own(&self, info: &SignalInfo) -> bool {
        self.keeper.is_some() && info.pid == std::process::id() as i32
    }

    /// A child of ours changed: the container's first process stopped (without
    /// nsinit that is the workload), or an orphan that came to us ended.
    fn hear_death_or_stop(&mut self) {
        let init = Whose::PidFd(self.child.pidfd.as_fd());
        let changes = libc::WSTOPPED | libc::WCONTINUED | libc::WNOHANG;
        match waitid(init, changes) {
            Ok(Some((_, Change::Stopped(signal)))) => self.tell_stopped(signal),
            Ok(Some((_, Change::Continued))) => self.workload_continued(),
            _ => {}
        }
        orphans::reap_all_but(Some(self.child.pid));
    }

    fn tell(&self, message: &Message, fd: Option<BorrowedFd<'_>>) {
        if self.nsctl_is_alive {
            // A dead nsctl shows as the end of its channel.
            let _ = channel::send(self.nsctl, message, fd);
        }
    }

    fn tell_started(&mut self) {
        self.is_started = true;
        if let Some(keeper) = &mut self.keeper {
            keeper.started(self.child.pid);
        }
        if self.report_start {
            self.tell(&Message::Started { pid: self.child.pid.as_raw() }, None);
        }
    }

    /// A workload that stops and goes on all the time must not fill the channel of a
    /// caller who is stopped himself and does not read.
    fn tell_stopped(&mut self, signal: i32) {
        self.workload_is_stopped = true;
        if self.nsctl_is_alive {
            let _ = channel::try_send(self.nsctl, &Message::Stopped { signal });
        }
    }

    /// The caller wants to be seen stopped with the workload, and waits for the answer.
    fn stop_caller(&mut self, whole_group: bool) {
        if self.workload_is_stopped {
            let group = getpgid(Some(self.caller)).ok().filter(|_| whole_group);
            let target = group.map_or(self.caller, |group| Pid::from_raw(-group.as_raw()));
            self.stopped_caller = Some(target);
            self.signal_caller(target, Signal::SIGTSTP);
            self.tell(&Message::Stop { whole_group }, None);
        } else {
            self.tell(&Message::Go, None);
        }
    }

    fn workload_continued(&mut self) {
        self.workload_is_stopped = false;
        if let Some(target) = self.stopped_caller.take() {
            self.signal_caller(target, Signal::SIGCONT);
        }
    }

    fn signal_caller(&self, target: Pid, signal: Signal) {
        // It is our parent as long as it lives.
        if getppid() == self.caller {
            let _ = nix::sys::signal::kill(target, signal);
        }
    }

    fn finish(&mut self) -> (Exit, Option<Duration>) {
        while !self.child_is_silent {
            match channel::receive(&self.child.channel, false) {
                Received::Message(message, fd) => self.hear(message, fd),
                Received::Nothing | Received::End => break,
            }
        }
        let ended = wait_for_end(&self.child);
        if let Some(proc) = &self.child.proc {
            orphans::kill_all(proc.as_fd(), Vec::new());
        }
        if self.failed && !self.workload_runs {
            self.outside.iter().rev().for_each(Outside::undo);
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
        (exit, again.and_then(|keeper| keeper.ended(exit)))
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

fn wait_for_end(child: &Child) -> Exit {
    match waitid(Whose::PidFd(child.pidfd.as_fd()), libc::WEXITED) {
        Ok(Some((_, Change::Exited(exit)))) => exit,
        // Somebody else took the status; the container is gone all the same.
        _ => Exit::Code(125),
    }
}

struct Ready {
    child_ended: bool,
    signals: bool,
    nsctl: bool,
    child: bool,
    /// What the keeper waited for.
    kept: Vec<(RawFd, PollFlags)>,
}
