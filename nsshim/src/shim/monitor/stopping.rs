//! A workload that stops, and a caller who must be seen stopped with it.

use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpgid, getppid};

use super::Monitor;
use crate::channel::{self, Message};

impl Monitor<'_> {
    /// A workload that stops and goes on all the time must not fill the channel of a
    /// caller who is stopped himself and does not read.
    pub(super) fn tell_stopped(&mut self, signal: i32) {
        self.workload_is_stopped = true;
        if self.nsctl_is_alive {
            let _ = channel::try_send(self.nsctl, &Message::Stopped { signal });
        }
    }

    /// The caller wants to be seen stopped with the workload, and waits for the answer.
    pub(super) fn stop_caller(&mut self, whole_group: bool) {
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

    pub(super) fn workload_continued(&mut self) {
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
}
