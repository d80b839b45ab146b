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

mod backoff;
mod clients;
mod clock;
mod health;
mod journal;
mod json;
mod life;
mod lines;
mod log;
mod members;
mod packet;
mod record;
mod removal;
mod room;
mod streams;
mod told;
mod wanted;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};
use nix::unistd::Pid;

use clients::Clients;
use health::Health;
use journal::Journal;
use members::Members;
use room::{ROOM, Room};
use told::Told;

pub(crate) use health::Check;
pub use journal::{JOURNAL, JournalTo};
pub use log::{Format, LogTo};
pub use packet::{Packet, TAKES_AT_MOST};
pub(crate) use record::Known;
pub use record::start_ticks;
pub use wanted::{HealthCheck, Keep, Remove, Restart, Settings, Stream};

/// The file that says that a container is not to be started again.
pub const STOP: &str = "stop";

/// The ending of a file beside the container's directory: nsctl knows more than `state` says.
pub const NOTED: &str = "noted";

/// How many bytes `state` has before the shim writes it, so that it can be written when the disk
/// is full, too.
pub const STATE_ROOM: usize = 1024;

/// How many of them are for what the container is.
pub const ABOUT_ROOM: usize = 400;

/// The time in UTC, as RFC 3339 has it, to the nanosecond.
pub fn now() -> String {
    clock::Time::now().text()
}

/// The keeping shim.
pub(crate) struct Keeper {
    directory: OwnedFd,
    proc: OwnedFd,
    lock: Option<OwnedFd>,
    record: record::Record,
    output: Vec<(Stream, OwnedFd)>,
    /// The terminal's master, both ways.
    terminal: Option<OwnedFd>,
    input: Option<OwnedFd>,
    /// What was said to the workload and it has not read.
    unread: Vec<u8>,
    /// Whether nothing is said after that.
    input_ends: bool,
    told: Told,
    restart: Restart,
    restarts: u32,
    backoff: backoff::Backoff,
    started: Option<clock::Time>,
    finished: Option<clock::Time>,
    known: Known,
    remove: Option<Remove>,
    /// Where the end is told.
    status: Option<OwnedFd>,
    health: Option<Health>,
    /// The container's first process, while it runs.
    pid: Option<Pid>,
    /// The pod that it is in, held open.
    pod: Option<OwnedFd>,
    members: Members,
    /// Whether it is to end, because the last member has left.
    is_deserted: bool,
    room: Room,
    /// Of no use any more, but large.
    unneeded: Vec<Box<dyn std::fmt::Debug>>,
}

impl Keeper {
    pub fn new(keep: Keep) -> Self {
        let Keep { directory, proc, lock, about, output, input, log, listener, .. } = keep;
        for fd in output.iter().map(|(_, fd)| fd).chain(&input).chain(&listener) {
            set_nonblocking(fd);
        }
        let log = log.map(|to| log::Log::open(&directory, to));
        let clients = Clients::new(listener, keep.attached);
        Keeper {
            directory,
            proc,
            lock,
            record: record::Record { about, held: None },
            output,
            terminal: None,
            input,
            unread: Vec::new(),
            input_ends: false,
            told: Told { log, journal: keep.journal.map(Journal::new), clients },
            restart: keep.restart,
            restarts: keep.restarts,
            backoff: backoff::Backoff::default(),
            started: None,
            finished: None,
            known: Known::default(),
            remove: keep.remove,
            status: keep.status,
            health: keep.health.map(Health::new),
            pid: None,
            pod: keep.pod,
            members: Members::of(keep.members),
            is_deserted: false,
            room: Room::default(),
            unneeded: keep.unneeded,
        }
    }

    /// Frees it, too, when there is time.
    pub fn needs_no_more(&mut self, unneeded: Box<dyn std::fmt::Debug>) {
        self.unneeded.push(unneeded);
    }

    /// Gives back the memory that only the start has needed.
    pub fn settle(&mut self) {
        self.unneeded.clear();
        crate::sys::trim_heap();
        // Nobody waits for what comes next.
        crate::sys::forget_used_stack(1);
        crate::sys::forget_program();
    }

    /// What must stay open when it begins: no check runs yet, and no member has left.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let mut all = vec![self.directory.as_fd(), self.proc.as_fd()];
        all.extend(self.lock.iter().map(AsFd::as_fd));
        all.extend(self.record.held.iter().map(|file| file.as_fd()));
        all.extend(self.output.iter().map(|(_, fd)| fd.as_fd()));
        all.extend(self.terminal.iter().chain(&self.input).map(AsFd::as_fd));
        all.extend(self.told.log.as_ref().and_then(log::Log::descriptor));
        all.extend(self.told.journal.as_ref().map(Journal::descriptor));
        all.extend(self.told.clients.descriptors());
        all.extend(self.status.as_ref().map(AsFd::as_fd));
        all.extend(self.pod.iter().map(AsFd::as_fd).chain(self.members.descriptor()));
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
        all.extend(self.told.clients.interests(room));
        all.extend(self.members.interest());
        all.extend(self.health.iter().filter_map(Health::interest));
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
        for said in self.told.clients.turn(ready) {
            self.answer(said);
        }
        self.pass_input();
        self.is_deserted |= self.members.turn(ready);
        if let Some(health) = &mut self.health {
            health.turn(ready);
        }
    }

    /// Whether it holds its namespaces for nobody any more; says so once.
    pub fn is_deserted(&mut self) -> bool {
        std::mem::take(&mut self.is_deserted)
    }
}

fn set_nonblocking(fd: &OwnedFd) {
    let flags = fcntl(fd, FcntlArg::F_GETFL).map_or(OFlag::empty(), OFlag::from_bits_retain);
    let _ = fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK));
}
