//! `--propagation`.

use std::path::Path;

use nsshim::spec::Propagation;

use crate::args::{PropagationArg, RunArgs};
use crate::error::Error;
use crate::mountinfo;

/// How mounts travel, when that can be had without showing ours to the host.
pub fn resolve(args: &RunArgs) -> Result<Propagation, Error> {
    let propagation = match args.propagation {
        None | Some(PropagationArg::Private) => Propagation::Private,
        Some(PropagationArg::Slave) => Propagation::Slave,
        Some(PropagationArg::Shared) => Propagation::Shared,
        Some(PropagationArg::Unchanged) => Propagation::Unchanged,
    };
    if matches!(propagation, Propagation::Shared | Propagation::Unchanged) {
        check_mount_points(propagation)?;
    }
    Ok(propagation)
}

/// What is mounted on a directory of a shared mount appears on the host as well.
/// Only what is a mount of its own can be made private alone.
fn check_mount_points(propagation: Propagation) -> Result<(), Error> {
    let mounts = mountinfo::here();
    let is_mount = |path: &str| mounts.iter().any(|mount| mount.target == Path::new(path));
    let Some(path) = ["/proc", "/dev", "/sys"].into_iter().find(|path| !is_mount(path)) else {
        return Ok(());
    };
    let word = match propagation {
        Propagation::Shared => "shared",
        _ => "unchanged",
    };
    Err(Error::new(format!("cannot run with --propagation {word}: {path} is no mount point"))
        .because(format!("the container's own {path} would appear on the host"))
        .try_this(format!("--propagation slave, or first: mount --bind {path} {path}")))
}
