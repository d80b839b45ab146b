//! The wire between the processes: one message per packet of a Unix socket.
//!
//! ```text
//!  nsctl                      shim                        child, later nsinit
//!    │                         │ ◀──────── Reached ───────── │  after steps that make a namespace
//!    │                         │ ─────── Tree + fd ────────▶ │  that only the shim may open
//!    │                         │ ────────── Go ────────────▶ │  ids are mapped
//!    │ ◀──── Terminal + fd ─── │ ◀───── Terminal + fd ────── │
//!    │ ◀───── Namespaces ───── │ ◀────── Namespaces ──────── │  when asked for
//!    │ ◀─────── Failed ─────── │ ◀──────── Failed ────────── │
//!    │                         │ ◀──── nsinit::Report ────── │  started, stopped, exited
//!    │ ◀─ Started … Exited ─── │                             │
//!    │ ──────── Signal ──────▶ │ ─── pidfd_send_signal ────▶ │
//!    │ ───────── Stop ───────▶ │  after a Stopped
//!    │ ◀─ SIGTSTP, Stop | Go ─ │
//!    │ ◀────── SIGCONT ─────── │ ◀──── nsinit::Report ────── │  continued, exited
//! ```
//!
//! The end of a channel means that its other side is dead.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr,
    recvmsg, sendmsg, socketpair,
};

use crate::error::Failure;
use crate::exit::Exit;
use crate::sys::{SignalInfo, own_received};

/// What is said on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Child: I am in the new namespaces and wait.
    Reached,
    /// Shim: go on.
    Go,
    /// A tree of mounts, attached nowhere, comes with this.
    Tree,
    /// The master of the container's terminal comes with this.
    Terminal,
    /// The ids of the container's namespaces, in the order of [`Kind::ALL`](crate::spec::Kind::ALL).
    Namespaces([u64; 8]),
    /// A step failed; the sender ends.
    Failed(Failure),
    /// The workload could not be executed.
    NotExecuted {
        /// Why.
        errno: i32,
        /// The exit status that says so, 126 or 127.
        code: u8,
    },
    /// The workload runs.
    Started {
        /// The container's first process as the host sees it.
        pid: i32,
    },
    /// The workload was stopped by this signal.
    Stopped {
        /// The signal.
        signal: i32,
    },
    /// nsctl: stop me with the workload. Shim: I did; or, when it goes on already, `Go`.
    /// One process does both, so that no continuation can overtake its stop.
    Stop {
        /// With all of nsctl's process group.
        whole_group: bool,
    },
    /// The container is gone.
    Exited(Exit),
    /// Pass this signal to the workload.
    Signal(SignalInfo),
    /// What nsinit says, as it came.
    Init(nsinit::report::Report),
}

/// Longer texts are cut: a message fits one packet.
const MAX_TEXT: usize = 6000;
const MAX_MESSAGE: usize = 2 * MAX_TEXT + 64;

/// First byte of each message. nsinit's own reports begin with smaller numbers.
mod tag {
    pub const REACHED: u8 = 0x80;
    pub const GO: u8 = 0x81;
    pub const TERMINAL: u8 = 0x82;
    pub const NAMESPACES: u8 = 0x83;
    pub const FAILED: u8 = 0x84;
    pub const NOT_EXECUTED: u8 = 0x85;
    pub const STARTED: u8 = 0x86;
    pub const STOPPED: u8 = 0x87;
    pub const EXITED: u8 = 0x88;
    pub const SIGNAL: u8 = 0x89;
    pub const STOP: u8 = 0x8a;
    pub const TREE: u8 = 0x8b;
}

/// A new channel; both ends are closed by execve.
pub fn pair() -> nix::Result<(OwnedFd, OwnedFd)> {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
}

/// Sends one message, with a descriptor if given; waits while the channel is full.
pub fn send(to: impl AsFd, message: &Message, fd: Option<BorrowedFd<'_>>) -> nix::Result<()> {
    send_with(to, message, fd, MsgFlags::MSG_NOSIGNAL)
}

