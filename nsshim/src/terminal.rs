//! The user's terminal: its modes before we changed them, and giving them back.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::termios::{
    InputFlags, LocalFlags, OutputFlags, SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr,
};

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

    /// Corrects what was saved while another group had the terminal: its shell may
    /// have been editing a line, in modes that it gives to no command.
    pub fn assume_lines(&mut self) {
        if !self.modes.local_flags.contains(LocalFlags::ICANON) {
            self.modes.input_flags |= InputFlags::ICRNL;
            self.modes.output_flags |= OutputFlags::OPOST | OutputFlags::ONLCR;
            self.modes.local_flags |= EDITED;
        }
    }

    /// Passes every key through: the container's own terminal interprets them.
    ///
    /// With `output` also every character shown, because the container's own did all
    /// that is to be done with it. The modes until now become the user's, unless they
    /// are already raw.
    pub fn set_raw(&mut self, output: bool) -> nix::Result<()> {
        let now = tcgetattr(&self.tty)?;
        if !is_raw(&now) {
            self.modes = now;
        }
        let mut raw = self.modes.clone();
        cfmakeraw(&mut raw);
        if !output {
            raw.output_flags = self.modes.output_flags;
        }
        tcsetattr(&self.tty, SetArg::TCSANOW, &raw)
    }

    /// Gives the modes back.
    pub fn restore(&self) {
        // At once: waiting for the output would wait for a terminal that takes none.
        // One that is gone needs no modes.
        let _ = tcsetattr(&self.tty, SetArg::TCSANOW, &self.modes);
    }

    /// Gives the modes back unless somebody else already changed them: after a
    /// kill of nsctl the user's shell may be faster, with modes of its own.
    pub fn restore_if_still_raw(&self) {
        if tcgetattr(&self.tty).is_ok_and(|now| is_raw(&now)) {
            self.restore();
        }
    }
}

/// What a terminal does with the keys of a line.
const EDITED: LocalFlags = LocalFlags::ISIG
    .union(LocalFlags::ICANON)
    .union(LocalFlags::IEXTEN)
    .union(LocalFlags::ECHO)
    .union(LocalFlags::ECHOE)
    .union(LocalFlags::ECHOK);

/// Whether the keys are those of cfmakeraw(3). A driver may change other flags.
fn is_raw(modes: &Termios) -> bool {
    let interprets = LocalFlags::ISIG | LocalFlags::ICANON | LocalFlags::IEXTEN | LocalFlags::ECHO;
    !modes.local_flags.intersects(interprets)
}
