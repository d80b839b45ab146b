//! User, group and supplementary groups.

use std::fmt;

use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};

use crate::error::{Named, Result};
use crate::spec::{ContainerId, User};

/// Groups first, user last: each needs a right that the next may take away.
pub(super) fn assume(user: &User) -> Result<()> {
    let gid = Gid::from_raw(user.gid.0);
    let uid = Uid::from_raw(user.uid.0);
    if let Some(groups) = &user.groups {
        let list: Vec<Gid> = groups.iter().map(|group| Gid::from_raw(group.0)).collect();
        setgroups(&list).call(|| groups_call(groups))?;
    }
    setresgid(gid, gid, gid).call(|| gid_call(user))?;
    setresuid(uid, uid, uid).call(|| uid_call(user))
}

/// Outside, where the caller may: a user namespace that denies setgroups keeps
/// the caller's groups for ever.
pub(super) fn drop_groups() -> Result<()> {
    setgroups(&[]).call(|| groups_call(&[]))
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, user: &User) -> fmt::Result {
    if let Some(groups) = &user.groups {
        write!(f, "{}; ", groups_call(groups))?;
    }
    write!(f, "{}; {}", gid_call(user), uid_call(user))
}

fn groups_call(groups: &[ContainerId]) -> String {
    let list: Vec<String> = groups.iter().map(|group| group.0.to_string()).collect();
    format!("setgroups({}, [{}])", groups.len(), list.join(", "))
}

fn gid_call(user: &User) -> String {
    let gid = user.gid.0;
    format!("setresgid({gid}, {gid}, {gid})")
}

fn uid_call(user: &User) -> String {
    let uid = user.uid.0;
    format!("setresuid({uid}, {uid}, {uid})")
}
