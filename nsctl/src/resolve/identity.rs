//! Who the caller is inside: id maps, user, groups.

mod helper;

use caps::Capability;
use nix::errno::Errno;
use nsshim::spec::{
    Choice, ContainerId, HostId, IdKind, IdMap, IdMaps, Joined, Kind, Namespaces, Setgroups, User,
};
use nsshim::{Host, MapWriter};

use super::accounts::Accounts;
use super::subids::Range;
use super::{accounts, numbers, subids};
use crate::args::{RunArgs, SetgroupsArg};
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
        Choice::New => maps(args, host, accounts)?,
        Choice::Join(joined) => {
            refuse_maps(args)?;
            Some(joined_maps(joined)?).filter(|maps| !maps.users.is_empty())
        }
        Choice::Host => {
            refuse_maps(args)?;
            None
        }
    };
    let user = user(args, host, namespaces, maps.as_ref(), accounts)?;
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

fn joined_maps(joined: &Joined) -> Result<IdMaps, Error> {
    nsshim::id_maps_of(joined).map_err(|error| {
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

fn maps(args: &RunArgs, host: &Host, accounts: &Accounts) -> Result<Option<IdMaps>, Error> {
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

fn identity(start: u32, count: u32) -> IdMap {
    IdMap { inside: ContainerId(start), outside: HostId(start), count }
}

/// The range from inside 0 on, around the id that is taken already.
fn stack(range: Option<Range>, held: Option<IdMap>) -> Vec<IdMap> {
    let Some(range) = range else { return Vec::new() };
    let line = |inside: u32, offset: u32, count: u32| IdMap {
        inside: ContainerId(inside),
        outside: HostId(range.start + offset),
        count,
    };
    let hole = held.map(|line| line.inside.0).filter(|&inside| inside < range.count);
    match hole {
        None => vec![line(0, 0, range.count)],
        Some(hole) => [line(0, 0, hole), line(hole + 1, hole, range.count - hole)]
            .into_iter()
            .filter(|line| line.count > 0)
            .collect(),
    }
}

/// Every id that the caller can map, as it is.
fn every_id(
    kind: IdKind,
    host: &Host,
    own: HostId,
    held: Option<IdMap>,
) -> Result<Vec<IdMap>, Error> {
    if !host.may_map_any_id() {
        let granted = subids::granted(kind, host)?;
        let own = held.is_none().then(|| identity(own.0, 1));
        let granted = granted.iter().map(|range| identity(range.start, range.count));
        return Ok(own.into_iter().chain(granted).collect());
    }
    let map = accounts::read(&format!("/proc/self/{}", kind.map_file()));
    let mut lines = Vec::new();
    for line in map.lines() {
        let mut fields = line.split_whitespace().filter_map(numbers::id_or_all);
        let (Some(start), Some(_), Some(count)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        lines.extend(without(identity(start, count), held));
    }
    Ok(lines)
}

/// A line with the held id cut out of it, inside and outside.
fn without(line: IdMap, held: Option<IdMap>) -> Vec<IdMap> {
    let mut holes: Vec<u32> =
        held.iter().flat_map(|held| [held.inside.0, held.outside.0]).collect();
    holes.sort_unstable();
    holes.dedup();
    let end = line.inside.0.saturating_add(line.count);
    let mut start = line.inside.0;
    let mut pieces = Vec::new();
    for hole in holes.into_iter().filter(|hole| (line.inside.0..end).contains(hole)).chain([end]) {
        if hole > start {
            pieces.push(identity(start, hole - start));
        }
        start = hole.saturating_add(1);
    }
    pieces
}

fn explicit(kind: IdKind, text: &str) -> Result<IdMap, Error> {
    let wrong = |why: &str| {
        Error::new(format!("cannot read the {} map {}: {why}", kind.id(), shown(text)))
            .try_this("INSIDE:OUTSIDE:COUNT, auto, subids, all or none")
    };
    let fields: Vec<&str> = text.split(':').collect();
    let [inside, outside, count] = fields[..] else {
        return Err(wrong("it has not three fields"));
    };
    let number = |field: &str| {
        numbers::id(field).ok_or_else(|| wrong(&format!("{field:?} is no number below 4294967295")))
    };
    let (inside, outside, count) = (number(inside)?, number(outside)?, number(count)?);
    if count == 0 {
        return Err(wrong("it maps no id"));
    }
    if inside.checked_add(count).is_none() || outside.checked_add(count).is_none() {
        return Err(wrong("it goes past the largest id"));
    }
    Ok(IdMap { inside: ContainerId(inside), outside: HostId(outside), count })
}

/// The kernel says only EINVAL for these.
fn check(kind: IdKind, lines: &[IdMap]) -> Result<(), Error> {
    // 340 lines since Linux 4.15, user_namespaces(7).
    if lines.len() > 340 {
        return Err(Error::new(format!("cannot map {}s: more than 340 lines", kind.id())));
    }
    let overlap = |a: u32, b: u32, a_count: u32, b_count: u32| {
        u64::from(a) < u64::from(b) + u64::from(b_count)
            && u64::from(b) < u64::from(a) + u64::from(a_count)
    };
    for (index, a) in lines.iter().enumerate() {
        for b in &lines[index + 1..] {
            let side = if overlap(a.inside.0, b.inside.0, a.count, b.count) {
                "inside"
            } else if overlap(a.outside.0, b.outside.0, a.count, b.count) {
                "outside"
            } else {
                continue;
            };
            return Err(Error::new(format!(
                "cannot map {}s: \"{a}\" and \"{b}\" overlap {side}",
                kind.id()
            ))
            .try_this("lines of INSIDE:OUTSIDE:COUNT that share no id"));
        }
    }
    Ok(())
}

fn user(
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
        require_mapped(maps, IdKind::User, uid)?;
        require_mapped(maps, IdKind::Group, gid)?;
        for &group in &groups {
            require_mapped(maps, IdKind::Group, group)?;
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

fn require_mapped(maps: &IdMaps, kind: IdKind, id: u32) -> Result<(), Error> {
    if maps.maps(kind, ContainerId(id)) {
        return Ok(());
    }
    let shown: Vec<String> = maps.lines(kind).iter().map(ToString::to_string).collect();
    Err(Error::new(format!("cannot become {} {id}: it is not mapped", kind.id()))
        .because(format!("the map is \"{}\" (inside, outside, count)", shown.join(", ")))
        .try_this(match kind {
            IdKind::User => {
                "--map-auto (needs ranges in /etc/subuid and /etc/subgid), --keep-id, or --map-user"
            }
            IdKind::Group => {
                "--map-auto (needs ranges in /etc/subuid and /etc/subgid), or --map-group"
            }
        }))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(inside: u32, outside: u32, count: u32) -> IdMap {
        IdMap { inside: ContainerId(inside), outside: HostId(outside), count }
    }

    #[test]
    fn a_range_is_laid_around_the_callers_id() {
        let range = Some(Range { start: 100_000, count: 65536 });
        assert_eq!(stack(range, None), [line(0, 100_000, 65536)]);
        assert_eq!(stack(range, Some(line(0, 1000, 1))), [line(1, 100_000, 65536)]);
        assert_eq!(
            stack(range, Some(line(1000, 1000, 1))),
            [line(0, 100_000, 1000), line(1001, 101_000, 64536)]
        );
    }

    #[test]
    fn all_ids_leave_the_held_one_out() {
        let all = line(0, 0, 4_294_967_295);
        assert_eq!(
            without(all, Some(line(0, 1000, 1))),
            [line(1, 1, 999), line(1001, 1001, 4_294_966_294)]
        );
        assert_eq!(without(all, None), [all]);
    }

    #[test]
    fn maps_that_contradict_themselves_are_refused() {
        for wrong in ["1:2", "a:1:1", "0:0:0", "4294967294:0:2", "0:1:1:1", "-1:0:1"] {
            assert!(explicit(IdKind::User, wrong).is_err(), "{wrong}");
        }
        assert!(check(IdKind::User, &[line(0, 0, 10), line(9, 20, 1)]).is_err());
        assert!(check(IdKind::User, &[line(0, 0, 10), line(10, 9, 1)]).is_err());
        assert!(check(IdKind::User, &[line(0, 0, 10), line(10, 10, 1)]).is_ok());
    }
}
