//! Capabilities: docker's, with what is added and without what is dropped.

use caps::Capability;
use nsshim::seccomp::DOCKER_DEFAULT_CAPABILITIES;
use nsshim::spec::{Kind, Namespaces};

use crate::args::RightsArgs;
use crate::error::{Error, shown};

/// The bounding set: bit n is capability n.
pub fn resolve(args: &RightsArgs, namespaces: &Namespaces) -> Result<u64, Error> {
    let all = || caps::all().into_iter().fold(0, |set, cap| set | cap.bitmask());
    let added = set_of(&args.cap_add)?;
    let dropped = set_of(&args.cap_drop)?;
    let base = match args.privileged {
        true => all(),
        // docker has a device filter beside CAP_MKNOD. Until there is one here, a real
        // root could make a node for any disk; in a user namespace it opens nothing.
        false if namespaces.is_host(Kind::User) => {
            DOCKER_DEFAULT_CAPABILITIES & !Capability::CAP_MKNOD.bitmask()
        }
        false => DOCKER_DEFAULT_CAPABILITIES,
    };
    // A name beats ALL: `--cap-drop ALL --cap-add CHOWN` leaves one, as docker's.
    match (added, dropped) {
        (Wanted::All, Wanted::Some(dropped)) => Ok(all() & !dropped),
        (Wanted::Some(added), Wanted::All) => Ok(added),
        (Wanted::All, Wanted::All) => {
            Err(Error::new("--cap-add ALL and --cap-drop ALL contradict each other")
                .try_this("one of them"))
        }
        (Wanted::Some(added), Wanted::Some(dropped)) if added & dropped != 0 => {
            let both = caps::all().into_iter().find(|cap| added & dropped & cap.bitmask() != 0);
            let both = both.map(|cap| cap.to_string()).unwrap_or_default();
            Err(Error::new(format!("{both} is both added and dropped"))
                .try_this("one of --cap-add and --cap-drop for it"))
        }
        (Wanted::Some(added), Wanted::Some(dropped)) => Ok((base | added) & !dropped),
    }
}

/// `--cap-ambient`, which must be among the capabilities.
pub fn ambient(args: &RightsArgs, capabilities: u64) -> Result<u64, Error> {
    let wanted = match set_of(&args.cap_ambient)? {
        Wanted::All => capabilities,
        Wanted::Some(wanted) => wanted,
    };
    match caps::all().into_iter().find(|cap| wanted & !capabilities & cap.bitmask() != 0) {
        None => Ok(wanted),
        Some(cap) => {
            Err(Error::new(format!("{cap} cannot be ambient: the container does not have it"))
                .try_this(format!("--cap-add {cap}")))
        }
    }
}

#[derive(Clone, Copy)]
enum Wanted {
    All,
    Some(u64),
}

fn set_of(names: &[String]) -> Result<Wanted, Error> {
    let mut set = 0;
    for name in names {
        let upper = name.to_ascii_uppercase();
        if upper == "ALL" {
            return Ok(Wanted::All);
        }
        let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
        let capability: Capability = full.parse().map_err(|_| {
            Error::new(format!("no such capability: {}", shown(name)))
                .try_this("a name of capabilities(7), such as NET_ADMIN, or ALL")
        })?;
        set |= capability.bitmask();
    }
    Ok(Wanted::Some(set))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_and_without_prefix() {
        let bits = |names: &[&str]| match set_of(
            &names.iter().map(ToString::to_string).collect::<Vec<_>>(),
        )
        .unwrap()
        {
            Wanted::Some(set) => set,
            Wanted::All => u64::MAX,
        };
        assert_eq!(bits(&["CAP_CHOWN", "kill"]), 1 | 1 << 5);
        assert_eq!(bits(&["all"]), u64::MAX);
        assert!(set_of(&["CAP_NOPE".into()]).is_err());
    }
}
