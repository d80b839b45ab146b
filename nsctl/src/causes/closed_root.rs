//! A root that is there, and that the workload's ids may not enter.

use nix::errno::Errno;
use nsshim::Failure;
use nsshim::spec::RootSource;

use super::access::closed;
use super::{Cause, Scene};
use crate::error::Finding;

/// Which things can be wrong.
pub const CAUSES: &[Cause] =
    &[Cause { name: "root-closed", explains: looks_into_root, look: root_closed }];

fn looks_into_root(failure: &Failure) -> bool {
    failure.errno == Errno::EACCES && failure.call.starts_with("openat2(root,")
}

fn root_closed(scene: &Scene<'_>) -> Option<Finding> {
    let root = scene.asked.inside.root.as_ref()?;
    let RootSource::Directory(path) = &root.source else { return None };
    // With idmapped owners the modes count for other ids than those on the disk.
    if root.idmap {
        return None;
    }
    let ids = &scene.asked.ids;
    // Something in it is looked for.
    let obstacle = closed(&path.join("proc"), ids)?;
    Some(
        Finding::new(obstacle.told(ids))
            .try_this("a root whose files belong to the caller, or --map-auto"),
    )
}
