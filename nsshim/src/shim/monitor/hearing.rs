//! What the shim hears: the child and nsinit, nsctl, and signals.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::unistd::Pid;
use nsinit::report::{Report, Stage};

use super::Monitor;
use crate::channel::{self, Message, Received};
use crate::error::Failure;
use crate::exit::Exit;
use crate::keep::Keeper;
use crate::orphans;
use crate::sys::{self, Change, SignalInfo, Whose, waitid};

impl Monitor<'_> {
    pub(super) fn hear_child(&mut self) {
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
    pub(super) fn hear(&mut self, message: Message, fd: Option<OwnedFd>) {
        match message {
            Message::Init(report) => self.hear_init(report),
            Message::Failed(_)
            | Message::NotExecuted { .. }
            | Message::Namespaces(_)
            | Message::Terminal
                if !self.workload_runs =>
            {
                self.failed |= matches!(message, Message::Failed(_) | Message::NotExecuted { .. });
                self.keep_complaint(&message);
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
                self.hear_failure(&Message::NotExecuted { errno, code });
            }
            // That it forks, and loads a filter, is all it does before; we ask for nothing else.
            Report::Failed { stage, errno, .. } => {
                let (step, call) = match stage {
                    Stage::Filter => {
                        ("load the system-call filter", "seccomp(SECCOMP_SET_MODE_FILTER)")
                    }
                    _ => ("make the workload's process", "vfork()"),
                };
                self.hear_failure(&Message::Failed(Failure {
                    step: step.into(),
                    call: call.into(),
                    errno: Errno::from_raw(errno),
                }));
            }
            Report::Stopped { signal } => self.tell_stopped(i32::from(signal)),
            Report::Continued => self.workload_continued(),
            Report::Exited { code } => self.exit = Some(Exit::Code(code)),
            Report::Signaled { signal, core } => {
                self.exit = Some(Exit::Signaled { signal: i32::from(signal), core });
            }
        }
    }

    fn hear_failure(&mut self, message: &Message) {
        self.failed = true;
        self.keep_complaint(message);
        self.tell(message, None);
    }

    pub(super) fn hear_nsctl(&mut self) {
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
                    // Of what has not begun nothing is to stay.
                    self.failed |= !self.is_started;
                    self.kill();
                }
            }
        }
    }

    pub(super) fn pass(&self, info: SignalInfo) {
        // With its queue full (RLIMIT_SIGPENDING): better without its value than not at all.
        // It may have just ended; then there is nobody to tell.
        if sys::pidfd_send_signal(&self.child.pidfd, &info) == Err(Errno::EAGAIN) {
            let _ = sys::pidfd_send_signal(&self.child.pidfd, &SignalInfo::new(info.signal));
        }
    }

    pub(super) fn hear_signals(&mut self) {
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
        if let Some(keeper) = &mut self.keeper {
            keeper.look_at_check();
        }
        // The check may end only now; then the next SIGCHLD tells of it.
        let check = self.keeper.as_ref().and_then(Keeper::check_pid);
        let owned: Vec<Pid> = check.into_iter().chain([self.child.pid]).collect();
        orphans::reap_all_but(&owned);
    }
}
