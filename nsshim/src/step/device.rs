//! What stands in the new /dev: devices of the host's, directories, links.

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};

use crate::error::{Named, Result};

/// Binds the host's device; without root in the first user namespace none can be made.
///
/// The source is relative to the directory stood in: /dev itself is already hidden.
pub(super) fn bind(name: &'static str) -> Result<()> {
    let target = format!("/dev/{name}");
    std::fs::OpenOptions::new()
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
