//! The controlling terminal, if there is one: job control between nsinit's process group and the
//! workload's.

#![forbid(unsafe_code)]

use crate::sys::{self, SigSet, signal};

/// The controlling terminal.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// A descriptor of it.
    pub fd: i32,
    /// Whether its foreground group is ours, and can be named: then it is ours to give.
    pub foreground: bool,
}

impl Terminal {
    /// Among the standard descriptors, or else by its own name: a program whose input is a file
    /// still gets ^C from the terminal that it was started on.
    ///
    /// Without one this costs four failing calls; without a /dev there is none that matters.
    pub fn find() -> Option<Terminal> {
        let standard = (0..3).find(|fd| sys::tcgetpgrp(*fd).is_ok());
        let fd = standard.or_else(|| sys::open(c"/dev/tty").ok())?;
        // 0: a group outside of our pid namespace. Nobody in here could give the terminal back.
        let ours = sys::getpgrp();
        let foreground = ours != 0 && sys::tcgetpgrp(fd) == Ok(ours);
        Some(Terminal { fd, foreground })
    }

    /// Gives the terminal to `group`. All signals are blocked, so SIGTTOU stops nobody.
    pub fn give(&self, group: i32) -> bool {
        sys::tcsetpgrp(self.fd, group).is_ok()
    }

    /// Whether our own group has the terminal (a shell has put us into the foreground).
    pub fn is_ours(&self) -> bool {
        sys::tcgetpgrp(self.fd) == Ok(sys::getpgrp())
    }
}

/// Stops this process as ^Z does, so that a shell above sees that its job is stopped. Returns
/// when the shell has continued it; at once if nobody could (an orphaned group) or for PID 1.
pub fn suspend() {
    let blocked = sys::rt_sigprocmask(SigSet::ALL.without(signal::TSTP));
    let _ = sys::kill(sys::getpid(), signal::TSTP);
    sys::rt_sigprocmask(blocked);
}
