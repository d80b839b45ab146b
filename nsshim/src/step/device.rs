//! What stands in the new /dev: devices of the host's, directories, links, the console.

use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};

use crate::error::{Named, Result};
use crate::sys;

/// Binds the host's device; without root in the first user namespace none can be made.
///
/// The source is relative to the directory stood in: /dev itself is already hidden.
pub(super) fn bind(name: &'static str) -> Result<()> {
    let target = format!("/dev/{name}");
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o666)
        .open(&target)
        .call(|| format!("open({target:?}, O_WRONLY|O_CREAT|O_EXCL, 0666)"))?;
    match mount(Some(name), target.as_str(), None::<&str>, MsFlags::MS_BIND, None::<&str>) {
        // The host has none, so neither has the container. But what hides files is null.
        Err(Errno::ENOENT) if name != "null" => {
            std::fs::remove_file(&target).call(|| format!("unlink({target:?})"))
        }
        other => other.call(|| format!("mount({name:?}, {target:?}, NULL, MS_BIND)")),
    }
}

/// Binds a directory of the host's /dev, with what is mounted on it; one that the host
/// does not have stays empty.
pub(super) fn share(name: &'static str) -> Result<()> {
    let target = format!("/dev/{name}");
    // Not without what is mounted below: a user namespace must not see behind it.
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    match mount(Some(name), target.as_str(), None::<&str>, flags, None::<&str>) {
        Err(Errno::ENOENT) => Ok(()),
        other => other.call(|| format!("mount({name:?}, {target:?}, NULL, MS_BIND|MS_REC)")),
    }
}

pub(super) fn directory(path: &'static str) -> Result<()> {
    std::fs::DirBuilder::new().mode(0o755).create(path).call(|| format!("mkdir({path:?}, 0755)"))
}

pub(super) fn symlink(target: &'static str, link: &'static str) -> Result<()> {
    std::os::unix::fs::symlink(target, link).call(|| format!("symlink({target:?}, {link:?})"))
}

/// Shows the container's terminal as its console too: by descriptor, not by a path such as
/// /dev/pts/0 that could be something else (CVE-2025-52565).
pub(super) fn console() -> Result<()> {
    const CONSOLE: &str = "/dev/console";
    let tty = sys::open_tree_clone(Some(sys::standard_input()), c"", false, false)
        .call(|| "open_tree(tty, OPEN_TREE_CLONE)".into())?;
    let place: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(CONSOLE)
        .call(|| format!("open({CONSOLE:?}, O_WRONLY|O_CREAT|O_EXCL, 0600)"))?;
    sys::move_mount(tty.as_fd(), place.as_fd()).call(|| format!("move_mount(tty, {CONSOLE:?})"))
}
