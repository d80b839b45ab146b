//! Namespaces by open descriptors.

use std::ffi::CStr;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fstat};
use nsshim::spec::Kind;
use nsshim::sys;

use super::facts::read_all;
use super::listing::{Numbers, open_directory};
use super::target::FIRST;
use super::{Found, Holder, Id, Places, link, relations, sockets};

/// Looks at the descriptors of a process.
pub(super) fn look(proc: &OwnedFd, pid: i32, places: Places, found: &mut Found) {
    let Ok(directory) = open_directory(proc, &format!("{pid}/fd")) else { return };
    let mut table = Table { directory, pid, places, sockets: Vec::new() };
    // Most processes have 0, 1, 2 and so on, and the kernel counts them in a fifth of the time in
    // which it lists them. Linux 6.2; before, it says that there are none.
    let count = table.count();
    let in_a_row = (0..count).find(|&fd| table.look_at(fd, found).is_err()).unwrap_or(count);
    if count == 0 || in_a_row < count {
        for fd in Numbers::of(&table.directory, ".").into_iter().flatten() {
            if fd >= in_a_row {
                let _ = table.look_at(fd, found);
            }
        }
    }
    if !table.sockets.is_empty() && places.relations {
        sockets::look(pid, &table.sockets, found);
    }
}

/// The descriptors of a process.
struct Table {
    directory: OwnedFd,
    pid: i32,
    places: Places,
    /// Which are sockets.
    sockets: Vec<i32>,
}

impl Table {
    /// How many are open.
    fn count(&self) -> i32 {
        fstat(&self.directory).map_or(0, |status| status.st_size) as i32
    }

    /// Looks at one.
    ///
    /// # Errors
    /// It is not open.
    fn look_at(&mut self, fd: i32, found: &mut Found) -> nix::Result<()> {
        let mut name = [0; 12];
        let _ = write!(&mut name[..], "{fd}");
        let name = CStr::from_bytes_until_nul(&name).unwrap_or_default();
        // A path may be longer; then it is none of those.
        let mut text = [0; 32];
        let text = sys::readlinkat(&self.directory, name, &mut text)?;
        if text.starts_with(b"/") {
            if text == b"/" {
                self.look_at_unmounted(fd, name, found);
            }
            return Ok(());
        }
        if text.starts_with(b"socket:[") {
            self.sockets.push(fd);
            return Ok(());
        }
        let Some((kind, id)) = link::parse(text) else { return Ok(()) };
        let (namespace, new) = found.entry(kind, id);
        namespace.hold(Holder::Descriptor { pid: self.pid, fd });
        if new && self.places.relations {
            relations::of_link(&self.directory, &fd.to_string(), id, found);
        }
        Ok(())
    }

    /// A namespace that was opened by the file it was mounted on shows as that file: as `/`, once it
    /// is unmounted, and then no mount tells of it either.
    fn look_at_unmounted(&self, fd: i32, name: &CStr, found: &mut Found) {
        // Others are not touched: a file system that is gone may not answer.
        if self.inode_of(fd).is_none_or(|inode| inode < FIRST) {
            return;
        }
        let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
        let Ok(place) = openat(&self.directory, name, flags, Mode::empty()) else { return };
        let Some(opened) = relations::open_namespace_at(&place.into()) else { return };
        let kind = sys::get_ns_kind(opened.as_fd()).ok();
        let kind = Kind::ALL.into_iter().find(|one| Some(one.flag().bits()) == kind);
        let (Some(kind), Some(id)) = (kind, relations::id_of(&opened)) else { return };
        let (namespace, new) = found.entry(kind, id);
        namespace.hold(Holder::Descriptor { pid: self.pid, fd });
        if new && self.places.relations {
            relations::of_open(opened, kind, id, found);
        }
    }

    /// As the kernel tells it without asking the file system. proc_pid_fdinfo(5), Linux 5.14
    fn inode_of(&self, fd: i32) -> Option<Id> {
        let mut text = Vec::new();
        read_all(&self.directory, &format!("../fdinfo/{fd}"), &mut text).ok()?;
        let text = String::from_utf8_lossy(&text);
        text.lines().find_map(|line| line.strip_prefix("ino:"))?.trim().parse().ok()
    }
}
