//! Hearing from the kernel which processes begin, change and end: the proc connector.
//!
//! ```text
//!  nlmsghdr 16 │ cn_msg 20: idx val seq ack len flags │ proc_event: what cpu time 16 │ pids
//! ```
//!
//! Only the machine's first user, pid and network namespaces are told (drivers/connector/cn_proc.c);
//! elsewhere there is no acknowledgement, or nobody at the other end.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, NetlinkAddr, bind, recvfrom, send, setsockopt, sockopt};
use nsshim::sys;

/// A socket on which the kernel tells.
#[derive(Debug)]
pub struct ProcEvents(OwnedFd);

/// What was told since the last time.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Processes that may be elsewhere now.
    pub changed: BTreeSet<i32>,
    /// Processes that ended.
    pub ended: BTreeSet<i32>,
    /// Something was not told, as there was too much of it.
    pub lost: bool,
}

/// `CN_IDX_PROC` and `CN_VAL_PROC`, include/uapi/linux/connector.h.
const PROC: u32 = 1;
/// `PROC_CN_MCAST_LISTEN`, include/uapi/linux/cn_proc.h.
const LISTEN: u32 = 1;

/// Events of include/uapi/linux/cn_proc.h.
const NONE: u32 = 0;
const FORK: u32 = 1;
const EXEC: u32 = 2;
const UID: u32 = 4;
const GID: u32 = 0x40;
const SID: u32 = 0x80;
const COMM: u32 = 0x200;
const EXIT: u32 = 0x8000_0000;

/// Where the event and its data begin.
const WHAT: usize = 16 + 20;
const DATA: usize = WHAT + 16;

impl ProcEvents {
    /// Begins to listen; `None` where the kernel does not tell us.
    pub fn open() -> Option<ProcEvents> {
        let socket = sys::connector_socket().ok()?;
        // The address is the group's bits, not its number.
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 1 << (PROC - 1))).ok()?;
        // Four megabytes hold some thousands of events; less is less.
        let _ = setsockopt(&socket, sockopt::RcvBufForce, &(4 << 20));
        send(socket.as_raw_fd(), &request(LISTEN), MsgFlags::empty()).ok()?;
        let events = ProcEvents(socket);
        // The kernel answers before send(2) returns, where it answers at all.
        let mut buffer = [0; 1024];
        while let Ok(message) = events.receive(&mut buffer) {
            if let Some((NONE, data)) = message.and_then(event) {
                return (word(data, 0)? == 0).then_some(events);
            }
        }
        None
    }

    /// Takes what was told; does not wait.
    pub fn hear(&self) -> Heard {
        let mut heard = Heard::default();
        let mut buffer = [0; 1024];
        loop {
            match self.receive(&mut buffer) {
                Ok(Some(message)) => heard.take(message),
                Ok(None) | Err(Errno::EINTR) => {}
                Err(Errno::ENOBUFS) => heard.lost = true,
                Err(_) => return heard,
            }
        }
    }

    /// One message; nothing when it is not the kernel's.
    fn receive<'a>(&self, buffer: &'a mut [u8]) -> nix::Result<Option<&'a [u8]>> {
        let (count, from) = recvfrom::<NetlinkAddr>(self.0.as_raw_fd(), buffer)?;
        let by_kernel = from.is_some_and(|from| from.pid() == 0);
        Ok(by_kernel.then_some(&buffer[..count]))
    }
}

impl AsFd for ProcEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Heard {
    fn take(&mut self, message: &[u8]) {
        let Some((what, data)) = event(message) else { return };
        let pid = |at: usize| word(data, at).map(|pid| pid as i32);
        // Each begins with a thread and its process; of a fork that is the parent.
        let at = if what == FORK { 8 } else { 0 };
        let (Some(thread), Some(process)) = (pid(at), pid(at + 4)) else { return };
        match what {
            FORK | EXEC | UID | GID | SID | COMM => {
                self.ended.remove(&process);
                self.changed.insert(process);
            }
            EXIT if thread == process => {
                self.changed.remove(&process);
                self.ended.insert(process);
            }
            _ => {}
        }
    }
}

/// The message that asks for events.
fn request(operation: u32) -> Vec<u8> {
    let mut message = Vec::new();
    let length = (16 + 20 + 4) as u32;
    message.extend(length.to_ne_bytes());
    // NLMSG_DONE, no flags, no sequence, from whoever we are. netlink(7)
    message.extend((libc::NLMSG_DONE as u16).to_ne_bytes());
    message.extend([0; 2 + 4 + 4]);
    for word in [PROC, PROC, 0, 0] {
        message.extend(word.to_ne_bytes());
    }
    message.extend(4u16.to_ne_bytes());
    message.extend([0; 2]);
    message.extend(operation.to_ne_bytes());
    message
}

fn event(message: &[u8]) -> Option<(u32, &[u8])> {
    (word(message, 16)? == PROC && word(message, 20)? == PROC).then_some(())?;
    Some((word(message, WHAT)?, message.get(DATA..)?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(what: u32, pids: &[u32]) -> Vec<u8> {
        let mut message = request(what);
        message.extend([0; 12]);
        message.extend(pids.iter().flat_map(|pid| pid.to_ne_bytes()));
        message
    }

    #[test]
    fn processes_are_told_from_threads() {
        let mut heard = Heard::default();
        heard.take(&message(FORK, &[1, 1, 10, 10]));
        heard.take(&message(FORK, &[1, 1, 11, 10]));
        heard.take(&message(EXEC, &[20, 20]));
        heard.take(&message(EXIT, &[11, 10, 0, 17]));
        assert_eq!(heard.changed, BTreeSet::from([10, 20]));
        heard.take(&message(EXIT, &[10, 10, 0, 17]));
        assert_eq!((heard.changed, heard.ended), (BTreeSet::from([20]), BTreeSet::from([10])));
    }

    #[test]
    fn what_is_no_event_is_passed_over() {
        let whole = message(FORK, &[1, 1, 10, 10]);
        let mut heard = Heard::default();
        for length in 0..whole.len() {
            heard.take(&whole[..length]);
        }
        let mut others = whole.clone();
        others[16] = 9;
        heard.take(&others);
        heard.take(&message(0x100, &[1, 1, 10, 10]));
        assert_eq!(heard, Heard::default());
    }
}
