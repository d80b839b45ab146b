//! The working directory.

use std::fmt;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::{chdir, fchdir, getcwd};

use crate::error::{CallError, Named, Result};
use crate::spec::Workdir;
use crate::sys;

/// Enters it by a path that is walked anew: our mounts may now cover it.
///
/// Until now we stand in the host's /dev, and a path such as /proc/self/cwd would
/// lead there (CVE-2024-21626); so we leave it first, follow no magic link, and
/// check that where we are has a name inside.
pub(super) fn enter(workdir: &Workdir) -> Result<()> {
    chdir("/").call(|| "chdir(\"/\")".into())?;
    match workdir {
        Workdir::Keep(path) if go(path).is_ok() => Ok(()),
        Workdir::Keep(_) => chdir("/").call(|| "chdir(\"/\")".into()),
        Workdir::Set(path) => go(path).map_err(|errno| CallError { call: call(path), errno }),
    }
}

fn go(path: &Path) -> nix::Result<()> {
    let directory = sys::open_directory(path)?;
    fchdir(&directory)?;
    // The kernel calls what is outside of our root "(unreachable)", which is no path.
    match getcwd() {
        Ok(path) if path.is_absolute() => Ok(()),
        _ => Err(Errno::EXDEV),
    }
}

fn call(path: &Path) -> String {
    format!("chdir({path:?})")
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, workdir: &Workdir) -> fmt::Result {
    match workdir {
        Workdir::Keep(path) => write!(f, "chdir({path:?}) || chdir(\"/\")"),
        Workdir::Set(path) => f.write_str(&call(path)),
    }
}

pub(super) fn change_root(path: &Path) -> Result<()> {
    nix::unistd::chroot(path).call(|| format!("chroot({path:?})"))?;
    chdir("/").call(|| "chdir(\"/\")".into())
}

pub(super) fn stand_in(path: &'static str) -> Result<()> {
    chdir(path).call(|| format!("chdir({path:?})"))
}
