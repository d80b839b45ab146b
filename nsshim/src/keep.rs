//! Keeping a container that its caller leaves: what it says, how it is, who attaches.
//!
//! ```text
//!  workload ──pipes or terminal──▶ shim ──▶ log (files)
//!           ◀──stdin───────────────  │ ◀──▶ attached clients (a Unix socket, packets)
//!                                    └────▶ state (one file, replaced as a whole)
//! ```
//!
//! The shim never waits for a reader: a full disk or a client that does not read loses
//! output, which is counted, and stops nobody. One writer per file: `state` and the log are
//! the shim's, all else in the directory is nsctl's.

mod clients;
mod clock;
mod log;
mod record;
mod removal;

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};
use nix::unistd::{Pid, read};

use crate::exit::Exit;
use clients::{Clients, Said};

pub use clients::{Packet, TAKES_AT_MOST};
pub use log::{Format, LogTo};
pub use record::start_ticks;

/// What of the container's is kept, and where.
#[derive(Debug)]
pub struct Keep {
    /// The container's directory, private to its owner.
    pub directory: OwnedFd,
    /// The host's /proc.
    pub proc: OwnedFd,
    /// Stays open, and locked, as long as the shim lives. `None`: nothing is written down, as for
    /// a command that is run in a container of others.
    pub lock: Option<OwnedFd>,
    /// What the workload writes, unless it has a terminal.
    pub output: Vec<(Stream, OwnedFd)>,
    /// What the workload reads, if somebody may attach to write it.
    pub input: Option<OwnedFd>,
    /// Where output is written to.
    pub log: Option<LogTo>,
    /// Takes those who attach.
    pub listener: Option<OwnedFd>,
    /// When it is started again.
    pub restart: Restart,
    /// How often it was started again before, by another shim.
    pub restarts: u32,
    /// Whether the directory goes when the container ended.
    pub remove: Option<Remove>,
}

/// What is removed with a container.
#[derive(Debug)]
pub struct Remove {
    /// The directory that holds the container's.
    pub containers: OwnedFd,
    /// The name of the container's in it, which is its id.
    pub id: CString,
    /// The directory of names.
    pub names: OwnedFd,
    /// Its name.
    pub name: CString,
}

/// Which of the workload's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output, and all of a terminal's.
    Stdout,
    /// Standard error.
    Stderr,
}

/// When a container that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Never.
    No,
    /// When its status is not 0; at most so many times, 0 for without end.
    OnFailure(u32),
    /// Whatever its status.
    Always,
}

/// The file that says that a container is not to be started again.
pub const STOP: &str = "stop";

/// How many bytes `state` has before the shim writes it, so that it can be written when the disk
/// is full, too.
pub const STATE_ROOM: usize = 1024;

/// The time in UTC, as RFC 3339 has it, to the nanosecond.
pub fn now() -> String {
    clock::Time::now().text()
}

/// Room for what is read at once: as much as a pipe holds.
const ROOM: usize = 64 * 1024;

/// How often something more is read after the end: a pipe holds a megabyte at most.
const MOST_LEFT: u32 = 1024;

/// The keeping shim.
pub(crate) struct Keeper {
    directory: OwnedFd,
    proc: OwnedFd,
    lock: Option<OwnedFd>,
    output: Vec<(Stream, OwnedFd)>,
    /// The terminal's master, both ways.
    terminal: Option<OwnedFd>,
    input: Option<OwnedFd>,
    /// What was said to the workload and it has not read.
    unread: Vec<u8>,
    /// Whether nothing is said after that.
    input_ends: bool,
    log: Option<log::Log>,
    clients: Clients,
    restart: Restart,
    restarts: u32,
    started: Option<clock::Time>,
    finished: Option<clock::Time>,
    remove: Option<Remove>,
}

impl Keeper {
    pub fn new(keep: Keep) -> Self {
        let Keep { directory, proc, lock, output, input, log, listener, restart, restarts, remove } =
            keep;
        for fd in output.iter().map(|(_, fd)| fd).chain(&input).chain(&listener) {
            set_nonblocking(fd);
        }
        let log = log.map(|to| log::Log::open(&directory, to));
        let clients = Clients::new(listener);
        Keeper {
            directory,
            proc,
            lock,
            output,
            terminal: None,
            input,
            unread: Vec::new(),
            input_ends: false,
            log,
            clients,
            restart,
            restarts,
            started: None,
            finished: None,
            remove,
        }
    }

