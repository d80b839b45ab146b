//! Between the user's terminal and the container's: keys in, screen out.
//!
//! The user's terminal is raw while we are in the foreground; the container's
//! interprets the keys. Both are given back as they were, whatever ends us.

use std::io::{stdin, stdout};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::{read, write};
use nsshim::{SavedTerminal, sys};

/// One read; a pty holds 4 KiB.
const CHUNK: usize = 16 * 1024;

/// End of file as a key, when the input was no terminal that could send it. termios(3), VEOF
const END_KEY: u8 = 4;

/// The user's side and the container's.
pub struct Relay {
    /// The user's terminal, if the input is one.
    user: Option<SavedTerminal>,
    container: Option<Container>,
    /// Where the screen is.
    output: OwnedOutput,
    /// Keys that the container has not taken yet.
    keys: Vec<u8>,
    /// What the screen has not taken yet.
    screen: Vec<u8>,
    input: Input,
    is_raw: bool,
}

/// The container's terminal.
struct Container {
    master: OwnedFd,
    /// Held so that the master never hangs up while processes come and go.
    _terminal: Option<OwnedFd>,
    readable: bool,
}

#[derive(PartialEq)]
enum Input {
    Open,
    /// At its end; the container is still to be told.
    Ended,
    Closed,
}

/// Standard output, opened anew where possible: a terminal that does not take
/// our bytes must not keep us from passing a signal on.
enum OwnedOutput {
    Own(OwnedFd),
    Shared,
}

impl OwnedOutput {
    fn open() -> Self {
        let stdout = stdout();
        if !crate::resolve::is_terminal(stdout.as_fd()) {
            return OwnedOutput::Shared;
        }
        let flags = OFlag::O_WRONLY | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        match open("/proc/self/fd/1", flags, Mode::empty()) {
            Ok(own) => OwnedOutput::Own(own),
            Err(_) => OwnedOutput::Shared,
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            OwnedOutput::Own(fd) => fd.as_fd(),
            // Standard output is never closed while there is a relay.
            OwnedOutput::Shared => sys::standard_output(),
        }
    }
}

impl Relay {
    /// Before the container's terminal exists.
    pub fn new(user: Option<SavedTerminal>) -> Self {
        Relay {
            user,
            container: None,
            output: OwnedOutput::open(),
            keys: Vec::new(),
            screen: Vec::new(),
            input: Input::Open,
            is_raw: false,
        }
    }

