//! Keeping a namespace in a file: a bind mount of /proc/PID/ns/KIND, as
//! unshare(1) and ip-netns(8) do.

use std::fmt;
use std::fs::Metadata;
use std::os::fd::AsRawFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;
use nix::unistd::Pid;

use super::OutsideContext;
use crate::error::{Named, Result};
use crate::spec::Persist;

pub(super) fn bind(context: &OutsideContext<'_>, persist: &Persist) -> Result<()> {
    let child = context.child.map_or(0, Pid::as_raw);
    let name = format!("{child}/ns/{}", persist.kind.file());
    // The child is alive and waits for us, so its pid cannot have been used again.
    let namespace =
        openat(context.proc, name.as_str(), OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
            .call(|| format!("open(\"/proc/{name}\", O_PATH)"))?;
    let created = stand(&persist.path)?;
    let source = format!("/proc/self/fd/{}", namespace.as_raw_fd());
    mount(Some(source.as_str()), &persist.path, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .call(|| format!("mount(\"/proc/{name}\", {:?}, NULL, MS_BIND)", persist.path))
        .inspect_err(|_| {
            if created {
                let _ = std::fs::remove_file(&persist.path);
            }
        })
}

/// Takes a bound namespace off its file, and the file away when nothing is in it.
pub fn release(persist: &Persist) {
    let flags = MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW;
    let released = umount2(&persist.path, flags).is_ok();
    let is_empty = |found: Metadata| found.is_file() && found.len() == 0;
    if released && std::fs::symlink_metadata(&persist.path).is_ok_and(is_empty) {
        let _ = std::fs::remove_file(&persist.path);
    }
}

/// The mount needs a file to stand on; one that exists is not touched. Returns
/// whether it was made.
fn stand(path: &Path) -> Result<bool> {
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    match open(path, flags, Mode::S_IRUSR) {
        Err(Errno::EEXIST) => Ok(false),
        made => made.map(|_| true).call(|| format!("open({path:?}, O_CREAT|O_EXCL, 0400)")),
    }
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, persist: &Persist) -> fmt::Result {
    let file = persist.kind.file();
    write!(f, "mount(\"/proc/CHILD/ns/{file}\", {:?}, NULL, MS_BIND)", persist.path)
}