/// Sends one message unless the channel is full.
///
/// # Errors
/// `EAGAIN`: it is. `poll` tells when it no longer is.
pub fn try_send(to: impl AsFd, message: &Message) -> nix::Result<()> {
    send_with(to, message, None, MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT)
}

fn send_with(
    to: impl AsFd,
    message: &Message,
    fd: Option<BorrowedFd<'_>>,
    flags: MsgFlags,
) -> nix::Result<()> {
    let bytes = encode(message);
    let fds: Vec<_> = fd.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&fds)];
    sendmsg::<UnixAddr>(
        to.as_fd().as_raw_fd(),
        &[IoSlice::new(&bytes)],
        if fds.is_empty() { &[] } else { &rights },
        flags,
        None,
    )
    .map(drop)
}

/// What [`receive`] found.
#[derive(Debug)]
pub enum Received {
    /// A message, and the descriptor that came with it.
    Message(Message, Option<OwnedFd>),
    /// Nothing now.
    Nothing,
    /// The other side is dead.
    End,
}

/// Takes the next message; waits for it when `wait`.
pub fn receive(from: impl AsFd, wait: bool) -> Received {
    let mut buffer = vec![0; MAX_MESSAGE];
    let mut rights = nix::cmsg_space!([std::os::fd::RawFd; 1]);
    let mut flags = MsgFlags::MSG_CMSG_CLOEXEC;
    if !wait {
        flags |= MsgFlags::MSG_DONTWAIT;
    }
    loop {
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let received = match recvmsg::<UnixAddr>(
            from.as_fd().as_raw_fd(),
            &mut parts,
            Some(&mut rights),
            flags,
        ) {
            // It ended without reading all from us, and the kernel says that first, once; what
            // it said is still there.
            Err(Errno::EINTR | Errno::ECONNRESET) => continue,
            Err(Errno::EAGAIN) => return Received::Nothing,
            Err(_) => return Received::End,
            Ok(received) => received,
        };
        let fd = received.cmsgs().ok().and_then(|mut messages| {
            messages.find_map(|message| match message {
                // More than one was never sent; owned, the rest is closed.
                ControlMessageOwned::ScmRights(fds) => {
                    fds.into_iter().map(own_received).collect::<Vec<_>>().into_iter().next()
                }
                _ => None,
            })
        });
        let length = received.bytes;
        if length == 0 {
            return Received::End;
        }
        return match decode(&buffer[..length.min(MAX_MESSAGE)]) {
            Some(message) => Received::Message(message, fd),
            // Both ends are ours: what does not decode means a broken peer.
            None => Received::End,
        };
    }
}

/// Whether the other side is dead, and all it said was read or nobody will read it.
pub fn has_ended(channel: impl AsFd) -> bool {
    let mut byte = [0];
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    matches!(
        nix::sys::socket::recv(channel.as_fd().as_raw_fd(), &mut byte, flags),
        Ok(0) | Err(Errno::ECONNRESET)
    )
}

fn encode(message: &Message) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    match message {
        Message::Reached => out.push(tag::REACHED),
        Message::Go => out.push(tag::GO),
        Message::Stop { whole_group } => out.extend([tag::STOP, u8::from(*whole_group)]),
        Message::Tree => out.push(tag::TREE),
        Message::Terminal => out.push(tag::TERMINAL),
        Message::Namespaces(ids) => {
            out.push(tag::NAMESPACES);
            ids.iter().for_each(|id| out.extend(id.to_ne_bytes()));
        }
        Message::Failed(failure) => {
            out.push(tag::FAILED);
            out.extend((failure.errno as i32).to_ne_bytes());
            for text in [&failure.step, &failure.call] {
                let bytes = &text.as_bytes()[..text.len().min(MAX_TEXT)];
                out.extend((bytes.len() as u32).to_ne_bytes());
                out.extend(bytes);
            }
        }
        Message::NotExecuted { errno, code } => {
            number(&mut out, tag::NOT_EXECUTED, *errno);
            out.push(*code);
        }
        Message::Started { pid } => number(&mut out, tag::STARTED, *pid),
        Message::Stopped { signal } => number(&mut out, tag::STOPPED, *signal),
        Message::Exited(exit) => {
            out.push(tag::EXITED);
            out.extend(exit.encode());
        }
        Message::Signal(info) => {
            out.push(tag::SIGNAL);
            out.extend(info.encode());
        }
        Message::Init(report) => out.extend(report.encode()),
    }
    out
}

