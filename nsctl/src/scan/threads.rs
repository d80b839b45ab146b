//! Namespaces by threads that are elsewhere than their process, setns(2) and unshare(2).

use std::os::fd::OwnedFd;

use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;
use nsshim::spec::Kind;

use super::links::{Links, read};
use super::listing::{Numbers, open_directory};
use super::{Found, Holder, Places, relations};

/// Looks at the threads of a process, where it has more than one.
pub(super) fn look(proc: &OwnedFd, pid: i32, links: &Links, places: Places, found: &mut Found) {
    let path = format!("{pid}/task");
    // A directory has two links and one more per thread. proc_pid_task(5)
    if fstatat(proc, path.as_str(), AtFlags::empty()).is_ok_and(|status| status.st_nlink <= 3) {
        return;
    }
    for tid in Numbers::of(proc, &path).into_iter().flatten() {
        if tid == pid {
            continue;
        }
        let Ok(directory) = open_directory(proc, &format!("{pid}/task/{tid}/ns")) else { continue };
        let Ok(own) = read(&directory) else { continue };
        for kind in Kind::ALL {
            let id = own[kind as usize];
            if id == 0 || id == links[kind as usize] {
                continue;
            }
            let (namespace, new) = found.entry(kind, id);
            namespace.hold(Holder::Thread { pid, tid });
            if new && places.relations {
                relations::of_link(&directory, kind.file(), id, found);
            }
        }
    }
}
