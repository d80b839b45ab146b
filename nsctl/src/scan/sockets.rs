//! Network namespaces by sockets: one stays where it was made, wherever its process goes.

use std::fs::File;
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::unistd::Pid;
use nsshim::spec::Kind;
use nsshim::sys;

use super::{Found, Holder, relations};

/// Looks at the sockets of a process. Needs the right to trace it, and CAP_NET_ADMIN where
/// each socket is; without, nothing is found.
pub(super) fn look(pid: i32, numbers: &[i32], found: &mut Found) {
    if !super::relations::is_privileged() {
        return;
    }
    let Ok(process) = sys::pidfd_open(Pid::from_raw(pid)) else { return };
    for &fd in numbers {
        let socket = match sys::pidfd_getfd(&process, fd) {
            Ok(socket) => socket,
            Err(Errno::EBADF) => continue,
            Err(_) => return,
        };
        let Ok(namespace) = sys::get_socket_netns(&socket).map(File::from) else { continue };
        drop(socket);
        let Ok(id) = namespace.metadata().map(|found| found.ino()) else { continue };
        let (entry, new) = found.entry(Kind::Net, id);
        if new || entry.processes == 0 {
            entry.hold(Holder::Socket { pid, fd });
        }
        if new {
            relations::of_open(namespace.into(), Kind::Net, id, found);
        }
    }
}
