//! Stopping with the workload, as the shell above us expects of a job.

use nsshim::sys::{self, SignalInfo};
use nsshim::{Message, Received};

use super::Foreground;
use crate::relay::Relay;

impl Foreground {
    /// Whether the shell above us must see us stopped when the workload is.
    pub(super) fn stops_with_workload(&self, signal: i32) -> bool {
        let job_control = matches!(signal, libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU);
        self.relay.is_some() || job_control
    }

    /// Stops nsctl as the shell expects of a stopped job, if the workload is still
    /// stopped, and until it or the shell goes on.
    pub(super) fn suspend_with_workload(&mut self) {
        // The key would have stopped all of a script that runs us; it reached only the workload.
        let whole_group = self.relay.as_ref().is_some_and(Relay::has_users_terminal);
        if let Some(relay) = &mut self.relay {
            relay.pause();
        }
        // Continued: the SIGCONT that did it is read next, and resumes the rest. Else there is
        // no shell to continue us, so the kernel did not stop us: nor may the workload be.
        if sys::while_stoppable(|| self.ask_for_stop(whole_group)) == Ok((true, false)) {
            self.send(SignalInfo::new(libc::SIGCONT));
        }
        if let Some(relay) = &mut self.relay {
            relay.resume();
        }
    }

    /// Returns whether the shim wanted us to stop.
    fn ask_for_stop(&mut self, whole_group: bool) -> bool {
        let channel = &self.started.channel;
        let asked = nsshim::send(channel, &Message::Stop { whole_group }, None);
        while asked.is_ok() {
            match nsshim::receive(channel, true) {
                Received::Message(Message::Stop { .. }, _) => return true,
                Received::Message(Message::Go, _) => return false,
                Received::End => break,
                other => self.heard.push_back(other),
            }
        }
        false
    }
}