    /// What must stay open.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let mut all = vec![self.directory.as_fd(), self.proc.as_fd()];
        all.extend(self.lock.iter().map(AsFd::as_fd));
        all.extend(self.output.iter().map(|(_, fd)| fd.as_fd()));
        all.extend(self.terminal.iter().chain(&self.input).map(AsFd::as_fd));
        all.extend(self.log.as_ref().and_then(log::Log::descriptor));
        all.extend(self.clients.descriptors());
        if let Some(remove) = &self.remove {
            all.extend([remove.containers.as_fd(), remove.names.as_fd()]);
        }
        all
    }

    /// What to wait for.
    pub fn interests(&self) -> Vec<PollFd<'_>> {
        let mut all: Vec<PollFd<'_>> =
            self.output.iter().map(|(_, fd)| PollFd::new(fd.as_fd(), PollFlags::POLLIN)).collect();
        let room = self.unread.len() < ROOM;
        let writes = if self.unread.is_empty() { PollFlags::empty() } else { PollFlags::POLLOUT };
        if let Some(terminal) = &self.terminal {
            all.push(PollFd::new(terminal.as_fd(), PollFlags::POLLIN | writes));
        }
        if let Some(input) = &self.input
            && !self.unread.is_empty()
        {
            all.push(PollFd::new(input.as_fd(), writes));
        }
        all.extend(self.clients.interests(room));
        all
    }

    /// The container's terminal.
    pub fn take_terminal(&mut self, master: OwnedFd) {
        set_nonblocking(&master);
        self.terminal = Some(master);
    }

    /// Moves what is ready.
    pub fn turn(&mut self, ready: &[(RawFd, PollFlags)]) {
        let is_ready = |fd: &OwnedFd| ready.iter().any(|(ready, _)| *ready == fd.as_raw_fd());
        let streams: Vec<usize> =
            (0..self.output.len()).filter(|&at| is_ready(&self.output[at].1)).collect();
        // From the last, since a stream that ended is taken out.
        for at in streams.into_iter().rev() {
            self.hear_stream(at);
        }
        if self.terminal.as_ref().is_some_and(is_ready) {
            self.hear_terminal();
        }
        for said in self.clients.turn(ready) {
            self.answer(said);
        }
        self.pass_input();
    }

    fn hear_stream(&mut self, at: usize) {
        let mut buffer = [0; ROOM];
        let (stream, fd) = &self.output[at];
        let stream = *stream;
        match read(fd, &mut buffer) {
            Ok(0) => {
                self.output.swap_remove(at);
            }
            Ok(length) => self.heard(stream, &buffer[..length]),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => {
                self.output.swap_remove(at);
            }
        }
    }

    fn hear_terminal(&mut self) {
        let mut buffer = [0; ROOM];
        let Some(terminal) = &self.terminal else { return };
        match read(terminal, &mut buffer) {
            Ok(length) if length > 0 => self.heard(Stream::Stdout, &buffer[..length]),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            // EIO: nobody has its other side open. A later process may open it again, but
            // then the first one has ended, and with it the container.
            _ => self.terminal = None,
        }
    }

    fn heard(&mut self, stream: Stream, bytes: &[u8]) {
        if let Some(log) = &mut self.log {
            log.write(&self.directory, stream, bytes);
        }
        self.clients.tell(stream, bytes);
    }

    /// Says in the log what nobody is there to hear.
    pub fn complain(&mut self, why: &str) {
        self.heard(Stream::Stderr, format!("nsctl: {why}\n").as_bytes());
    }

    fn answer(&mut self, said: Said) {
        match said {
            Said::Input(bytes) => self.unread.extend(bytes),
            Said::EndOfInput => self.input_ends = true,
            Said::Resize { rows, columns } => {
                if let Some(terminal) = &self.terminal {
                    let size = nix::pty::Winsize {
                        ws_row: rows,
                        ws_col: columns,
                        ws_xpixel: 0,
                        ws_ypixel: 0,
                    };
                    let _ = crate::sys::set_window_size(terminal, &size);
                }
            }
        }
    }

    fn pass_input(&mut self) {
        let Some(to) = self.terminal.as_ref().or(self.input.as_ref()) else {
            self.unread.clear();
            return;
        };
        while !self.unread.is_empty() {
            match nix::unistd::write(to, &self.unread) {
                Ok(written) => drop(self.unread.drain(..written)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                // Nobody reads it any more.
                Err(_) => self.unread.clear(),
            }
        }
        if self.input_ends {
            self.input = None;
        }
    }

    /// The workload runs; `pid` is its container's first process as the host sees it.
    pub fn started(&mut self, pid: Pid) {
        let now = clock::Time::now();
        self.started = Some(now);
        if self.lock.is_none() {
            return;
        }
        let lost = self.lost();
        record::running(&self.directory, &self.proc, pid, now, self.restarts, lost);
    }

    /// It is gone: what it said last is kept, and how it ended. Returns how long to wait
    /// before it is started again, if it is to be.
    pub fn ended(&mut self, exit: Exit) -> Option<std::time::Duration> {
        // Not for ever: in a pid namespace that was joined, others may go on writing.
        let _ = (0..MOST_LEFT).find(|_| !self.hear_what_is_left());
        if let Some(log) = &mut self.log {
            log.flush(&self.directory);
        }
        let now = clock::Time::now();
        self.finished = Some(now);
        let again = self.again(exit, now);
        match again {
            Some(_) => {
                self.record_end(exit, true);
                self.restarts += 1;
            }
            None => self.stays_ended(exit),
        }
        again
    }

    /// It will not be made again.
    pub fn stays_ended(&mut self, exit: Exit) {
        self.record_end(exit, false);
        self.clients.tell_end(exit);
        if let Some(remove) = &self.remove {
            removal::remove(&self.directory, remove);
        }
    }

    fn record_end(&self, exit: Exit, comes_back: bool) {
        if self.lock.is_none() {
            return;
        }
        let finished = self.finished.unwrap_or_else(clock::Time::now);
        let end = record::End { exit, started: self.started, finished, comes_back };
        record::ended(&self.directory, &self.proc, &end, self.restarts, self.lost());
    }

    /// Bytes of output that found no room.
    fn lost(&self) -> u64 {
        self.log.as_ref().map_or(0, log::Log::lost)
    }

    /// Processes that were killed have written before: it is all in the pipes.
    fn hear_what_is_left(&mut self) -> bool {
        let mut fds = self.interests();
        let found = nix::poll::poll(&mut fds, nix::poll::PollTimeout::ZERO);
        let ready: Vec<(RawFd, PollFlags)> = fds
            .iter()
            .filter_map(|fd| Some((fd.as_fd().as_raw_fd(), fd.revents()?)))
            .filter(|(_, events)| events.intersects(PollFlags::POLLIN | PollFlags::POLLHUP))
            .collect();
        drop(fds);
        let ours = |fd: RawFd| {
            let output = self.output.iter().map(|(_, fd)| fd.as_raw_fd());
            output.chain(self.terminal.iter().map(AsRawFd::as_raw_fd)).any(|own| own == fd)
        };
        let any = matches!(found, Ok(1..)) && ready.iter().any(|(fd, _)| ours(*fd));
        if any {
            self.turn(&ready);
        }
        any
    }

    /// Whether somebody wanted it to end: nsctl leaves a file before it says so.
    pub fn is_stopped(&self) -> bool {
        let flags = nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW;
        nix::sys::stat::fstatat(&self.directory, STOP, flags).is_ok()
    }

    /// Whether the workload's streams are needed once more.
    pub fn may_come_back(&self) -> bool {
        self.restart != Restart::No
    }

    /// docker's back-off: 100 ms, doubled each time up to a minute, and from the start again
    /// after ten seconds of running.
    fn again(&self, exit: Exit, now: clock::Time) -> Option<std::time::Duration> {
        let wanted = match self.restart {
            _ if self.is_stopped() => false,
            Restart::No => false,
            Restart::Always => true,
            Restart::OnFailure(most) => exit.status() != 0 && (most == 0 || self.restarts < most),
        };
        let ran = self.started.map_or(0, |started| now.seconds.saturating_sub(started.seconds));
        let doublings = if ran >= 10 { 0 } else { self.restarts.min(10) };
        let wait = std::time::Duration::from_millis(100 << doublings);
        wanted.then(|| wait.min(std::time::Duration::from_secs(60)))
    }
}

fn set_nonblocking(fd: &OwnedFd) {
    let flags = fcntl(fd, FcntlArg::F_GETFL).map_or(OFlag::empty(), OFlag::from_bits_retain);
    let _ = fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK));
}
