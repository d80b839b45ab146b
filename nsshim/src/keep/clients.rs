//! Those who attach: packets over a Unix socket that only the container's owner may open.
//!
//! ```text
//!  client                         shim
//!    │ ── Input bytes ────────────▶ │  to the workload's stdin or terminal
//!    │ ── EndOfInput ─────────────▶ │
//!    │ ── Resize rows, columns ───▶ │
//!    │ ── OnlyTheEnd ─────────────▶ │  no output, please
//!    │ ◀─── Output stream, bytes ── │
//!    │ ◀────────── Ended status ─── │  and the end of the connection
//! ```

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::{
    MsgFlags, SockFlag, accept4, getsockopt, recv, send, sockopt::PeerCredentials,
};

use super::Stream;
use crate::exit::Exit;

/// A packet holds at most so many bytes of input or output.
pub const TAKES_AT_MOST: usize = 32 * 1024;

/// A client that is further behind is let go: it does not read.
const MOST_BEHIND: usize = 1 << 20;

/// What is said between a client and the shim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// To the workload.
    Input(Vec<u8>),
    /// No more input comes.
    EndOfInput,
    /// The client's window.
    Resize {
        /// Lines.
        rows: u16,
        /// Characters in a line.
        columns: u16,
    },
    /// Output is not wanted, only how it ends.
    OnlyTheEnd,
    /// From the workload.
    Output(Stream, Vec<u8>),
    /// It ended with this exit status; it will not be started again.
    Ended(u8),
}

impl Packet {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let with = |tag: u8, bytes: &[u8]| [&[tag], bytes].concat();
        match self {
            Packet::Input(bytes) => with(b'i', bytes),
            Packet::EndOfInput => vec![b'e'],
            Packet::Resize { rows, columns } => {
                let mut packet = vec![b'r'];
                packet.extend(rows.to_ne_bytes());
                packet.extend(columns.to_ne_bytes());
                packet
            }
            Packet::OnlyTheEnd => vec![b'q'],
            Packet::Output(Stream::Stdout, bytes) => with(b'1', bytes),
            Packet::Output(Stream::Stderr, bytes) => with(b'2', bytes),
            Packet::Ended(status) => vec![b'x', *status],
        }
    }

    /// From bytes; `None`: nothing that we know.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        let number = |at: usize| {
            let bytes = rest.get(at..at + 2)?;
            Some(u16::from_ne_bytes(bytes.try_into().ok()?))
        };
        Some(match tag {
            b'i' => Packet::Input(rest.into()),
            b'e' => Packet::EndOfInput,
            b'r' => Packet::Resize { rows: number(0)?, columns: number(2)? },
            b'q' => Packet::OnlyTheEnd,
            b'1' => Packet::Output(Stream::Stdout, rest.into()),
            b'2' => Packet::Output(Stream::Stderr, rest.into()),
            b'x' => Packet::Ended(*rest.first()?),
            _ => return None,
        })
    }
}

/// What clients said, for the keeper.
pub(super) enum Said {
    Input(Vec<u8>),
    EndOfInput,
    Resize { rows: u16, columns: u16 },
}

pub(super) struct Clients {
    listener: Option<OwnedFd>,
    attached: Vec<Client>,
}

struct Client {
    socket: OwnedFd,
    unsent: VecDeque<Vec<u8>>,
    behind: usize,
    wants_output: bool,
    gone: bool,
}

