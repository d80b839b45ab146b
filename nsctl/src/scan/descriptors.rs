//! Namespaces by open descriptors.

use std::ffi::CStr;
use std::io::Write;
use std::os::fd::OwnedFd;

use nix::sys::stat::fstat;
use nsshim::sys;

use super::listing::{Numbers, open_directory};
use super::{Found, Holder, Places, link, relations, sockets};

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
}
