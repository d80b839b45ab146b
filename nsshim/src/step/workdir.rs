//! The working directory.

use std::fmt;

use nix::unistd::chdir;

use crate::error::{Named, Result};
use crate::spec::Workdir;

pub(super) fn enter(workdir: &Workdir) -> Result<()> {
    match workdir {
        // The path is walked again, because our mounts may now cover it.
        Workdir::Keep(path) if chdir(path).is_ok() => Ok(()),
        Workdir::Keep(_) => chdir("/").call(|| "chdir(\"/\")".into()),
        Workdir::Set(path) => chdir(path).call(|| format!("chdir({path:?})")),
    }
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, workdir: &Workdir) -> fmt::Result {
    match workdir {
        Workdir::Keep(path) => write!(f, "chdir({path:?}) || chdir(\"/\")"),
        Workdir::Set(path) => write!(f, "chdir({path:?})"),
    }
}

pub(super) fn stand_in(path: &'static str) -> Result<()> {
    chdir(path).call(|| format!("chdir({path:?})"))
}
