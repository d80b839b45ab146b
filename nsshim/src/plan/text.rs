//! The plan as text: one line a step, in the order in which they happen.

use std::fmt;

use super::{Group, InitOptions, Plan};
use crate::cgroup::Version;
use crate::spec::Kind;
use crate::step::flag_name;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.explained() {
            let side = if step.outside { "outside" } else { "inside" };
            writeln!(f, "{side:<7}  {}", step.calls)?;
        }
        Ok(())
    }
}

impl Plan {
    /// clone3(2) as strace(1) prints it.
    pub fn clone_call(&self) -> String {
        let flags: Vec<&str> = Kind::ALL
            .into_iter()
            .filter(|kind| self.clone.contains(kind.flag()))
            .map(flag_name)
            .chain(["CLONE_PIDFD"])
            .collect();
        let flags = flags.join("|");
        match self.cgroup.iter().flat_map(|own| &own.groups).find(|own| own.version == Version::V2)
        {
            Some(group) => {
                format!("clone3({{flags={flags}|CLONE_INTO_CGROUP, cgroup={:?}}})", group.path())
            }
            None => format!("clone3({{flags={flags}}})"),
        }
    }
}

impl InitOptions {
    pub(super) fn words(&self) -> &'static str {
        match self.group {
            _ if self.pause => "--pause",
            Group::Keep => "--pgroup keep",
            Group::Own => "--pgroup own",
            Group::Foreground => "--pgroup foreground",
        }
    }
}
