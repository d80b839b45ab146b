//! What stands in the new /dev: devices of the host's, directories, links.

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

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
    mount(Some(name), target.as_str(), None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .call(|| format!("mount({name:?}, {target:?}, NULL, MS_BIND)"))
}

pub(super) fn directory(path: &'static str) -> Result<()> {
    std::fs::DirBuilder::new().mode(0o755).create(path).call(|| format!("mkdir({path:?}, 0755)"))
}

pub(super) fn symlink(target: &'static str, link: &'static str) -> Result<()> {
    std::os::unix::fs::symlink(target, link).call(|| format!("symlink({target:?}, {link:?})"))
}
