//! Messages as bytes: a tag, then what it says.

use nix::errno::Errno;

use super::Message;
use crate::error::Failure;
use crate::exit::Exit;
use crate::sys::SignalInfo;

/// Longer texts are cut: a message fits one packet.
const MAX_TEXT: usize = 6000;
/// Bytes of the longest.
pub(super) const MAX_MESSAGE: usize = 2 * MAX_TEXT + 64;

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

pub(super) fn encode(message: &Message) -> Vec<u8> {
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

pub(super) fn decode(bytes: &[u8]) -> Option<Message> {
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
