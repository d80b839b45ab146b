//! A container that is given up while it is still being made.
//!
//! Until its workload runs, nobody inside can take a signal, and a step may wait for
//! long: for a helper, for a file system. A signal then does to nsctl what it does to
//! any program.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nsshim::sys::{self, SignalInfo};
use nsshim::{Failure, Message, Received, Started};

use crate::error::Error;

/// How long the shim may take to clean up before it is killed.
const PATIENCE: Duration = Duration::from_secs(3);

/// By what, and where the shim was.
pub struct GivenUp {
    signal: i32,
    /// What it was waiting for, if it could say.
    during: Option<Failure>,
}

impl GivenUp {
    /// Gives the container up if `info` would end any program started as we were, with
    /// `mask` blocked, and if there is no workload yet to say otherwise.
    pub fn by(info: &SignalInfo, mask: u64, started: &Started) -> Option<Self> {
        let blocked = mask & (1 << (info.signal - 1)) != 0;
        let ours = info.signal == libc::SIGPIPE && info.pid == std::process::id() as i32;
        if !ends_by_default(info.signal) || blocked || ours || sys::is_ignored(info.signal) {
            return None;
        }
        started.give_up().then(|| GivenUp { signal: info.signal, during: last_words(started) })
    }

    /// The end that it is for nsctl.
    pub fn error(self) -> Error {
        let name = signal_hook::low_level::signal_name(self.signal)
            .map_or_else(|| format!("signal {}", self.signal), String::from);
        let message = format!("ended by {name} while the container was being made");
        let error = Error::new(message).with_status(128 + self.signal);
        match self.during {
            Some(during) if during.errno == nix::errno::Errno::EINTR => {
                error.because(format!("cannot {} yet: {} has not ended", during.step, during.call))
            }
            Some(during) => error.because(format!("cannot {during}")),
            None => error,
        }
    }
}

/// signal(7)
fn ends_by_default(signal: i32) -> bool {
    !matches!(
        signal,
        libc::SIGCHLD
            | libc::SIGURG
            | libc::SIGWINCH
            | libc::SIGCONT
            | libc::SIGSTOP
            | libc::SIGTSTP
            | libc::SIGTTIN
            | libc::SIGTTOU
    )
}

/// Waits for the end of the shim.
fn last_words(started: &Started) -> Option<Failure> {
    let end = Instant::now() + PATIENCE;
    let mut said = None;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let mut fds = [PollFd::new(started.channel.as_fd(), PollFlags::POLLIN)];
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        if poll(&mut fds, left) != Ok(1) {
            // It waits for what is not worth waiting for.
            started.kill();
            return said;
        }
        match nsshim::receive(&started.channel, false) {
            Received::Message(Message::Failed(failure), _) => said = said.or(Some(failure)),
            Received::Message(..) | Received::Nothing => {}
            Received::End => return said,
        }
    }
}
