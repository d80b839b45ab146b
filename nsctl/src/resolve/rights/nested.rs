//! Whether containers may be made inside.

use std::os::unix::fs::MetadataExt;

use nsshim::Host;
use nsshim::spec::{HostId, IdMaps, Kind, Namespaces, Nested};

use crate::args::RightsArgs;
use crate::error::Error;

/// Resolves `--nesting` and `--no-nested-userns`.
pub fn resolve(
    args: &RightsArgs,
    namespaces: &Namespaces,
    maps: Option<&IdMaps>,
    host: &Host,
) -> Result<Nested, Error> {
    if args.no_nested_userns {
        return Ok(Nested::Denied);
    }
    if !args.nesting {
        return Ok(Nested::Default);
    }
    // With --privileged nothing is hidden anyhow.
    if !args.privileged && holds_machines_root(namespaces, maps, host) {
        return Err(Error::new("cannot let containers be made inside: root would be the host's")
            .because(
                "what may be mounted again inside must not be hidden, and the host's root could \
                 write the kernel's settings in /proc/sys",
            )
            .try_this(
                "another root: --map-users 0:100000:65536 --map-groups 0:100000:65536, nsctl as \
                 a user; or --privileged",
            ));
    }
    Ok(Nested::Allowed)
}

/// Whether somebody inside is the owner of the kernel's files.
fn holds_machines_root(namespaces: &Namespaces, maps: Option<&IdMaps>, host: &Host) -> bool {
    // Files of proc belong to the machine's root, whoever that is in the caller's user namespace:
    // the overflow id where it is nobody. Without a /proc it is taken for the usual.
    let owner = std::fs::metadata("/proc/version").map_or(0, |file| file.uid());
    let root = HostId(owner);
    match maps {
        _ if namespaces.is_host(Kind::User) => host.uid == root,
        Some(maps) => maps.users.iter().any(|line| line.inside_of(root).is_some()),
        None => false,
    }
}
