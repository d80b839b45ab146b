//! What is said between those who attach and the shim: packets over a Unix socket.
//!
//! ```text
//!  client                         shim
//!    │ ── Input bytes ────────────▶ │  to the workload's stdin or terminal
//!    │ ── EndOfInput ─────────────▶ │
//!    │ ── Resize rows, columns ───▶ │
//!    │ ── OnlyTheEnd ─────────────▶ │  no output, please
//!    │ ── Settings ───────────────▶ │
//!    │ ◀──────────────────── Done ─ │  they hold from now on
//!    │ ◀─── Output stream, bytes ── │
//!    │ ◀────────── Ended status ─── │  and the end of the connection
//! ```

use super::{Restart, Settings, Stream};

/// A packet holds at most so many bytes of input or output.
pub const TAKES_AT_MOST: usize = 32 * 1024;

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
    /// What is to hold from now on.
    Settings(Settings),
    /// The settings hold.
    Done,
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
            Packet::Settings(settings) => with(b's', &encode_settings(settings)),
            Packet::Done => vec![b'd'],
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
            b's' => Packet::Settings(decode_settings(rest)?),
            b'd' => Packet::Done,
            b'1' => Packet::Output(Stream::Stdout, rest.into()),
            b'2' => Packet::Output(Stream::Stderr, rest.into()),
            b'x' => Packet::Ended(*rest.first()?),
            _ => return None,
        })
    }
}

fn encode_settings(settings: &Settings) -> Vec<u8> {
    let (policy, times) = match settings.restart {
        Restart::No => (b'n', 0),
        Restart::OnFailure(times) => (b'f', times),
        Restart::Always => (b'a', 0),
    };
    let mut bytes = vec![policy];
    bytes.extend(times.to_ne_bytes());
    bytes.extend(settings.log_max_size.to_ne_bytes());
    bytes.extend(settings.log_max_files.to_ne_bytes());
    bytes
}

fn decode_settings(bytes: &[u8]) -> Option<Settings> {
    let number = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let restart = match bytes.first()? {
        b'n' => Restart::No,
        b'f' => Restart::OnFailure(number(1)?),
        b'a' => Restart::Always,
        _ => return None,
    };
    let log_max_size = u64::from_ne_bytes(bytes.get(5..13)?.try_into().ok()?);
    Some(Settings { restart, log_max_size, log_max_files: number(13)? })
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
            Packet::Done,
            Packet::Settings(Settings {
                restart: Restart::OnFailure(3),
                log_max_size: 1 << 40,
                log_max_files: 7,
            }),
            Packet::Resize { rows: 24, columns: 300 },
            Packet::Output(Stream::Stdout, b"out".to_vec()),
            Packet::Output(Stream::Stderr, Vec::new()),
            Packet::Ended(143),
        ] {
            assert_eq!(Packet::decode(&packet.encode()), Some(packet));
        }
        for wrong in [&b""[..], b"r12", b"x", b"?", b"s", b"sz", b"sn1234"] {
            assert_eq!(Packet::decode(wrong), None, "{wrong:?}");
        }
    }
}
