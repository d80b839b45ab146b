//! What the workload may do: capabilities, no_new_privs, system calls, kernel files.

mod capabilities;
mod label;
mod landlock;
mod nested;
mod seccomp;
mod security_opt;

use nsshim::Host;
use nsshim::spec::{Keyring, Namespaces, Nested, Rights, Seccomp};

use super::identity::Identity;
use crate::args::RightsArgs;
use crate::error::Error;
use security_opt::Translated;

/// Resolves what the workload may do.
pub fn resolve(
    args: &RightsArgs,
    namespaces: &Namespaces,
    identity: &Identity,
    host: &Host,
) -> Result<Rights, Error> {
    let Translated { args, no_new_privs, system_paths } = security_opt::translate(args)?;
    let args = &args;
    let capabilities = capabilities::resolve(args, namespaces)?;
    let nested = nested::resolve(args, namespaces, identity.maps.as_ref(), host)?;
    let seccomp = seccomp::resolve(args, capabilities)?;
    let keyring = match (args.keep_keyring, &seccomp, nested) {
        (true, ..) => Keyring::Callers,
        // It denies asking for keys.
        (false, Seccomp::Default, Nested::Default | Nested::Denied) => Keyring::OwnWithinQuota,
        _ => Keyring::Own,
    };
    Ok(Rights {
        capabilities,
        ambient: capabilities::ambient(args, capabilities)?,
        no_new_privs: no_new_privs.unwrap_or(!args.allow_new_privileges && !args.privileged),
        seccomp,
        mask_paths: !args.privileged && nested != Nested::Allowed && !system_paths,
        nested,
        keyring,
        label: label::resolve(args)?,
        landlock: landlock::resolve(&args.landlock)?,
    })
}
