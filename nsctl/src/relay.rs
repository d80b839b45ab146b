//! Between the user's terminal and the container's: keys in, screen out.
//!
//! The user's terminal is raw while we are in the foreground; the container's
//! interprets the keys. Both are given back as they were, whatever ends us.
//! When the user's terminal is gone, the container's hangs up too.

mod user;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::{read, write};
use nsshim::{SavedTerminal, sys};
use user::{Keys, User};

/// One read; a pty holds 4 KiB.
const CHUNK: usize = 16 * 1024;

/// How long a user may have to wait for the keys of a job moved to the foreground.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How long those inside have to see SIGHUP before the end of their input: init passes it on, while the
/// kernel tells of the end at once.
const LAST_MOMENT: Duration = Duration::from_millis(20);

/// End of file as a key, as every terminal has it at first. termios(3), VEOF
const END_KEY: u8 = 4;

/// The user's side and the container's.
pub struct Relay {
    user: User,
    container: Side,
    /// Keys that the container has not taken yet.
    keys: Vec<u8>,
    /// What the screen has not taken yet.
    screen: Vec<u8>,
    input: Input,
    /// Whether what is inside is told that the user has gone, if he has.
    is_told: bool,
}

/// The container's side.
enum Side {
    /// It is being made.
    Awaited,
    Open(Container),
    /// The user has gone, and what is inside is told so; it is hung up then.
    Leaving {
        _container: Container,
        until: Instant,
    },
    /// The user has gone, so it was hung up.
    HungUp,
}

/// The container's terminal.
struct Container {
    master: OwnedFd,
    /// Held so that the master never hangs up while processes come and go.
    _terminal: Option<OwnedFd>,
    readable: bool,
}

/// What becomes of standard input.
enum Input {
    /// `within_line`: what was read of it last does not end a line.
    Open {
        within_line: bool,
    },
    Closed,
}

impl Relay {
    /// Before the container's terminal exists. `terminal` is standard input's, if it is one.
    pub fn new(terminal: Option<SavedTerminal>) -> Self {
        Relay {
            user: User::new(terminal),
            container: Side::Awaited,
            keys: Vec::new(),
            screen: Vec::new(),
            input: Input::Open { within_line: false },
            is_told: true,
        }
    }

    /// Whether the user has gone since this was asked.
    pub fn takes_leave(&mut self) -> bool {
        !std::mem::replace(&mut self.is_told, true)
    }