impl Clients {
    pub fn new(listener: Option<OwnedFd>) -> Self {
        Clients { listener, attached: Vec::new() }
    }

    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.listener
            .iter()
            .chain(self.attached.iter().map(|client| &client.socket))
            .map(AsFd::as_fd)
    }

    /// With `room`, also for what clients say.
    pub fn interests(&self, room: bool) -> Vec<PollFd<'_>> {
        let mut all: Vec<PollFd<'_>> =
            self.listener.iter().map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)).collect();
        for client in &self.attached {
            let mut events = PollFlags::empty();
            events.set(PollFlags::POLLIN, room);
            events.set(PollFlags::POLLOUT, !client.unsent.is_empty());
            all.push(PollFd::new(client.socket.as_fd(), events));
        }
        all
    }

    pub fn turn(&mut self, ready: &[(RawFd, PollFlags)]) -> Vec<Said> {
        let events = |fd: &OwnedFd| {
            let found = ready.iter().find(|(ready, _)| *ready == fd.as_raw_fd());
            found.map_or(PollFlags::empty(), |(_, events)| *events)
        };
        let mut said = Vec::new();
        for client in &mut self.attached {
            let events = events(&client.socket);
            if events.contains(PollFlags::POLLOUT) {
                client.send_unsent();
            }
            if events.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR) {
                said.extend(client.hear());
            }
        }
        self.attached.retain(|client| !client.gone);
        if self.listener.as_ref().is_some_and(|fd| !events(fd).is_empty()) {
            self.accept();
        }
        said
    }

    fn accept(&mut self) {
        let Some(listener) = &self.listener else { return };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let Ok(socket) = accept4(listener.as_raw_fd(), flags) else { return };
        let socket = crate::sys::own_received(socket);
        // The directory is its owner's already; a socket that was passed on is not enough.
        let own = nix::unistd::geteuid().as_raw();
        let allowed = getsockopt(&socket, PeerCredentials)
            .is_ok_and(|peer| peer.uid() == own || peer.uid() == 0);
        if allowed {
            self.attached.push(Client {
                socket,
                unsent: VecDeque::new(),
                behind: 0,
                wants_output: true,
                gone: false,
            });
        }
    }

    pub fn tell(&mut self, stream: Stream, bytes: &[u8]) {
        for part in bytes.chunks(TAKES_AT_MOST) {
            if self.attached.is_empty() {
                return;
            }
            let packet = Packet::Output(stream, part.to_vec()).encode();
            let listeners = self.attached.iter_mut().filter(|client| client.wants_output);
            listeners.for_each(|client| client.send(&packet));
        }
        self.attached.retain(|client| !client.gone);
    }

    pub fn tell_end(&mut self, exit: Exit) {
        let packet = Packet::Ended(exit.status()).encode();
        self.attached.iter_mut().for_each(|client| client.send(&packet));
    }
}

impl Client {
    fn send(&mut self, packet: &[u8]) {
        self.unsent.push_back(packet.to_vec());
        self.behind += packet.len();
        self.send_unsent();
        if self.behind > MOST_BEHIND {
            self.gone = true;
        }
    }

    fn send_unsent(&mut self) {
        while let Some(packet) = self.unsent.front() {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            match send(self.socket.as_raw_fd(), packet, flags) {
                Ok(_) => {
                    self.behind -= packet.len();
                    self.unsent.pop_front();
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS) => return,
                Err(_) => {
                    self.gone = true;
                    return;
                }
            }
        }
    }

    fn hear(&mut self) -> Option<Said> {
        let now = MsgFlags::MSG_DONTWAIT;
        // How long it is, so that nobody needs room for the longest.
        let whole = now | MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC;
        let length = recv(self.socket.as_raw_fd(), &mut [0], whole);
        let mut buffer = vec![0; length.unwrap_or(0).clamp(1, TAKES_AT_MOST + 1)];
        match recv(self.socket.as_raw_fd(), &mut buffer, now) {
            Ok(0) => {}
            Ok(length) => match Packet::decode(&buffer[..length]) {
                Some(Packet::Input(bytes)) => return Some(Said::Input(bytes)),
                Some(Packet::EndOfInput) => return Some(Said::EndOfInput),
                Some(Packet::OnlyTheEnd) => {
                    self.wants_output = false;
                    return None;
                }
                Some(Packet::Resize { rows, columns }) => {
                    return Some(Said::Resize { rows, columns });
                }
                _ => {}
            },
            Err(Errno::EAGAIN | Errno::EINTR) => return None,
            Err(_) => {}
        }
        self.gone = true;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_survives_the_wire() {
        for packet in [
            Packet::Input(vec![0, 255]),
            Packet::EndOfInput,
            Packet::OnlyTheEnd,
            Packet::Resize { rows: 24, columns: 300 },
            Packet::Output(Stream::Stdout, b"out".to_vec()),
            Packet::Output(Stream::Stderr, Vec::new()),
            Packet::Ended(143),
        ] {
            assert_eq!(Packet::decode(&packet.encode()), Some(packet));
        }
        for wrong in [&b""[..], b"r12", b"x", b"?"] {
            assert_eq!(Packet::decode(wrong), None, "{wrong:?}");
        }
    }
}
