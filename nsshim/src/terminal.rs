//! The user's terminal: its modes before we changed them, and giving them back.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};

/// The modes of a terminal as the user had them.
#[derive(Debug)]
pub struct SavedTerminal {
    tty: OwnedFd,
    modes: Termios,
}

impl SavedTerminal {
    /// Remembers the modes of `tty`.
    pub fn save(tty: OwnedFd) -> nix::Result<Self> {
        let modes = tcgetattr(&tty)?;
        Ok(SavedTerminal { tty, modes })
    }

    /// The terminal.
    pub fn tty(&self) -> BorrowedFd<'_> {
        self.tty.as_fd()
    }

    /// The modes as the user had them.
    pub fn modes(&self) -> &Termios {
        &self.modes
    }

    /// The same terminal and modes, for another process.
    pub fn try_clone(&self) -> std::io::Result<Self> {
        Ok(SavedTerminal { tty: self.tty.try_clone()?, modes: self.modes.clone() })
    }

    /// Passes every key through: the container's own terminal interprets them.
    pub fn set_raw(&self) -> nix::Result<()> {
        tcsetattr(&self.tty, SetArg::TCSANOW, &self.raw())
    }

    fn raw(&self) -> Termios {
        let mut raw = self.modes.clone();
        cfmakeraw(&mut raw);
        raw
    }

    /// Gives the modes back.
    pub fn restore(&self) {
        // A terminal that is gone needs no modes.
        let _ = tcsetattr(&self.tty, SetArg::TCSADRAIN, &self.modes);
    }

    /// Gives the modes back unless somebody else already changed them: after a
    /// kill of nsctl the user's shell may be faster, with modes of its own.
    pub fn restore_if_still_raw(&self) {
        if tcgetattr(&self.tty).is_ok_and(|now| now == self.raw()) {
            self.restore();
        }
    }
}
