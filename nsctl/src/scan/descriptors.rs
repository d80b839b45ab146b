//! Namespaces by open descriptors.

use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use nix::dir::Dir;
use nix::fcntl::{OFlag, readlinkat};
use nix::sys::stat::Mode;

use super::{Found, Holder, Places, link, relations, sockets};

/// Looks at the descriptors of a process.
pub(super) fn look(proc: &OwnedFd, pid: i32, places: Places, found: &mut Found) {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let path = format!("{pid}/fd");
    let Ok(mut directory) = Dir::openat(proc, path.as_str(), flags, Mode::empty()) else { return };
    let mut open: Vec<(i32, Vec<u8>)> = Vec::new();
    let mut names = Vec::new();
    for entry in directory.iter().flatten() {
        let name = entry.file_name().to_owned();
        if name.to_bytes()[0] != b'.' {
            names.push(name);
        }
    }
    let mut socket_numbers = Vec::new();
    for name in names {
        let Ok(text) = readlinkat(&directory, name.as_c_str()) else { continue };
        let Some(fd) = name.to_str().ok().and_then(|name| name.parse().ok()) else { continue };
        if text.as_bytes().starts_with(b"socket:[") {
            socket_numbers.push(fd);
        } else if !text.as_bytes().starts_with(b"/") {
            open.push((fd, text.as_bytes().to_vec()));
        }
    }
    for (fd, text) in open {
        let Some((kind, id)) = link::parse(&text) else { continue };
        let (namespace, new) = found.entry(kind, id);
        namespace.hold(Holder::Descriptor { pid, fd });
        if new && places.relations {
            relations::of_link(&directory, &fd.to_string(), id, found);
        }
    }
    if !socket_numbers.is_empty() && places.relations {
        sockets::look(pid, &socket_numbers, found);
    }
}