    /// The container's terminal has come.
    pub fn begin(&mut self, master: OwnedFd) {
        // Ours alone, so this changes nobody else's descriptor.
        let _ = fcntl(&master, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK));
        let terminal = sys::open_pty_peer(master.as_fd()).ok();
        self.container = Some(Container { master, _terminal: terminal, readable: true });
        self.resume();
    }

    /// What to wait for.
    pub fn interests(&self) -> Vec<PollFd<'_>> {
        let Some(container) = &self.container else { return Vec::new() };
        let mut fds = Vec::new();
        let mut of_master = PollFlags::empty();
        if container.readable && self.screen.is_empty() {
            of_master |= PollFlags::POLLIN;
        }
        if !self.keys.is_empty() || self.input == Input::Ended {
            of_master |= PollFlags::POLLOUT;
        }
        if !of_master.is_empty() {
            fds.push(PollFd::new(container.master.as_fd(), of_master));
        }
        if self.input == Input::Open && self.keys.is_empty() && self.may_read_keys() {
            fds.push(PollFd::new(sys::standard_input(), PollFlags::POLLIN));
        }
        if !self.screen.is_empty() {
            fds.push(PollFd::new(self.output.fd(), PollFlags::POLLOUT));
        }
        fds
    }

    /// Reading a terminal from the background would stop us.
    fn may_read_keys(&self) -> bool {
        self.user.is_none() || self.is_raw
    }

    /// Moves what can be moved.
    pub fn turn(&mut self, ready: &[(RawFd, PollFlags)]) {
        let Some(container) = &self.container else { return };
        let master = container.master.as_raw_fd();
        let input = stdin().as_raw_fd();
        let events = |fd: RawFd| {
            ready
                .iter()
                .filter(|(of, _)| *of == fd)
                .fold(PollFlags::empty(), |all, (_, events)| all | *events)
        };
        let readable = PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR;
        let (from_master, from_input) = (events(master), events(input));
        if from_input.intersects(readable) && self.input == Input::Open && self.keys.is_empty() {
            self.read_keys();
        }
        if from_master.intersects(readable) && self.screen.is_empty() {
            self.read_screen();
        }
        if !self.keys.is_empty() || (self.input == Input::Ended && !from_master.is_empty()) {
            self.write_keys();
        }
        if !self.screen.is_empty() {
            self.write_screen();
        }
    }

    fn read_keys(&mut self) {
        let mut buffer = [0; CHUNK];
        match read(sys::standard_input(), &mut buffer) {
            Ok(0) | Err(Errno::EIO) => self.input = Input::Ended,
            Ok(count) => self.keys.extend_from_slice(&buffer[..count]),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => self.input = Input::Ended,
        }
    }

    fn write_keys(&mut self) {
        let Some(container) = &self.container else { return };
        if self.keys.is_empty() && self.input == Input::Ended {
            self.keys.push(END_KEY);
            self.input = Input::Closed;
        }
        match write(&container.master, &self.keys) {
            Ok(count) => drop(self.keys.drain(..count)),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => self.keys.clear(),
        }
    }

    fn read_screen(&mut self) -> bool {
        let Some(container) = &mut self.container else { return false };
        let mut buffer = [0; CHUNK];
        match read(&container.master, &mut buffer) {
            Ok(count) if count > 0 => {
                self.screen.extend_from_slice(&buffer[..count]);
                true
            }
            Err(Errno::EAGAIN | Errno::EINTR) => false,
            _ => {
                container.readable = false;
                false
            }
        }
    }

    fn write_screen(&mut self) {
        match write(self.output.fd(), &self.screen) {
            Ok(count) => drop(self.screen.drain(..count)),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            // Nobody sees the screen any more; the container goes on.
            Err(_) => self.screen.clear(),
        }
    }

    /// The container is gone: shows the rest of what it wrote.
    pub fn finish(&mut self) {
        loop {
            while !self.screen.is_empty() {
                let before = self.screen.len();
                self.write_screen();
                if self.screen.len() == before && !self.wait_for_screen() {
                    return;
                }
            }
            if !self.read_screen() {
                return;
            }
        }
    }

    fn wait_for_screen(&self) -> bool {
        let mut fds = [PollFd::new(self.output.fd(), PollFlags::POLLOUT)];
        // A terminal that takes nothing for so long has lost its user.
        matches!(nix::poll::poll(&mut fds, 5000u16), Ok(1))
    }

    /// The user's screen has another size.
    pub fn resize(&self) {
        let Some(container) = &self.container else { return };
        let size = sys::get_window_size(self.output.fd())
            .or_else(|_| sys::get_window_size(sys::standard_input()));
        if let Ok(size) = size {
            let _ = sys::set_window_size(&container.master, &size);
        }
    }

    /// Stops what runs in the foreground of the container's terminal.
    pub fn stop_foreground(&self) {
        if let Some(container) = &self.container {
            let _ = sys::signal_foreground(&container.master, Signal::SIGTSTP);
        }
    }

    /// Gives the user's terminal back for a while.
    pub fn pause(&self) {
        if self.is_raw
            && let Some(user) = &self.user
        {
            user.restore();
        }
    }

    /// Takes the user's terminal when we are its foreground; else lets it be.
    pub fn resume(&mut self) {
        if let Some(user) = &self.user {
            let foreground = nix::unistd::tcgetpgrp(user.tty());
            self.is_raw = foreground == Ok(nix::unistd::getpgrp()) && user.set_raw().is_ok();
        }
        self.resize();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.pause();
    }
}