fn number(out: &mut Vec<u8>, tag: u8, number: i32) {
    out.push(tag);
    out.extend(number.to_ne_bytes());
}

fn decode(bytes: &[u8]) -> Option<Message> {
    let (&first, rest) = bytes.split_first()?;
    let int = || Some(i32::from_ne_bytes(rest.get(..4)?.try_into().ok()?));
    Some(match first {
        tag::REACHED => Message::Reached,
        tag::GO => Message::Go,
        tag::STOP => Message::Stop { whole_group: *rest.first()? != 0 },
        tag::TREE => Message::Tree,
        tag::TERMINAL => Message::Terminal,
        tag::NAMESPACES => {
            let mut ids = [0; 8];
            for (id, bytes) in ids.iter_mut().zip(rest.chunks_exact(8)) {
                *id = u64::from_ne_bytes(bytes.try_into().ok()?);
            }
            Message::Namespaces(ids)
        }
        tag::FAILED => {
            let (step, rest) = text(rest.get(4..)?)?;
            let (call, _) = text(rest)?;
            Message::Failed(Failure { step, call, errno: Errno::from_raw(int()?) })
        }
        tag::NOT_EXECUTED => Message::NotExecuted { errno: int()?, code: *rest.get(4)? },
        tag::STARTED => Message::Started { pid: int()? },
        tag::STOPPED => Message::Stopped { signal: int()? },
        tag::EXITED => Message::Exited(Exit::decode(rest)?),
        tag::SIGNAL => Message::Signal(SignalInfo::decode(rest)?),
        _ => Message::Init(nsinit::report::Report::decode(bytes)?),
    })
}

fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let length = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let end = length.checked_add(4)?;
    Some((String::from_utf8_lossy(bytes.get(4..end)?).into_owned(), bytes.get(end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_survives_the_wire() {
        let messages = [
            Message::Reached,
            Message::Go,
            Message::Stop { whole_group: true },
            Message::Tree,
            Message::Terminal,
            Message::Namespaces([1, 2, 3, 4, 5, 6, 7, u64::MAX]),
            Message::Failed(Failure {
                step: "mount /proc".into(),
                call: "mount(\"proc\")".into(),
                errno: Errno::EPERM,
            }),
            Message::NotExecuted { errno: 2, code: 127 },
            Message::Started { pid: 4711 },
            Message::Stopped { signal: 20 },
            Message::Exited(Exit::Signaled { signal: 9, core: false }),
            Message::Signal(SignalInfo { signal: 64, code: -1, pid: 1, uid: 2, value: u64::MAX }),
        ];
        let (left, right) = pair().unwrap();
        for message in messages {
            send(&left, &message, None).unwrap();
            match receive(&right, true) {
                Received::Message(got, None) => assert_eq!(got, message),
                other => panic!("{message:?} came as {other:?}"),
            }
        }
        drop(left);
        assert!(has_ended(&right));
        assert!(matches!(receive(&right, true), Received::End));
    }

    #[test]
    fn last_words_are_heard_from_who_did_not_listen() {
        let (left, right) = pair().unwrap();
        send(&left, &Message::Go, None).unwrap();
        send(&right, &Message::Reached, None).unwrap();
        drop(right);
        assert!(matches!(receive(&left, true), Received::Message(Message::Reached, None)));
        assert!(matches!(receive(&left, true), Received::End));
    }

    #[test]
    fn a_cut_or_hostile_packet_decodes_to_nothing() {
        let whole = encode(&Message::Failed(Failure {
            step: "a".into(),
            call: "b".into(),
            errno: Errno::EPERM,
        }));
        for length in 0..whole.len() {
            assert_eq!(decode(&whole[..length]), None, "{length} bytes");
        }
        assert_eq!(decode(&[tag::FAILED, 0, 0, 0, 0, 255, 255, 255, 255, 1]), None);
    }
}
