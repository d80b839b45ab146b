//! Why there is no control group where one is wanted, or nobody may enter it.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access, geteuid};
use nsshim::Failure;
use nsshim::cgroup::Version;

use super::{Cause, Scene, call_name};
use crate::cgroups;
use crate::error::Finding;

pub const CAUSES: &[Cause] = &[
    Cause {
        name: "group-parent",
        explains: |failure| {
            makes_group(failure)
                && matches!(
                    failure.errno,
                    Errno::ENOENT | Errno::EACCES | Errno::EPERM | Errno::EROFS
                )
        },
        look: |scene| obstacle(path(scene.failure)?.parent()?),
    },
    Cause {
        name: "group-limit",
        explains: |failure| makes_group(failure) && failure.errno == Errno::EAGAIN,
        look: limit,
    },
    Cause {
        name: "group-ancestor",
        explains: |failure| {
            enters_group(failure) && matches!(failure.errno, Errno::EACCES | Errno::ENOENT)
        },
        look: ancestor,
    },
    Cause {
        name: "group-internal-processes",
        explains: |failure| {
            let enables = failure.call.contains("cgroup.subtree_control");
            (enters_group(failure) || enables) && failure.errno == Errno::EBUSY
        },
        look: internal_processes,
    },
    Cause {
        name: "group-threaded",
        explains: |failure| enters_group(failure) && failure.errno == Errno::EOPNOTSUPP,
        look: threaded,
    },
];

/// systemd's words for a group of one's own.
const SCOPE: &str = "systemd-run --user --scope -p Delegate=yes nsctl run --cgroup-parent . …";

fn makes_group(failure: &Failure) -> bool {
    failure.step.contains("control group") && call_name(failure) == "mkdir"
}

fn enters_group(failure: &Failure) -> bool {
    failure.call.contains("CLONE_INTO_CGROUP")
}

/// The path in a call.
fn path(failure: &Failure) -> Option<PathBuf> {
    Some(failure.call.split('"').nth(1)?.into())
}

/// No hierarchy is mounted at all.
pub fn no_hierarchy() -> Finding {
    Finding::new("no control groups that hold it are mounted here (/proc/self/mountinfo)")
        .try_this("sudo mount -t cgroup2 none /sys/fs/cgroup")
}

/// What keeps the caller from making a group in this one.
pub fn obstacle(parent: &Path) -> Option<Finding> {
    let shown = parent.display();
    let user = geteuid();
    let give =
        if user.is_root() { String::new() } else { format!(" && sudo chown {user} {shown}") };
    let Ok(found) = parent.metadata() else {
        let sudo = if user.is_root() { "" } else { "sudo " };
        return Some(
            Finding::new(format!("there is no control group {shown}"))
                .try_this(format!("{sudo}mkdir {shown}{give}; or --cgroup-parent ., nsctl's own")),
        );
    };
    match access(parent, AccessFlags::W_OK) {
        Ok(()) => None,
        Err(Errno::EROFS) => Some(
            Finding::new(format!("control groups are mounted read-only there: {shown}"))
                .try_this("sudo mount -o remount,rw,bind MOUNT; in a container, outside of it"),
        ),
        Err(_) => Some(
            Finding::new(format!(
                "the control group {shown} belongs to user {}, and is not delegated to user {user}",
                found.uid()
            ))
            .try_this(format!("{SCOPE}; or sudo chown {user} {shown} {shown}/cgroup.procs")),
        ),
    }
}

/// cgroup.max.depth and cgroup.max.descendants, of the parent or one above. Linux 4.14
fn limit(scene: &Scene<'_>) -> Option<Finding> {
    let path = path(scene.failure)?;
    for (depth, group) in (1i64..).zip(path.ancestors().skip(1)) {
        let number = |name: &str| scene.machine.number(group.join(name).to_str()?);
        let descendants = || {
            let stat = scene.machine.read(group.join("cgroup.stat").to_str()?)?;
            stat.lines().find_map(|line| line.strip_prefix("nr_descendants ")?.parse::<i64>().ok())
        };
        let shown = group.display();
        if let Some(most) = number("cgroup.max.depth").filter(|&most| depth > most) {
            return Some(
                Finding::new(format!("groups may be nested {most} deep in {shown}"))
                    .try_this(format!("echo max > {shown}/cgroup.max.depth")),
            );
        }
        if let Some(most) = number("cgroup.max.descendants")
            && descendants()? >= most
        {
            return Some(
                Finding::new(format!("{shown} has as many groups as it may have: {most}"))
                    .try_this(format!("echo max > {shown}/cgroup.max.descendants")),
            );
        }
    }
    None
}

/// Who is put from one group into another must have the right to in the innermost that holds
/// both: cgroup-v2.rst, "Delegation Containment".
fn ancestor(scene: &Scene<'_>) -> Option<Finding> {
    let group = path(scene.failure)?;
    let hierarchies = cgroups::mounted();
    let hierarchy = hierarchies.iter().find(|one| one.version == Version::V2)?;
    let own = hierarchy.own_directory()?;
    let common = group.ancestors().find(|above| own.starts_with(above))?;
    let procs = [common, &group].map(|group| group.join("cgroup.procs"));
    let denied = |procs: &&PathBuf| procs.exists() && access(*procs, AccessFlags::W_OK).is_err();
    let procs = procs.iter().find(denied)?;
    Some(
        Finding::new(format!(
            "nsctl is in the control group {}; into {} only who may write {} can put a process",
            own.display(),
            group.display(),
            procs.display()
        ))
        .try_this(
            "start nsctl in a group below the delegated one: systemd-run --user --scope nsctl …",
        ),
    )
}

fn internal_processes(scene: &Scene<'_>) -> Option<Finding> {
    let path = path(scene.failure)?;
    let group = if path.ends_with("cgroup.subtree_control") { path.parent()? } else { &path };
    let read = |name: &str| scene.machine.read(group.join(name).to_str()?);
    let shown = group.display();
    let divided = read("cgroup.subtree_control").is_some_and(|text| !text.trim().is_empty());
    if divided {
        return Some(
            Finding::new(format!(
                "{shown} divides what it controls among the groups in it, so no process may be in it \
                 itself (no internal processes, cgroups(7))"
            ))
            .try_this("--cgroup-parent with this one, which makes a group in it"),
        );
    }
    let inside = read("cgroup.procs")?.lines().count();
    (inside > 0).then(|| {
        Finding::new(format!(
            "{inside} processes are in {shown} itself, so it cannot divide what it controls among \
             groups in it (no internal processes, cgroups(7))"
        ))
        .try_this("a parent that holds groups only")
    })
}

fn threaded(scene: &Scene<'_>) -> Option<Finding> {
    let path = path(scene.failure)?;
    // One that was made for it is gone by now; it was what its parent let it be.
    let kind = |group: &Path| scene.machine.read(group.join("cgroup.type").to_str()?);
    let (group, kind) = path.ancestors().take(2).find_map(|group| Some((group, kind(group)?)))?;
    let kind = kind.trim();
    (kind != "domain").then(|| {
        Finding::new(format!(
            "{} is for threads, not for processes: cgroup.type is {kind}",
            group.display()
        ))
        .try_this("--cgroup-parent with a group whose cgroup.type is domain")
    })
}
