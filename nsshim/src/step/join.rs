//! Joining namespaces that exist, setns(2).

use std::fmt;

use nix::sched::setns;

use crate::error::{Named, Result};
use crate::spec::{Joined, Kind};

pub(super) fn undumpable() -> Result<()> {
    nix::sys::prctl::set_dumpable(false).call(|| "prctl(PR_SET_DUMPABLE, 0)".into())
}

pub(super) fn join(kind: Kind, joined: &Joined) -> Result<()> {
    setns(&joined.fd, kind.flag()).call(|| call(kind, joined))
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, kind: Kind, joined: &Joined) -> fmt::Result {
    f.write_str(&call(kind, joined))
}

fn call(kind: Kind, joined: &Joined) -> String {
    format!("setns({:?}, {})", joined.path, flag_name(kind))
}

/// `CLONE_NEWNET`.
pub(crate) fn flag_name(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "CLONE_NEWUSER",
        Kind::Cgroup => "CLONE_NEWCGROUP",
        Kind::Ipc => "CLONE_NEWIPC",
        Kind::Uts => "CLONE_NEWUTS",
        Kind::Net => "CLONE_NEWNET",
        Kind::Pid => "CLONE_NEWPID",
        Kind::Time => "CLONE_NEWTIME",
        Kind::Mnt => "CLONE_NEWNS",
    }
}
