//! What a container says, to systemd's journal: a datagram for each line.
//!
//! The native protocol: lines `NAME=value`, and a value that holds a line's end as `NAME`, its length
//! in 8 bytes, and itself. No library, and no process, is needed for it.
//! <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, send, socket,
};

use super::Stream;
use super::lines::Lines;

/// Where journald listens.
pub const JOURNAL: &str = "/run/systemd/journal/socket";

/// The journal, and what is said with each line.
#[derive(Debug)]
pub struct JournalTo {
    /// Connected.
    pub socket: OwnedFd,
    /// Names, of capital letters, digits and underscores, and values.
    pub fields: Vec<(&'static str, String)>,
}

impl JournalTo {
    /// Connects to journald.
    ///
    /// # Errors
    /// `ENOENT`, `ECONNREFUSED`: it does not run. `EACCES`.
    pub fn connect() -> nix::Result<OwnedFd> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
        connect(socket.as_raw_fd(), &UnixAddr::new(JOURNAL)?)?;
        Ok(socket)
    }
}

/// LOG_INFO and LOG_ERR, syslog(3), as docker has them.
const PRIORITIES: [&str; 2] = ["6", "3"];

pub(super) struct Journal {
    to: JournalTo,
    lines: Lines,
    lost: u64,
}

impl Journal {
    pub fn new(to: JournalTo) -> Self {
        Journal { to, lines: Lines::default(), lost: 0 }
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.to.socket.as_fd()
    }

    /// Bytes that journald had no room for.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    pub fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let Journal { to, lines, lost } = self;
        lines.hear(stream, bytes, |line| say(to, stream, line, lost));
    }

    /// Lines without an end, when no more can come.
    pub fn flush(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            if let Some(line) = self.lines.rest(stream) {
                say(&mut self.to, stream, &line, &mut self.lost);
            }
        }
    }
}

fn say(to: &mut JournalTo, stream: Stream, line: &[u8], lost: &mut u64) {
    let (text, whole) = match line.strip_suffix(b"\n") {
        Some(text) => (text, true),
        None => (line, false),
    };
    let mut packet = Vec::with_capacity(text.len() + 256);
    field(&mut packet, "MESSAGE", text);
    field(&mut packet, "PRIORITY", PRIORITIES[stream as usize].as_bytes());
    for (name, value) in &to.fields {
        field(&mut packet, name, value.as_bytes());
    }
    if !whole {
        field(&mut packet, "CONTAINER_PARTIAL_MESSAGE", b"true");
    }
    let try_to = |to: &JournalTo| {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        send(to.socket.as_raw_fd(), &packet, flags)
    };
    let sent = try_to(to).or_else(|errno| match errno {
        // It was started again, and has another socket.
        Errno::ECONNREFUSED | Errno::ENOTCONN | Errno::ECONNRESET | Errno::EPIPE => {
            to.socket = JournalTo::connect()?;
            try_to(to)
        }
        errno => Err(errno),
    });
    // Who does not take it is not waited for.
    if sent.is_err() {
        *lost += line.len() as u64;
    }
}

fn field(packet: &mut Vec<u8>, name: &str, value: &[u8]) {
    packet.extend(name.as_bytes());
    if value.contains(&b'\n') {
        packet.push(b'\n');
        packet.extend((value.len() as u64).to_le_bytes());
    } else {
        packet.push(b'=');
    }
    packet.extend(value);
    packet.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_a_line_end_has_its_length() {
        let mut packet = Vec::new();
        field(&mut packet, "A", b"b=c");
        field(&mut packet, "MESSAGE", b"x\ny");
        assert_eq!(packet, b"A=b=c\nMESSAGE\n\x03\0\0\0\0\0\0\0x\ny\n");
    }
}
