//! `nsctl ns drop`: lets a kept namespace go.

use std::fs::{self, File};
use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};

use crate::error::Error;
use crate::nsfs::is_namespace;

/// Unmounts the namespace from its file and removes the file.
pub fn release(path: &Path) -> Result<(), Error> {
    let failed =
        |why: String| Error::new(format!("cannot drop the namespace {}: {why}", path.display()));
    let file = File::open(path).map_err(|error| failed(format!("open(): {error}")))?;
    if !is_namespace(&file) {
        let error = failed("no namespace is kept in it".into());
        return Err(error.try_this("a file given to --persist before"));
    }
    // An open namespace lives on.
    drop(file);
    umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW).map_err(|errno| {
        let error = failed(format!("umount2(MNT_DETACH): {errno}"));
        match errno {
            Errno::EPERM => error
                .because("unmounting needs CAP_SYS_ADMIN")
                .try_this(format!("sudo nsctl ns drop {}", path.display())),
            _ => error,
        }
    })?;
    // The file stood there for the mount only, unless somebody had something in it,
    // or another namespace is still on it.
    if fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0) {
        let _ = fs::remove_file(path);
    }
    Ok(())
}
