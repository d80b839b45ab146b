//! Who writes the maps, and as whom the steps run once they are written.

use crate::host::Host;
use crate::spec::{IdKind, IdMap, IdMaps, Setgroups, User};
use crate::step::{Inside, Outside};

/// Who may write a pair of maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapWriter {
    /// The child itself, which costs no meeting of two processes.
    Child,
    /// The shim, with its capabilities.
    Shim,
    /// newuidmap(1) and newgidmap(1), with their owner's.
    Helpers,
}

impl MapWriter {
    /// The least costly one that the kernel lets.
    pub fn of(maps: &IdMaps, host: &Host) -> MapWriter {
        let own_id_only = |lines: &[IdMap], own| match lines {
            [] => true,
            [line] => line.count == 1 && line.outside == own,
            _ => false,
        };
        // user_namespaces(7): a single line that maps the writer's own id, setgroups denied.
        if own_id_only(&maps.users, host.uid)
            && own_id_only(&maps.groups, host.gid)
            && maps.setgroups == Setgroups::Deny
        {
            MapWriter::Child
        } else if host.may_map_any_id() {
            MapWriter::Shim
        } else {
            MapWriter::Helpers
        }
    }
}

/// Writes the maps of a new user namespace; before the child goes on, where others need them.
pub(super) fn map(
    maps: &IdMaps,
    host: &Host,
    needed_outside: bool,
    inside: &mut Vec<Inside>,
    outside: &mut Vec<Outside>,
) {
    match MapWriter::of(maps, host) {
        MapWriter::Child if needed_outside && host.may_map_any_id() => {
            outside.push(Outside::WriteMaps(maps.clone()));
        }
        MapWriter::Child => inside.push(Inside::MapSelf(maps.clone())),
        MapWriter::Shim => outside.push(Outside::WriteMaps(maps.clone())),
        MapWriter::Helpers => outside.push(Outside::MapWithHelpers(maps.clone())),
    }
}

/// Files made by the next steps need an owner that is mapped; the caller may not be.
pub(super) fn mapped_owner(maps: &IdMaps, host: &Host) -> Option<Inside> {
    let own = |kind, id| maps.lines(kind).iter().any(|line| line.inside_of(id).is_some());
    if own(IdKind::User, host.uid) && own(IdKind::Group, host.gid) {
        return None;
    }
    Some(Inside::Become(User {
        uid: maps.default_id(IdKind::User, host.uid)?,
        gid: maps.default_id(IdKind::Group, host.gid)?,
        groups: (maps.setgroups == Setgroups::Allow).then(Vec::new),
    }))
}

/// Groups that are to go, but cannot where setgroups(2) is denied, go before.
pub(super) fn drop_groups(maps: &IdMaps, host: &Host, user: &mut Option<User>) -> Option<Outside> {
    let user = user.as_mut()?;
    if maps.setgroups == Setgroups::Allow || !host.may_set_groups() {
        return None;
    }
    user.groups.take_if(|groups| groups.is_empty()).map(|_| Outside::DropGroups)
}
