//! The id maps of a new user namespace.

use nsshim::spec::{ContainerId, HostId, IdKind, IdMap, IdMaps, Setgroups};
use nsshim::{Host, MapWriter};

use super::lines::{check, every_id, explicit, identity, stack};
use super::{account_id, helper};
use crate::args::{RunArgs, SetgroupsArg};
use crate::error::Error;
use crate::resolve::accounts::Accounts;
use crate::resolve::subids;

pub(super) fn maps(
    args: &RunArgs,
    host: &Host,
    accounts: &Accounts,
) -> Result<Option<IdMaps>, Error> {
    let auto = ["auto".to_string()];
    let (asked_users, asked_groups) = match args.map_auto {
        true => (&auto[..], &auto[..]),
        false => (&args.map_users[..], &args.map_groups[..]),
    };
    let none = |asked: &[String]| asked.iter().any(|map| map == "none");
    if none(asked_users) || none(asked_groups) {
        refuse_without_maps(args)?;
        return Ok(None);
    }
    let own_user = single(args.map_user.as_deref(), args, host.uid, IdKind::User, accounts)?;
    let own_group = single(args.map_group.as_deref(), args, host.gid, IdKind::Group, accounts)?;
    let users = lines(IdKind::User, asked_users, own_user, host.uid, host)?;
    let groups = lines(IdKind::Group, asked_groups, own_group, host.gid, host)?;

    // Whoever may write only the own group must deny setgroups; a grant in
    // /etc/subgid or CAP_SETGID makes it safe.
    let only_own = matches!(groups[..], [line] if line.count == 1 && line.outside == host.gid);
    let setgroups = match args.setgroups {
        Some(SetgroupsArg::Allow) if host.setgroups_denied => {
            return Err(Error::new("cannot allow setgroups")
                .because("it is denied in the user namespace that nsctl runs in (/proc/self/setgroups), and so in all nested in it")
                .try_this("--setgroups deny, or a start further out"));
        }
        Some(SetgroupsArg::Allow) if only_own && !host.may_map_any_id() => {
            return Err(Error::new("cannot allow setgroups")
                .because("without root only the caller's own group is mapped, and the kernel lets nobody drop groups that may deny a file")
                .try_this("--map-groups auto (needs a range in /etc/subgid)"));
        }
        Some(SetgroupsArg::Allow) => Setgroups::Allow,
        Some(SetgroupsArg::Deny) => Setgroups::Deny,
        None if only_own || host.setgroups_denied => Setgroups::Deny,
        None => Setgroups::Allow,
    };
    let maps = IdMaps { users, groups, setgroups };
    if MapWriter::of(&maps, host) == MapWriter::Helpers {
        for (kind, own) in [(IdKind::User, host.uid), (IdKind::Group, host.gid)] {
            subids::check_granted(kind, own, host.uid, maps.lines(kind))?;
            helper::check(kind)?;
        }
    }
    Ok(Some(maps))
}

/// `none` leaves both maps out, so nothing else can be said about ids.
fn refuse_without_maps(args: &RunArgs) -> Result<(), Error> {
    let others = [
        ("another --map-users or --map-groups", {
            let asked = args.map_users.iter().chain(&args.map_groups);
            asked.clone().any(|map| map != "none")
        }),
        ("--keep-id", args.keep_id),
        ("--map-root-user", args.map_root_user),
        ("--map-user", args.map_user.is_some()),
        ("--map-group", args.map_group.is_some()),
        ("--setgroups", args.setgroups.is_some()),
        ("--user", args.user.is_some()),
        ("--groups", !args.groups.is_empty()),
    ];
    match others.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((option, _)) => {
            Err(Error::new(format!("an id map of none and {option} contradict each other"))
                .because("without maps no id exists inside")
                .try_this("one of them"))
        }
    }
}

/// The id that the caller's own is mapped to, if an option names one.
fn single(
    asked: Option<&str>,
    args: &RunArgs,
    own: HostId,
    kind: IdKind,
    accounts: &Accounts,
) -> Result<Option<ContainerId>, Error> {
    match asked {
        _ if args.keep_id => Ok(Some(ContainerId(own.0))),
        _ if args.map_root_user => Ok(Some(ContainerId(0))),
        Some(text) => account_id(kind, text, accounts).map(|id| Some(ContainerId(id))),
        None => Ok(None),
    }
}

fn lines(
    kind: IdKind,
    asked: &[String],
    own_inside: Option<ContainerId>,
    own: HostId,
    host: &Host,
) -> Result<Vec<IdMap>, Error> {
    // Without a word the caller becomes root.
    let own_inside =
        if asked.is_empty() { Some(own_inside.unwrap_or(ContainerId(0))) } else { own_inside };
    let held = own_inside.map(|inside| IdMap { inside, outside: own, count: 1 });
    let mut lines: Vec<IdMap> = held.into_iter().collect();
    for map in asked {
        match map.as_str() {
            "auto" => {
                let granted = subids::granted(kind, host)?;
                lines.extend(stack(granted.first().copied(), held));
            }
            "subids" => {
                let granted = subids::granted(kind, host)?;
                lines.extend(granted.iter().map(|range| identity(range.start, range.count)));
            }
            "all" => lines.extend(every_id(kind, host, own, held)?),
            triple => lines.push(explicit(kind, triple)?),
        }
    }
    check(kind, &lines)?;
    Ok(lines)
}
