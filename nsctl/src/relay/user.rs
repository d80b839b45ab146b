//! The user's side of a relay: where the keys come from and where the screen is.

use std::io::{stdin, stdout};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::{getpgrp, read, tcgetpgrp, write};
use nsshim::{SavedTerminal, sys};

use crate::resolve::{is_controlling_terminal, is_terminal};

/// Standard input and output.
pub struct User {
    /// The terminal on standard input, if it is one.
    terminal: Option<SavedTerminal>,
    input: Stream,
    output: Stream,
    /// Whether the screen is a terminal too.
    has_screen: bool,
    /// Whether the terminal passes every key to us, which it does in the foreground only.
    is_raw: bool,
}

/// What came of reading keys.
pub enum Keys {
    /// So many bytes.
    Some(usize),
    /// None now.
    None,
    /// The end of a file or pipe.
    End,
    /// The terminal is gone.
    HungUp,
}

impl User {
    /// `terminal` is standard input's, if it is one.
    pub fn new(terminal: Option<SavedTerminal>) -> Self {
        User {
            input: Stream::open(stdin().as_fd(), 0, OFlag::O_RDONLY),
            output: Stream::open(stdout().as_fd(), 1, OFlag::O_WRONLY),
            has_screen: is_terminal(stdout().as_fd()),
            terminal,
            is_raw: false,
        }
    }

    /// Where keys can be read now. Reading a terminal from the background would stop us.
    pub fn keys(&self) -> Option<BorrowedFd<'_>> {
        let may_read = self.terminal.is_none() || self.is_raw;
        may_read.then(|| self.input.or(sys::standard_input()))
    }

    /// Whether the keys come from a file or pipe, which has an end.
    pub fn has_end(&self) -> bool {
        self.terminal.is_none()
    }

    /// Where the screen is.
    pub fn screen(&self) -> BorrowedFd<'_> {
        self.output.or(sys::standard_output())
    }

    /// Whatever must stay open.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let own = [self.input.own.as_ref(), self.output.own.as_ref()];
        let own = own.into_iter().flatten().map(AsFd::as_fd);
        let standard = [sys::standard_input(), sys::standard_output()];
        own.chain(standard).chain(self.terminal.as_ref().map(SavedTerminal::tty))
    }

    pub fn read(&mut self, buffer: &mut [u8]) -> Keys {
        let Some(keys) = self.keys() else { return Keys::None };
        match (read(keys, buffer), &self.terminal) {
            (Ok(0), None) => Keys::End,
            (Ok(0), Some(_)) => Keys::HungUp,
            (Ok(count), _) => Keys::Some(count),
            (Err(Errno::EAGAIN | Errno::EINTR), _) => Keys::None,
            (Err(_), None) => Keys::End,
            // EIO: gone, or another group's since we looked.
            (Err(_), Some(terminal)) => match tcgetpgrp(terminal.tty()) {
                Ok(group) if group != getpgrp() => {
                    self.is_raw = false;
                    Keys::None
                }
                _ => Keys::HungUp,
            },
        }
    }

    /// Shows what can be shown without waiting; an error means that nobody looks any more.
    pub fn write(&self, bytes: &[u8]) -> nix::Result<usize> {
        let bytes = &bytes[..bytes.len().min(self.output.at_once)];
        match write(self.screen(), bytes) {
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            other => other,
        }
    }

    /// Takes the terminal when we are its foreground; else lets it be.
    pub fn take_terminal(&mut self) {
        let Some(terminal) = &mut self.terminal else { return };
        let foreground = match tcgetpgrp(terminal.tty()) {
            Ok(group) => group == getpgrp(),
            // Not the terminal of our session: job control does not concern us.
            Err(errno) => errno == Errno::ENOTTY,
        };
        self.is_raw = foreground && terminal.set_raw(self.has_screen).is_ok();
    }

    /// Whether the terminal was closed. Who is in the background is not told: SIGHUP is for the
    /// foreground, and for the shell, which passes it on if it lives. drivers/tty/tty_io.c,
    /// `hung_up_tty_ioctl`
    pub fn has_gone(&self) -> bool {
        let tty = self.terminal.as_ref().map(SavedTerminal::tty);
        tty.is_some_and(|tty| tcgetpgrp(tty) == Err(Errno::EIO))
    }

    /// Whether the terminal passes every key to us.
    pub fn is_raw(&self) -> bool {
        self.is_raw
    }

    /// Whether we wait in the background for the terminal. A shell that moves a running
    /// job to the foreground tells the job nothing.
    pub fn waits_for_terminal(&self) -> bool {
        self.terminal.is_some() && !self.is_raw
    }

    /// Whether what is shown is seen at the terminal that the keys come from.
    pub fn has_screen(&self) -> bool {
        self.has_screen
    }

    /// Gives the terminal back as it was.
    pub fn give_terminal_back(&mut self) {
        if let Some(terminal) = self.terminal.as_ref().filter(|_| self.is_raw) {
            terminal.restore();
        }
        self.is_raw = false;
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.give_terminal_back();
    }
}

/// A standard stream. Where possible it is opened anew, not to block: a terminal
/// that takes nothing must not keep us from passing a signal on, and O_NONBLOCK on
/// the stream itself would be everybody's who shares it.
struct Stream {
    own: Option<OwnedFd>,
    /// How much may be written when poll(2) says that something may.
    at_once: usize,
}

/// What a pipe with room takes as one. pipe(7), PIPE_BUF
const PIPE_ROOM: usize = 4096;

/// A guess; a terminal does not tell how much room it has.
const TERMINAL_ROOM: usize = 64;

impl Stream {
    fn open(stream: BorrowedFd<'_>, number: i32, mode: OFlag) -> Self {
        let is_terminal = is_terminal(stream);
        let is_pipe = fstat(stream).is_ok_and(|stat| {
            SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFIFO
        });
        let path = if is_terminal && is_controlling_terminal(stream) {
            // Ours by the session, also when its file is another user's (after su).
            Some("/dev/tty".to_string())
        } else if is_terminal || is_pipe {
            Some(format!("/proc/self/fd/{number}"))
        } else {
            None
        };
        let flags = mode | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let own = path.and_then(|path| open(path.as_str(), flags, Mode::empty()).ok());
        let at_once = match (&own, is_terminal, is_pipe) {
            (None, true, _) => TERMINAL_ROOM,
            (None, _, true) => PIPE_ROOM,
            _ => usize::MAX,
        };
        Stream { own, at_once }
    }

    fn or<'a>(&'a self, shared: BorrowedFd<'a>) -> BorrowedFd<'a> {
        self.own.as_ref().map_or(shared, AsFd::as_fd)
    }
}
