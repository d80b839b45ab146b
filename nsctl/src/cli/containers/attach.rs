//! `nsctl attach`: the user's streams on a container's.

mod keys;

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, socket,
};
use nsshim::SavedTerminal;
use nsshim::keep::{Packet, Stream, TAKES_AT_MOST};
use nsshim::sys::{self, SignalInfo};

use crate::args::AttachArgs;
use crate::containers::{Container, Containers, Pinned, Status};
use crate::error::Error;
use crate::resolve::is_terminal;

pub use keys::Keys;

/// Attaches until the container ends or the keys are typed; returns its exit status.
pub fn attach(args: &AttachArgs) -> Result<i32, Error> {
    let keys = Keys::parse(&args.detach_keys)?;
    let container = Containers::open()?.find(&args.container)?;
    let name = container.about.name.clone();
    match container.state.status {
        Status::Running | Status::Restarting | Status::Starting => {}
        Status::Paused => {
            return Err(
                Error::new(format!("{name} is paused")).try_this(format!("nsctl unpause {name}"))
            );
        }
        _ => {
            return Err(Error::new(format!("{name} is not running"))
                .try_this(format!("nsctl logs {name}, or nsctl start {name}")));
        }
    }
    let socket = connect_to(&container)
        .map_err(|errno| Error::new(format!("cannot attach to {name}: connect(): {errno}")))?;
    let first = container.state.pid.and_then(|pid| Pinned::open(pid, container.state.start_ticks));
    let first = first.filter(|_| args.sig_proxy);
    let tty = container.about.tty;
    Session { name: &name, socket, first, tty, input: !args.no_stdin, keys }.converse()
}

/// A connection to a container, and what goes over it.
pub struct Session<'a> {
    /// The container's.
    pub name: &'a str,
    /// To its shim.
    pub socket: OwnedFd,
    /// Its first process, if it gets our signals.
    pub first: Option<Pinned>,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether what is typed goes there.
    pub input: bool,
    /// Those that end this and not it.
    pub keys: Keys,
}

impl Session<'_> {
    /// Goes on until it ends or is left; returns the exit status.
    pub fn converse(self) -> Result<i32, Error> {
        let Session { name, socket, first, tty, input, keys } = self;
        sys::block_all_signals()
            .map_err(|errno| Error::new(format!("cannot take over the signals: {errno}")))?;
        let signals = sys::signalfd_all()
            .map_err(|errno| Error::new(format!("cannot read signals: {errno}")))?;
        let mut attached =
            Attached { socket, signals, first, terminal: None, tty, input, keys, typed: 0 };
        attached.take_terminal()?;
        let left = attached.relay();
        let at_terminal = attached.terminal.take().is_some_and(|terminal| {
            terminal.restore();
            true
        });
        match left {
            Left::Ended(status) => Ok(i32::from(status)),
            Left::ByKeys => {
                if at_terminal {
                    let line = format!("\n{name} goes on; nsctl attach {name}\n");
                    let _ = std::io::stderr().write_all(line.as_bytes());
                }
                Ok(0)
            }
            Left::BySignal(signal) => Ok(128 + signal),
            Left::Cut => Err(Error::new(format!("the connection to {name} was cut"))
                .because("its shim was killed, or we did not read what it said for too long")
                .try_this(format!("nsctl ps -a, nsctl attach {name}"))),
        }
    }
}

/// A connection to its shim.
pub fn connect_to(container: &Container) -> nix::Result<OwnedFd> {
    let directory = File::open(&container.path).map_err(|_| Errno::ENOENT)?;
    // By a short path: an address has room for 108 bytes only. unix(7)
    let path = format!("/proc/self/fd/{}/attach", directory.as_raw_fd());
    let socket = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    connect(socket.as_raw_fd(), &UnixAddr::new(path.as_str())?)?;
    Ok(socket)
}

/// Waits until the shim says how the container ended; `None` when it does not say.
pub fn wait_for_end(container: &Container) -> Option<u8> {
    let socket = connect_to(container).ok()?;
    send(socket.as_raw_fd(), &Packet::OnlyTheEnd.encode(), MsgFlags::MSG_NOSIGNAL).ok()?;
    let mut buffer = [0; TAKES_AT_MOST + 1];
    loop {
        match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Err(Errno::EINTR | Errno::ECONNRESET) => {}
            Ok(length) if length > 0 => {
                if let Some(Packet::Ended(status)) = Packet::decode(&buffer[..length]) {
                    return Some(status);
                }
            }
            _ => return None,
        }
    }
}

struct Attached {
    socket: OwnedFd,
    signals: OwnedFd,
    /// The container's first process, if it gets our signals.
    first: Option<Pinned>,
    terminal: Option<SavedTerminal>,
    tty: bool,
    /// Whether what is typed goes there.
    input: bool,
    keys: Keys,
    /// How many of the keys that detach were typed.
    typed: usize,
}

