//! Those who attach, over a Unix socket that only the container's owner may open.

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::{
    MsgFlags, SockFlag, accept4, getsockopt, recv, send, sockopt::PeerCredentials,
};

use super::{Packet, Settings, Stream, TAKES_AT_MOST};
use crate::exit::Exit;

/// A client that is further behind is let go: it does not read.
const MOST_BEHIND: usize = 1 << 20;

/// What clients said, for the keeper.
pub(super) enum Said {
    Input(Vec<u8>),
    EndOfInput,
    Resize { rows: u16, columns: u16 },
    Settings(Settings),
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
    /// With one who is there from the start.
    pub fn new(listener: Option<OwnedFd>, first: Option<OwnedFd>) -> Self {
        Clients { listener, attached: first.into_iter().map(Client::new).collect() }
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
            self.attached.push(Client::new(socket));
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
    fn new(socket: OwnedFd) -> Self {
        Client { socket, unsent: VecDeque::new(), behind: 0, wants_output: true, gone: false }
    }

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
                Some(Packet::Settings(settings)) => {
                    // Taken before anything else is heard.
                    self.send(&Packet::Done.encode());
                    return Some(Said::Settings(settings));
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