    /// The container's terminal has come.
    pub fn begin(&mut self, master: OwnedFd) {
        if !matches!(self.container, Side::Awaited) {
            return;
        }
        // Ours alone, so this changes nobody else's descriptor.
        let _ = fcntl(&master, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK));
        let terminal = sys::open_pty_peer(master.as_fd()).ok();
        self.container = Side::Open(Container { master, _terminal: terminal, readable: true });
        self.resume();
    }

    /// Whatever must stay open.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.user.descriptors()
    }

    fn container(&self) -> Option<&Container> {
        match &self.container {
            Side::Open(container) => Some(container),
            _ => None,
        }
    }

    /// What to wait for.
    pub fn interests(&self) -> Vec<PollFd<'_>> {
        let Some(container) = self.container() else { return Vec::new() };
        let mut fds = Vec::new();
        let mut of_master = PollFlags::empty();
        if container.readable && self.screen.is_empty() {
            of_master |= PollFlags::POLLIN;
        }
        if !self.keys.is_empty() {
            of_master |= PollFlags::POLLOUT;
        }
        if !of_master.is_empty() {
            fds.push(PollFd::new(container.master.as_fd(), of_master));
        }
        fds.extend(self.wants_keys().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        if !self.screen.is_empty() {
            fds.push(PollFd::new(self.user.screen(), PollFlags::POLLOUT));
        }
        fds
    }

    /// Where the next keys are read, if they can be taken.
    fn wants_keys(&self) -> Option<BorrowedFd<'_>> {
        let room = matches!(self.input, Input::Open { .. }) && self.keys.is_empty();
        self.user.keys().filter(|_| room)
    }

    /// When to look at the foreground again, if nobody will tell us about it.
    pub fn look_again(&self) -> Option<Duration> {
        if let Side::Leaving { until, .. } = &self.container {
            return Some(until.saturating_duration_since(Instant::now()));
        }
        (self.container().is_some() && self.user.waits_for_terminal()).then_some(LOOK_AGAIN)
    }

    /// Moves what can be moved.
    pub fn turn(&mut self, ready: &[(RawFd, PollFlags)]) {
        if let Side::Leaving { until, .. } = &self.container {
            if *until <= Instant::now() {
                self.container = Side::HungUp;
            }
            return;
        }
        if self.look_again().is_some() {
            self.user.take_terminal();
            if self.user.has_gone() {
                self.hang_up();
            } else if self.has_users_terminal() {
                self.resize();
            }
        }
        let Some(container) = self.container() else { return };
        let is_ready = |fd: BorrowedFd<'_>, events: PollFlags| {
            let events = events | PollFlags::POLLHUP | PollFlags::POLLERR;
            ready.iter().any(|(of, now)| *of == fd.as_raw_fd() && now.intersects(events))
        };
        // Asked anew: a signal since the wait may have put us into the background.
        let keys = self.wants_keys().is_some_and(|fd| is_ready(fd, PollFlags::POLLIN));
        let shown = self.screen.is_empty() && is_ready(container.master.as_fd(), PollFlags::POLLIN);
        let room = !self.screen.is_empty() && is_ready(self.user.screen(), PollFlags::POLLOUT);
        if keys {
            self.read_keys();
        }
        if !self.keys.is_empty() {
            self.write_keys();
        }
        if shown {
            self.read_screen();
        }
        if room {
            self.write_screen();
        }
    }

    fn read_keys(&mut self) {
        let mut buffer = [0; CHUNK];
        match self.user.read(&mut buffer) {
            Keys::Some(count) => {
                let within_line = self.user.has_end() && buffer[count - 1] != b'\n';
                self.input = Input::Open { within_line };
                self.keys.extend_from_slice(&buffer[..count]);
            }
            Keys::None => {}
            Keys::End => self.end_keys(),
            Keys::HungUp => self.hang_up(),
        }
    }

    /// A pipe has no key for its end, so we press it; within a line the first press
    /// only sends the line so far.
    fn end_keys(&mut self) {
        let Input::Open { within_line } = self.input else { return };
        self.input = Input::Closed;
        self.keys.extend(std::iter::repeat_n(END_KEY, 1 + usize::from(within_line)));
    }

    /// The user is gone: the container's processes see what any terminal's would.
    fn hang_up(&mut self) {
        let until = Instant::now() + LAST_MOMENT;
        self.container = match std::mem::replace(&mut self.container, Side::HungUp) {
            Side::Open(container) => Side::Leaving { _container: container, until },
            other => other,
        };
        self.is_told = false;
        self.input = Input::Closed;
        self.keys.clear();
        self.screen.clear();
    }

    fn write_keys(&mut self) {
        let Some(container) = self.container() else { return };
        match write(&container.master, &self.keys) {
            Ok(count) => drop(self.keys.drain(..count)),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => self.keys.clear(),
        }
    }

    fn read_screen(&mut self) -> bool {
        let Side::Open(container) = &mut self.container else { return false };
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
        match self.user.write(&self.screen) {
            Ok(count) => drop(self.screen.drain(..count)),
            // As SIGPIPE would end a program that writes to nobody.
            Err(_) => self.hang_up(),
        }
    }

    /// The container is gone: shows the rest of what it wrote, for as long as the
    /// user takes to look, or until `give_up` says that nobody wants it.
    pub fn finish(&mut self, signals: BorrowedFd<'_>, mut give_up: impl FnMut() -> bool) {
        if !self.user.has_screen() {
            // The container's is not there any more to make signals of the keys.
            self.user.give_terminal_back();
        }
        loop {
            while !self.screen.is_empty() {
                let mut fds = [
                    PollFd::new(self.user.screen(), PollFlags::POLLOUT),
                    PollFd::new(signals, PollFlags::POLLIN),
                ];
                let waited = poll(&mut fds, PollTimeout::NONE);
                let [has_room, has_signal] = fds.map(|fd| fd.any() == Some(true));
                if waited.is_err() || (has_signal && give_up()) {
                    return;
                }
                if has_room {
                    self.write_screen();
                }
            }
            if !self.read_screen() {
                return;
            }
        }
    }

    /// The user's screen has another size.
    pub fn resize(&self) {
        let Some(container) = self.container() else { return };
        let size = sys::get_window_size(self.user.screen())
            .or_else(|_| sys::get_window_size(sys::standard_input()));
        if let Ok(size) = size {
            let _ = sys::set_window_size(&container.master, &size);
        }
    }

    /// Stops what runs in the foreground of the container's terminal.
    pub fn stop_foreground(&self) {
        if let Some(container) = self.container() {
            let _ = sys::signal_foreground(&container.master, Signal::SIGTSTP);
        }
    }

    /// Whether the user's keys come to us.
    pub fn has_users_terminal(&self) -> bool {
        self.user.is_raw()
    }

    /// Gives the user's terminal back for a while.
    pub fn pause(&mut self) {
        self.user.give_terminal_back();
    }

    /// Takes the user's terminal when we are its foreground; else lets it be.
    pub fn resume(&mut self) {
        if self.container().is_some() {
            self.user.take_terminal();
        }
        self.resize();
    }
}
