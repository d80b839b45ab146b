//! Signals that nsctl is sent: to the workload, or what they mean for the terminal.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nsshim::Message;
use nsshim::spec::Session;
use nsshim::sys::SignalInfo;

use super::Foreground;
use super::given_up::GivenUp;

impl Foreground {
    pub(super) fn hear_signals(&mut self) -> Option<GivenUp> {
        while self.unsent.is_empty()
            && let Some(info) = SignalInfo::read(&self.signals)
        {
            let given_up = GivenUp::by(&info, self.signal_mask, &self.started);
            if given_up.is_some() {
                return given_up;
            }
            self.pass(info);
        }
        None
    }

    fn pass(&mut self, mut info: SignalInfo) {
        // The terminal's own signals reached the workload too when it is in our group.
        let meant_for_it = info.is_from_process() || self.session == Session::Own;
        match info.signal {
            libc::SIGCHLD if !info.is_from_process() => {}
            // Our own write to a closed pipe.
            libc::SIGPIPE if info.pid == std::process::id() as i32 => {}
            libc::SIGWINCH if self.relay.is_some() => {
                if let Some(relay) = &self.relay {
                    relay.resize();
                }
                // Of a new size the kernel tells.
                if info.is_from_process() {
                    self.send(info);
                }
            }
            // We stop when the workload does, and hear of that: it may have a screen to tidy
            // up first, or other plans than to stop.
            libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => match &self.relay {
                Some(relay) => relay.stop_foreground(),
                None if meant_for_it => self.send(info),
                None => {}
            },
            libc::SIGCONT => {
                if let Some(relay) = &mut self.relay {
                    relay.resume();
                }
                // From the shim it means that the workload goes on already, so we must, too.
                if info.pid != self.started.shim.as_raw() {
                    self.send(info);
                }
            }
            _ if meant_for_it => {
                if info.signal == libc::SIGTERM {
                    info.signal = self.stop_signal;
                }
                self.send(info);
            }
            _ => {}
        }
    }

    pub(super) fn send(&mut self, info: SignalInfo) {
        self.unsent.push_back(info);
        self.send_unsent();
    }

    pub(super) fn send_unsent(&mut self) {
        while let Some(&info) = self.unsent.front() {
            let sent = nsshim::try_send(&self.started.channel, &Message::Signal(info));
            if sent == Err(Errno::EAGAIN) {
                return;
            }
            // A dead shim shows as the end of its channel.
            self.unsent.pop_front();
        }
    }
}

/// Whether a signal came that would end any program.
pub(super) fn end_is_asked_for(signals: BorrowedFd<'_>) -> bool {
    let ends = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];
    std::iter::from_fn(|| SignalInfo::read(signals)).any(|info| ends.contains(&info.signal))
}
