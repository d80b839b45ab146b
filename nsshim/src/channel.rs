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

mod packet;

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr,
    recvmsg, sendmsg, socketpair,
};

use packet::{MAX_MESSAGE, decode, encode};

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
}
