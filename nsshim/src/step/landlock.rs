//! What can be reached at all, whatever the file system allows: landlock(7).

use std::fmt;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath,
    PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
};
use nix::errno::Errno;

use crate::error::{CallError, Result};
use crate::spec::{FileAccess, Landlock};

/// The newest whose rights were looked at here; what an older kernel lacks the caller has heard.
const NEWEST: ABI = ABI::V7;

/// Paths are the container's. nsinit, which opens nothing, is restricted as well.
pub(super) fn restrict(rules: &Landlock) -> Result<()> {
    let failed = |call: &str, error: landlock::RulesetError| {
        let errno = Errno::from_raw(*landlock::Errno::from(error));
        CallError { call: call.into(), errno }
    };
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    let create = "landlock_create_ruleset()";
    if !rules.files.is_empty() {
        ruleset =
            ruleset.handle_access(AccessFs::from_all(NEWEST)).map_err(|e| failed(create, e))?;
    }
    for (ports, access) in ports(rules) {
        if ports.is_some() {
            ruleset = ruleset
                .set_compatibility(CompatLevel::HardRequirement)
                .handle_access(access)
                .map_err(|error| failed(create, error))?
                .set_compatibility(CompatLevel::BestEffort);
        }
    }
    let mut created = ruleset.create().map_err(|error| failed(create, error))?;
    for (path, access) in &rules.files {
        let directory = open(path)?;
        created = created
            .add_rule(PathBeneath::new(directory, rights(*access)))
            .map_err(|error| failed(&format!("landlock_add_rule({path:?})"), error))?;
    }
    for (ports, access) in ports(rules) {
        for port in ports.iter().flat_map(|ports| ports.iter()) {
            created = created
                .add_rule(NetPort::new(*port, access))
                .map_err(|error| failed(&format!("landlock_add_rule({port})"), error))?;
        }
    }
    // Where no_new_privs is wanted it is set already; else CAP_SYS_ADMIN is still there.
    let restricted = created.no_new_privs(false).restrict_self();
    restricted.map(drop).map_err(|error| failed("landlock_restrict_self()", error))
}

fn open(path: &Path) -> Result<PathFd> {
    PathFd::new(path).map_err(|error| CallError {
        call: format!("open({path:?}, O_PATH)"),
        errno: Errno::from_raw(*landlock::Errno::from(error)),
    })
}

fn ports(rules: &Landlock) -> [(&Option<Vec<u16>>, AccessNet); 2] {
    [(&rules.connect, AccessNet::ConnectTcp), (&rules.bind, AccessNet::BindTcp)]
}

fn rights(access: FileAccess) -> BitFlags<AccessFs> {
    match access {
        FileAccess::Read => AccessFs::ReadFile | AccessFs::ReadDir,
        FileAccess::Execute => AccessFs::from_read(NEWEST),
        FileAccess::Write => AccessFs::from_all(NEWEST) & !AccessFs::Execute,
    }
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, rules: &Landlock) -> fmt::Result {
    let word = |access| match access {
        FileAccess::Read => "ro",
        FileAccess::Execute => "exec",
        FileAccess::Write => "rw",
    };
    let files = rules.files.iter().map(|(path, access)| format!("{}={path:?}", word(*access)));
    let list = |ports: &[u16]| match ports {
        [] => "none".to_string(),
        ports => ports.iter().map(u16::to_string).collect::<Vec<_>>().join("|"),
    };
    let connect = rules.connect.iter().map(|ports| format!("tcp-connect={}", list(ports)));
    let bind = rules.bind.iter().map(|ports| format!("tcp-bind={}", list(ports)));
    let all: Vec<String> = files.chain(connect).chain(bind).collect();
    write!(f, "landlock_restrict_self({})", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_has_the_rights_of_its_word_and_no_others() {
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        assert_eq!(rights(FileAccess::Read), read);
        assert_eq!(rights(FileAccess::Execute), read | AccessFs::Execute);
        let write = rights(FileAccess::Write);
        assert!(write.contains(read | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::Refer));
        assert!(!write.contains(AccessFs::Execute));
        assert_eq!(write | AccessFs::Execute, AccessFs::from_all(NEWEST));
    }

    #[test]
    fn rules_print_as_they_are_typed() {
        let rules = Landlock {
            files: vec![("/usr".into(), FileAccess::Execute), ("/tmp".into(), FileAccess::Write)],
            connect: Some(vec![80, 443]),
            bind: Some(Vec::new()),
        };
        let text = crate::step::Inside::Landlock(rules).to_string();
        let expected = "landlock_restrict_self(exec=\"/usr\", rw=\"/tmp\", \
                        tcp-connect=80|443, tcp-bind=none)";
        assert_eq!(text, expected);
    }
}
