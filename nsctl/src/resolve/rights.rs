//! What the workload may do: capabilities, no_new_privs, system calls, kernel files.

mod capabilities;
mod nested;
mod seccomp;

use nsshim::Host;
use nsshim::spec::{Namespaces, Nested, Rights};

use super::identity::Identity;
use crate::args::RightsArgs;
use crate::error::Error;

/// Resolves what the workload may do.
pub fn resolve(
    args: &RightsArgs,
    namespaces: &Namespaces,
    identity: &Identity,
    host: &Host,
) -> Result<Rights, Error> {
    let capabilities = capabilities::resolve(args, namespaces)?;
    let nested = nested::resolve(args, namespaces, identity.maps.as_ref(), host)?;
    Ok(Rights {
        capabilities,
        no_new_privs: !args.allow_new_privileges && !args.privileged,
        seccomp: seccomp::resolve(args, capabilities)?,
        mask_paths: !args.privileged && nested != Nested::Allowed,
        nested,
    })
}
