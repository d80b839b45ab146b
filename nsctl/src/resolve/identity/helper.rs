//! Whether newuidmap(1) and newgidmap(1) can work: each of the reasons why not
//! would show as the same EPERM.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, statvfs};
use nsshim::spec::IdKind;

use crate::error::Error;

/// Where the helper is looked for, as the shim will.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Refuses a helper that is missing or cannot have its rights.
pub fn check(kind: IdKind) -> Result<(), Error> {
    let name = kind.helper();
    let refused = |cause: String| {
        Error::new(format!("cannot map {}s: {name} cannot write them", kind.id())).because(cause)
    };
    let path = find(name).ok_or_else(|| {
        refused(format!("{name} is not installed"))
            .named("helper-missing")
            .try_this("apt install uidmap, or dnf install shadow-utils")
    })?;
    if let Some(cause) = no_rights(&path) {
        let remedy = format!("chmod u+s {} as root", path.display());
        return Err(refused(cause).named("helper-not-set-user-id").try_this(remedy));
    }
    if statvfs(&path).is_ok_and(|found| found.flags().contains(FsFlags::ST_NOSUID)) {
        return Err(refused(format!("{} is on a file system mounted nosuid", path.display()))
            .named("helper-nosuid")
            .try_this("mount it without nosuid, or install uidmap elsewhere"));
    }
    if nix::sys::prctl::get_no_new_privs().unwrap_or(false) {
        return Err(refused(format!(
            "no_new_privs is set for us, so {} gets no rights of its owner",
            path.display()
        ))
        .named("no-new-privs")
        .try_this("nsctl outside of the sandbox or service that sets it"));
    }
    Ok(())
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| {
        fs::metadata(file)
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    })
}

/// Why the file gives no rights: neither its owner's nor capabilities of its own.
fn no_rights(path: &Path) -> Option<String> {
    let found = fs::metadata(path).ok()?;
    let setuid = found.permissions().mode() & 0o4000 != 0;
    let has_capabilities = nsshim::sys::get_xattr(path, c"security.capability").is_some();
    if has_capabilities || (setuid && found.uid() == 0) {
        return None;
    }
    Some(match setuid {
        true => format!("{} belongs to uid {}, not to root", path.display(), found.uid()),
        false => format!("{} is not set-user-ID root", path.display()),
    })
}
