//! What is said between those who attach and the shim: packets over a Unix socket.
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

use super::Stream;

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
