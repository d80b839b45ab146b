//! Who the caller is inside: id maps, user, groups.

mod helper;
mod lines;
mod maps;
mod user;

use nix::errno::Errno;
use nsshim::Host;
use nsshim::spec::{Choice, ContainerId, IdKind, IdMaps, Joined, Kind, Namespaces, Together, User};

use super::accounts::Accounts;
use super::numbers;
use crate::args::RunArgs;
use crate::error::{Error, shown};

/// The resolved identity.
pub struct Identity {
    /// The maps of a new user namespace.
    pub maps: Option<IdMaps>,
    /// Whom to become; `None` leaves the ids as they are.
    pub user: Option<User>,
    /// The workload's user inside, whether it had to become it or not.
    pub uid: ContainerId,
}

/// Resolves everything about ids.
pub fn resolve(
    args: &RunArgs,
    host: &Host,
    namespaces: &Namespaces,
    accounts: &Accounts,
) -> Result<Identity, Error> {
    let maps = match namespaces.get(Kind::User) {
        Choice::New => maps::maps(args, host, accounts)?,
        Choice::Join(joined) => {
            refuse_maps(args)?;
            Some(joined_maps(joined, namespaces.together())?).filter(|maps| !maps.users.is_empty())
        }
        Choice::Host => {
            refuse_maps(args)?;
            None
        }
    };
    if args.preserve_credentials {
        return Ok(Identity { maps: None, user: None, uid: ContainerId(host.uid.0) });
    }
    let user = user::user(args, host, namespaces, maps.as_ref(), accounts)?;
    let stays = || match &maps {
        Some(maps) => maps.default_id(IdKind::User, host.uid).unwrap_or(ContainerId(host.uid.0)),
        None => ContainerId(host.uid.0),
    };
    let uid = user.as_ref().map_or_else(stays, |user| user.uid);
    Ok(Identity { maps, user, uid })
}

/// Whether an option was given that only a new user namespace can serve.
pub fn asks_for_maps(args: &RunArgs) -> bool {
    args.keep_id
        || args.map_root_user
        || args.map_auto
        || args.map_user.is_some()
        || args.map_group.is_some()
        || !args.map_users.is_empty()
        || !args.map_groups.is_empty()
        || args.setgroups.is_some()
}

/// Refuses options that only a new user namespace can serve.
pub fn refuse_maps(args: &RunArgs) -> Result<(), Error> {
    if asks_for_maps(args) {
        return Err(Error::new("cannot map ids without a new user namespace")
            .because("--userns is host or a namespace that exists, whose maps are written")
            .try_this("leave --userns out, or the --map, --keep-id and --setgroups options"));
    }
    Ok(())
}

fn joined_maps(joined: &Joined, together: Option<&Together>) -> Result<IdMaps, Error> {
    nsshim::id_maps_of(joined, together).map_err(|error| {
        let path = joined.path.display();
        let message = Error::new(format!("cannot join the user namespace {path}: {error}"));
        match error.errno {
            Errno::EPERM => message
                .because("it was made by another user, or below one that was")
                .try_this("sudo nsctl …, or a container of your own"),
            _ => message,
        }
    })
}

/// A number, or a name of the /etc/passwd or /etc/group inside.
fn account_id(kind: IdKind, text: &str, accounts: &Accounts) -> Result<u32, Error> {
    if let Some(id) = numbers::id(text) {
        return Ok(id);
    }
    let by_name = match kind {
        IdKind::User => accounts.user(text)?.map(|account| account.uid),
        IdKind::Group => accounts.group(text)?,
    };
    by_name.ok_or_else(|| no_such(kind, text, accounts))
}

fn no_such(kind: IdKind, text: &str, accounts: &Accounts) -> Error {
    let (word, file) = match kind {
        IdKind::User => ("user", "/etc/passwd"),
        IdKind::Group => ("group", "/etc/group"),
    };
    let file = accounts.place(file);
    Error::new(format!("no such {word}: {}", shown(text)))
        .because(format!("neither a number from 0 to 4294967294 nor a name in {file}"))
        .try_this(format!("a number, or a name that `cut -d: -f1 {file}` lists"))
}