impl Attached {
    /// Each key goes to the container's terminal, when both sides are one.
    fn take_terminal(&mut self) -> Result<(), Error> {
        let stdin = std::io::stdin();
        if !self.tty || !self.input || !is_terminal(stdin.as_fd()) {
            return Ok(());
        }
        let failed = |error: &dyn std::fmt::Display| {
            Error::new(format!("cannot use the terminal on standard input: {error}"))
        };
        let tty = stdin.as_fd().try_clone_to_owned().map_err(|error| failed(&error))?;
        let mut saved = SavedTerminal::save(tty).map_err(|errno| failed(&errno))?;
        saved.set_raw(true).map_err(|errno| failed(&errno))?;
        self.terminal = Some(saved);
        self.resize();
        Ok(())
    }

    fn resize(&self) {
        if let Ok(size) = sys::get_window_size(std::io::stdin().as_fd()) {
            self.say(&Packet::Resize { rows: size.ws_row, columns: size.ws_col });
        }
    }

    fn say(&self, packet: &Packet) {
        // A shim that is gone shows as the end of the connection.
        let _ = send(self.socket.as_raw_fd(), &packet.encode(), MsgFlags::MSG_NOSIGNAL);
    }

    fn relay(&mut self) -> Left {
        loop {
            let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
            let mut fds = vec![readable(self.socket.as_fd()), readable(self.signals.as_fd())];
            if self.input {
                fds.push(readable(sys::standard_input()));
            }
            let _ = poll(&mut fds, PollTimeout::NONE);
            let ready: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
            if ready[0] {
                match self.hear() {
                    Heard::Nothing => {}
                    Heard::Ended(status) => return Left::Ended(status),
                    Heard::End => return Left::Cut,
                }
            }
            if ready[1]
                && let Some(signal) = self.hear_signals()
            {
                return Left::BySignal(signal);
            }
            if ready.get(2) == Some(&true) && self.hear_keys() {
                return Left::ByKeys;
            }
        }
    }

    fn hear(&self) -> Heard {
        let mut buffer = [0; TAKES_AT_MOST + 1];
        match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
            // That the shim has not read what we said last is told once, before what it said.
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNRESET) => Heard::Nothing,
            Ok(length) if length > 0 => match Packet::decode(&buffer[..length]) {
                Some(Packet::Output(Stream::Stdout, bytes)) => {
                    let mut output = std::io::stdout().lock();
                    let _ = output.write_all(&bytes).and_then(|()| output.flush());
                    Heard::Nothing
                }
                Some(Packet::Output(Stream::Stderr, bytes)) => {
                    let _ = std::io::stderr().lock().write_all(&bytes);
                    Heard::Nothing
                }
                Some(Packet::Ended(status)) => Heard::Ended(status),
                _ => Heard::Nothing,
            },
            _ => Heard::End,
        }
    }

    /// Returns the signal that ends us, and us alone.
    fn hear_signals(&self) -> Option<i32> {
        while let Some(info) = SignalInfo::read(&self.signals) {
            match (info.signal, &self.first) {
                (libc::SIGWINCH, _) if self.terminal.is_some() => self.resize(),
                (libc::SIGWINCH | libc::SIGCHLD | libc::SIGPIPE | libc::SIGCONT, _) => {}
                (signal, Some(first)) => drop(first.signal(signal)),
                (libc::SIGINT | libc::SIGTERM | libc::SIGHUP | libc::SIGQUIT, None) => {
                    return Some(info.signal);
                }
                _ => {}
            }
        }
        None
    }

    /// Returns whether the keys that detach were typed.
    fn hear_keys(&mut self) -> bool {
        let mut buffer = [0; TAKES_AT_MOST];
        match nix::unistd::read(sys::standard_input(), &mut buffer) {
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Ok(length) if length > 0 => {
                let bytes = &buffer[..length];
                if self.terminal.is_none() {
                    self.say(&Packet::Input(bytes.to_vec()));
                    return false;
                }
                let mut passed = Vec::new();
                for &byte in bytes {
                    if byte == self.keys.0[self.typed] {
                        self.typed += 1;
                        if self.typed == self.keys.0.len() {
                            return true;
                        }
                        continue;
                    }
                    // They were meant for it after all.
                    passed.extend(&self.keys.0[..self.typed]);
                    self.typed = usize::from(byte == self.keys.0[0]);
                    if self.typed == 0 {
                        passed.push(byte);
                    }
                }
                if !passed.is_empty() {
                    self.say(&Packet::Input(passed));
                }
            }
            _ => {
                self.input = false;
                self.say(&Packet::EndOfInput);
            }
        }
        false
    }
}

/// Why a session is over.
enum Left {
    Ended(u8),
    ByKeys,
    BySignal(i32),
    Cut,
}

enum Heard {
    Nothing,
    Ended(u8),
    End,
}
