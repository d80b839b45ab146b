//! Why a namespace cannot be joined.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use caps::Capability;
use nix::errno::Errno;
use nsshim::spec::Kind;
use nsshim::sys;

use super::{Cause, Scene, call_name};
use crate::error::Finding;

pub const CAUSES: &[Cause] = &[
    Cause {
        name: "join-own-user-namespace",
        explains: |failure| call_name(failure) == "setns" && failure.errno == Errno::EINVAL,
        look: own_user_namespace,
    },
    Cause {
        name: "join-without-rights",
        explains: |failure| call_name(failure) == "setns" && failure.errno == Errno::EPERM,
        look: without_rights,
    },
];

/// The namespace whose joining failed: it is named in the step.
fn failed<'a>(scene: &'a Scene<'_>) -> Option<&'a (Kind, std::path::PathBuf)> {
    scene
        .asked
        .joined
        .iter()
        .find(|(kind, _)| scene.failure.step.starts_with(&format!("join the {kind} namespace")))
}

fn own_user_namespace(scene: &Scene<'_>) -> Option<Finding> {
    let (_, path) = failed(scene).filter(|(kind, _)| *kind == Kind::User)?;
    (link(path)? == link(Path::new("/proc/self/ns/user"))?).then(|| {
        Finding::new("nsctl is in that user namespace, and the kernel lets nobody join it again")
            .try_this("--userns host")
    })
}

fn link(path: &Path) -> Option<std::path::PathBuf> {
    std::fs::read_link(path).ok()
}

fn without_rights(scene: &Scene<'_>) -> Option<Finding> {
    let (kind, path) = failed(scene)?;
    let host = &scene.asked.host;
    let file = File::open(path).ok();
    let owner = file.and_then(|file| sys::get_ns_userns(file.as_fd()).ok());
    let owner = owner.and_then(|fd| link(Path::new(&format!("/proc/self/fd/{}", fd.as_raw_fd()))));
    let own = link(Path::new("/proc/self/ns/user"));
    let missing = |capability: Capability| {
        Finding::new(format!(
            "joining a {kind} namespace that belongs to this user namespace needs {capability} \
             here, which user {} does not have",
            host.uid.0
        ))
        .try_this("sudo nsctl run …")
    };
    match *kind {
        Kind::User => (!host.is_privileged()).then(|| {
            Finding::new(format!(
                "only its owner, or root of the user namespace that it is nested in, may join it; \
                 nsctl runs as user {}",
                host.uid.0
            ))
            .try_this("run nsctl as the user who made it, or with sudo")
        }),
        _ if owner.is_some() && owner == own && !host.is_privileged() => {
            Some(missing(Capability::CAP_SYS_ADMIN))
        }
        Kind::Mnt if owner == own && !host.has(Capability::CAP_SYS_CHROOT) => {
            Some(missing(Capability::CAP_SYS_CHROOT))
        }
        _ if owner.is_none() => Some(
            Finding::new(format!(
                "the {kind} namespace belongs to a user namespace that nsctl's is nested in, \
                 where it has no rights"
            ))
            .try_this("start nsctl where that namespace was made"),
        ),
        _ => None,
    }
}
