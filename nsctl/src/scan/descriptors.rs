//! Namespaces by open descriptors.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use nix::fcntl::openat;
use nix::sys::stat::Mode;
use nsshim::sys;

use super::listing::{LIST, LISTED, is_last};
use super::{Found, Holder, Places, link, relations, sockets};

/// Room that is used again for each process.
#[derive(Debug)]
pub(super) struct Room {
    entries: Vec<u8>,
    sockets: Vec<i32>,
}

impl Default for Room {
    fn default() -> Self {
        Room { entries: vec![0; LIST], sockets: Vec::new() }
    }
}

/// Looks at the descriptors of a process.
pub(super) fn look(proc: &OwnedFd, pid: i32, room: &mut Room, places: Places, found: &mut Found) {
    let Ok(directory) = openat(proc, format!("{pid}/fd").as_str(), LISTED, Mode::empty()) else {
        return;
    };
    room.sockets.clear();
    loop {
        let Ok(entries) = sys::getdents64(&directory, &mut room.entries) else { return };
        for name in sys::names(entries).filter(|name| name.to_bytes()[0] != b'.') {
            if let Some(socket) = one(&directory, name, pid, places, found) {
                room.sockets.push(socket);
            }
        }
        if is_last(entries) {
            break;
        }
    }
    if !room.sockets.is_empty() && places.relations {
        sockets::look(pid, &room.sockets, found);
    }
}

/// Looks at one; returns its number where it is a socket.
fn one(
    directory: &OwnedFd,
    name: &CStr,
    pid: i32,
    places: Places,
    found: &mut Found,
) -> Option<i32> {
    // A path may be longer; then it is none of those.
    let mut text = [0; 32];
    let text = sys::readlinkat(directory, name, &mut text).ok()?;
    if text.starts_with(b"/") {
        return None;
    }
    let name = name.to_str().ok()?;
    let fd = name.parse().ok()?;
    if text.starts_with(b"socket:[") {
        return Some(fd);
    }
    let (kind, id) = link::parse(text)?;
    let (namespace, new) = found.entry(kind, id);
    namespace.hold(Holder::Descriptor { pid, fd });
    if new && places.relations {
        relations::of_link(directory, name, id, found);
    }
    None
}
