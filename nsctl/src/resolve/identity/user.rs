//! Whom the workload is: user, group and supplementary groups inside.

use caps::Capability;
use nsshim::Host;
use nsshim::spec::{ContainerId, IdKind, IdMaps, Kind, Namespaces, Setgroups, User};

use super::{account_id, no_such};
use crate::args::RunArgs;
use crate::error::Error;
use crate::resolve::accounts::Accounts;
use crate::resolve::numbers;

pub(super) fn user(
    args: &RunArgs,
    host: &Host,
    namespaces: &Namespaces,
    maps: Option<&IdMaps>,
    accounts: &Accounts,
) -> Result<Option<User>, Error> {
    let denied = match maps {
        Some(maps) => maps.setgroups == Setgroups::Deny,
        None => !host.may_set_groups(),
    };
    if denied && !args.groups.is_empty() {
        return Err(Error::new("cannot set --groups: setgroups is denied")
            .because("only the caller's own group is mapped, or --setgroups deny was given")
            .try_this("--map-groups auto (needs a range in /etc/subgid)"));
    }
    let (uid, gid, with_name) = match &args.user {
        Some(text) => named_user(text, accounts)?,
        None => match default_ids(host, maps) {
            Some((uid, gid)) => (uid, gid, Vec::new()),
            None if args.groups.is_empty() => return Ok(None),
            None => (host.uid.0, host.gid.0, Vec::new()),
        },
    };
    let mut groups = Vec::new();
    for group in &args.groups {
        groups.push(account_id(IdKind::Group, group, accounts)?);
    }
    if let Some(maps) = maps {
        let joined = !namespaces.is_new(Kind::User);
        require_mapped(maps, joined, IdKind::User, uid)?;
        require_mapped(maps, joined, IdKind::Group, gid)?;
        for &group in &groups {
            require_mapped(maps, joined, IdKind::Group, group)?;
        }
    } else if namespaces.is_host(Kind::User) {
        require_right(host, uid, gid)?;
    }
    let exists =
        |&group: &u32| maps.is_none_or(|maps| maps.maps(IdKind::Group, ContainerId(group)));
    groups.extend(with_name.into_iter().filter(exists));
    let groups = match denied {
        _ if args.keep_groups => None,
        false => Some(groups.into_iter().map(ContainerId).collect()),
        // Whoever may drop groups outside does it there; see the plan.
        true if host.may_set_groups() => Some(Vec::new()),
        true => {
            log::info!("setgroups is denied: the caller's supplementary groups stay");
            None
        }
    };
    let stays = args.user.is_none() && maps.is_some_and(|maps| own_ids(host, maps).is_some());
    if stays && groups.is_none() {
        // The ids are right without a call.
        return Ok(None);
    }
    Ok(Some(User { uid: ContainerId(uid), gid: ContainerId(gid), groups }))
}

/// Whom a container starts as when nobody is named; `None` as it is.
fn default_ids(host: &Host, maps: Option<&IdMaps>) -> Option<(u32, u32)> {
    let maps = maps?;
    let uid = maps.default_id(IdKind::User, host.uid)?;
    let gid = maps.default_id(IdKind::Group, host.gid)?;
    Some((uid.0, gid.0))
}

/// What the caller's own ids are inside, when both are mapped.
fn own_ids(host: &Host, maps: &IdMaps) -> Option<(ContainerId, ContainerId)> {
    let inside = |kind, id| maps.lines(kind).iter().find_map(|line| line.inside_of(id));
    Some((inside(IdKind::User, host.uid)?, inside(IdKind::Group, host.gid)?))
}

/// In the host's user namespace only a privileged caller becomes somebody else.
fn require_right(host: &Host, uid: u32, gid: u32) -> Result<(), Error> {
    let other_user = uid != host.uid.0 && !host.has(Capability::CAP_SETUID);
    let other_group = gid != host.gid.0 && !host.has(Capability::CAP_SETGID);
    if !other_user && !other_group {
        return Ok(());
    }
    Err(Error::new(format!("cannot become {uid}:{gid} in the host's user namespace"))
        .because(format!(
            "the caller is {}:{} and lacks CAP_SETUID and CAP_SETGID",
            host.uid.0, host.gid.0
        ))
        .try_this("a new user namespace with ranges: --map-auto"))
}

/// The map of a user namespace that is joined is as it is.
fn require_mapped(maps: &IdMaps, joined: bool, kind: IdKind, id: u32) -> Result<(), Error> {
    if maps.maps(kind, ContainerId(id)) {
        return Ok(());
    }
    let error = Error::new(format!("cannot become {} {id}: it is not mapped", kind.id()));
    let lines = maps.lines(kind);
    let shown: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let error = error.because(match &shown[..] {
        [] => format!("the map of the user namespace that is joined has no {}", kind.id()),
        shown => format!("the map is \"{}\" (inside, outside, count)", shown.join(", ")),
    });
    Err(match (joined, lines.first(), kind) {
        (true, Some(line), _) => {
            error.try_this(format!("a {} of that map, such as {}", kind.id(), line.inside.0))
        }
        (true, None, _) => error.try_this("nsctl enter --preserve-credentials …"),
        (false, _, IdKind::User) => error.try_this(
            "--map-auto (needs ranges in /etc/subuid and /etc/subgid), --keep-id, or --map-user",
        ),
        (false, _, IdKind::Group) => error
            .try_this("--map-auto (needs ranges in /etc/subuid and /etc/subgid), or --map-group"),
    })
}

/// `UID`, `NAME`, `UID:GID`, `NAME:GROUP`; a name brings its groups.
fn named_user(text: &str, accounts: &Accounts) -> Result<(u32, u32, Vec<u32>), Error> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let account = accounts.user(user)?;
    let uid = match (&account, numbers::id(user)) {
        (Some(account), _) => account.uid,
        (None, Some(uid)) => uid,
        (None, None) => return Err(no_such(IdKind::User, user, accounts)),
    };
    let gid = match group {
        Some(group) => account_id(IdKind::Group, group, accounts)?,
        None => account.as_ref().map_or(0, |account| account.gid),
    };
    let groups = match (&account, group) {
        (Some(account), None) => accounts.groups_of(&account.name)?,
        _ => Vec::new(),
    };
    Ok((uid, gid, groups))
}
