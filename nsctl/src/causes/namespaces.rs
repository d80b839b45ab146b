//! Why namespaces cannot be made: kernel, filter, chroot, ids, rights, restrictions.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use caps::Capability;
use nix::errno::Errno;
use nsshim::spec::Kind;
use nsshim::{errno_name, sys};

use super::machine::Machine;
use super::{Cause, Scene, call_name, makes_namespaces};
use crate::error::Finding;

/// What says much about the failed call.
pub const CAUSES: &[Cause] = &[
    Cause {
        name: "old-kernel",
        explains: |failure| matches!(failure.errno, Errno::ENOSYS | Errno::EINVAL),
        look: old_kernel,
    },
    Cause {
        name: "missing-kind",
        explains: |failure| makes_namespaces(failure) && failure.errno == Errno::EINVAL,
        look: missing_kind,
    },
    Cause {
        name: "seccomp-filter",
        explains: |failure| failure.errno != Errno::ENOSPC,
        look: seccomp_filter,
    },
    Cause {
        name: "unmapped-caller",
        explains: |failure| makes_namespaces(failure) && failure.errno == Errno::EPERM,
        look: unmapped_caller,
    },
    Cause {
        name: "chroot",
        explains: |failure| {
            (makes_namespaces(failure) && failure.errno == Errno::EPERM)
                || (failure.call.starts_with("mount(NULL, \"/\"") && failure.errno == Errno::EINVAL)
        },
        look: chroot,
    },
    Cause {
        name: "missing-capability",
        explains: |failure| is_denied(failure.errno) && !makes_namespaces(failure),
        look: missing_capability,
    },
    Cause {
        name: "no-rights",
        explains: |failure| makes_namespaces(failure) && failure.errno == Errno::EPERM,
        look: no_rights,
    },
];

/// What restricts user namespaces, and shows late: making one succeeds, and the
/// first use of its rights fails.
pub const RESTRICTIONS: &[Cause] = &[
    Cause {
        name: "userns-sysctl",
        explains: |failure| makes_namespaces(failure) && is_denied(failure.errno),
        look: userns_sysctl,
    },
    Cause {
        name: "apparmor-userns",
        explains: |failure| is_denied(failure.errno) && call_name(failure) != "execve",
        look: apparmor,
    },
];

fn is_denied(errno: Errno) -> bool {
    matches!(errno, Errno::EPERM | Errno::EACCES)
}

/// The first Linux that has what a call needs.
const SINCE: [(&str, (u32, u32)); 4] = [
    ("clone3", (5, 3)),
    ("mount_setattr", (5, 12)),
    // CLOSE_RANGE_CLOEXEC; before it the flag is EINVAL.
    ("close_range", (5, 11)),
    ("unshare(CLONE_NEWTIME", (5, 6)),
];

fn old_kernel(scene: &Scene<'_>) -> Option<Finding> {
    let call = &scene.failure.call;
    let (name, (major, minor)) = SINCE.iter().find(|(name, _)| call.starts_with(name))?;
    let running = scene.machine.kernel()?;
    (running < (*major, *minor)).then(|| {
        Finding::new(format!(
            "this is Linux {}.{}; {} needs {major}.{minor}",
            running.0,
            running.1,
            name.replace('(', " ")
        ))
        .try_this("a kernel that is not older than Linux 5.12")
    })
}

/// A kernel may be built without a kind.
fn missing_kind(scene: &Scene<'_>) -> Option<Finding> {
    scene.machine.link("/proc/self/ns/mnt")?;
    let absent =
        |kind: &&Kind| scene.machine.link(&format!("/proc/self/ns/{}", kind.file())).is_none();
    let kind = scene.asked.new.iter().find(absent)?;
    Some(
        Finding::new(format!(
            "this kernel has no {kind} namespaces: there is no /proc/self/ns/{}",
            kind.file()
        ))
        .try_this(format!("--share {}, or another kernel", kind.file())),
    )
}

fn seccomp_filter(scene: &Scene<'_>) -> Option<Finding> {
    if scene.machine.status("Seccomp")? == "0" {
        return None;
    }
    let call = call_name(scene.failure);
    let answer = sys::intercepted(call)?;
    let found = Finding::new(format!(
        "a system-call filter around nsctl answers {call}() with {} \
         (Seccomp: 2 in /proc/self/status)",
        errno_name(answer)
    ));
    Some(found.try_this(match in_container_of_ours(&scene.machine) {
        true => "start the container that nsctl is in with: nsctl run --nesting",
        false => {
            "start nsctl outside of that container, or the container without the filter: \
             --security-opt seccomp=unconfined (docker, podman), --nesting (nsctl run)"
        }
    }))
}

fn in_container_of_ours(machine: &Machine) -> bool {
    machine.read("/proc/1/comm").is_some_and(|name| name.trim_end() == "nsinit")
}

/// The ids that a map of /proc/PID/uid_map covers, first and count.
pub fn mapped(text: &str) -> Vec<(u32, u32)> {
    let line = |line: &str| {
        let mut fields = line.split_whitespace().map(str::parse);
        let inside = fields.next()?.ok()?;
        let count = fields.nth(1)?.ok()?;
        Some((inside, count))
    };
    text.lines().filter_map(line).collect()
}

/// Whether a map covers an id.
pub fn covers(map: &[(u32, u32)], id: u32) -> bool {
    map.iter().any(|&(first, count)| id.checked_sub(first).is_some_and(|offset| offset < count))
}

fn unmapped_caller(scene: &Scene<'_>) -> Option<Finding> {
    let host = &scene.asked.host;
    let unmapped = |file: &str, id: u32| {
        scene.machine.read(file).is_some_and(|text| !covers(&mapped(&text), id))
    };
    let what = match () {
        () if unmapped("/proc/self/uid_map", host.uid.0) => "uid_map",
        () if unmapped("/proc/self/gid_map", host.gid.0) => "gid_map",
        () => return None,
    };
    let id = if what == "uid_map" { host.uid.0 } else { host.gid.0 };
    Some(
        Finding::new(format!(
            "nsctl runs in a user namespace that does not map its own {} (it shows as {id}, \
             which /proc/self/{what} does not list)",
            &what[..3]
        ))
        .try_this(
            "map it where that namespace is made: unshare --map-root-user, nsctl run --keep-id",
        ),
    )
}

/// The kernel makes no user namespace in a chroot, which it could undo.
fn chroot(scene: &Scene<'_>) -> Option<Finding> {
    let evidence = root_is_no_mount(&scene.machine).or_else(|| other_root(&scene.machine))?;
    Some(Finding::new(format!("nsctl runs in a chroot: {evidence}")).try_this(
        "start nsctl outside of it, or enter that directory with pivot_root(2) instead of \
         chroot(2), as bwrap --bind DIR / and systemd-nspawn -D DIR do",
    ))
}

fn root_is_no_mount(machine: &Machine) -> Option<String> {
    let mounts = machine.mounts()?;
    (!mounts.iter().any(|mount| mount.target == Path::new("/")))
        .then(|| "its / is not the root of a mount (none in /proc/self/mountinfo)".into())
}

/// A chroot into a mount shows only beside a process that is not in it.
fn other_root(machine: &Machine) -> Option<String> {
    let own_mounts = machine.link("/proc/self/ns/mnt")?;
    let own_root = std::fs::metadata(machine.path("/")).ok()?;
    ancestors(machine).into_iter().chain([1]).find_map(|pid| {
        let mounts = machine.link(&format!("/proc/{pid}/ns/mnt"))?;
        let root = std::fs::metadata(machine.path(format!("/proc/{pid}/root/"))).ok()?;
        let differs = (root.dev(), root.ino()) != (own_root.dev(), own_root.ino());
        (mounts == own_mounts && differs)
            .then(|| format!("process {pid} has the same mounts and another /"))
    })
}

/// Parent, grandparent … as far as they can be seen.
fn ancestors(machine: &Machine) -> Vec<u32> {
    let parent = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        line.trim().parse::<u32>().ok().filter(|&pid| pid > 1)
    };
    let mut found = Vec::new();
    let mut next = machine.read("/proc/self/status").and_then(parent);
    while let Some(pid) = next.filter(|_| found.len() < 64) {
        found.push(pid);
        next = machine.read(&format!("/proc/{pid}/status")).and_then(parent);
    }
    found
}

fn no_rights(scene: &Scene<'_>) -> Option<Finding> {
    let host = &scene.asked.host;
    let needs =
        !scene.asked.has_new_user() && !scene.asked.joined.iter().any(|j| j.0 == Kind::User);
    (needs && !host.has(Capability::CAP_SYS_ADMIN)).then(|| {
        Finding::new(format!(
            "without a new user namespace this needs CAP_SYS_ADMIN, which user {} does not have \
             here",
            host.uid.0
        ))
        .try_this("leave --userns host out, or sudo nsctl run …")
    })
}

/// What a call needs when no user namespace gives it.
const NEEDS: [(&str, Capability); 8] = [
    ("mount", Capability::CAP_SYS_ADMIN),
    ("mount_setattr", Capability::CAP_SYS_ADMIN),
    ("sethostname", Capability::CAP_SYS_ADMIN),
    ("setdomainname", Capability::CAP_SYS_ADMIN),
    ("ioctl", Capability::CAP_NET_ADMIN),
    ("setgroups", Capability::CAP_SETGID),
    ("setresgid", Capability::CAP_SETGID),
    ("setresuid", Capability::CAP_SETUID),
];

/// Root of a container has some rights, and not others.
fn missing_capability(scene: &Scene<'_>) -> Option<Finding> {
    let asked = scene.asked;
    let call = call_name(scene.failure);
    let (_, needed) = NEEDS.iter().find(|(name, _)| *name == call)?;
    let inside_another = asked.has_new_user() || asked.joined.iter().any(|j| j.0 == Kind::User);
    (!inside_another && !asked.host.has(*needed)).then(|| {
        Finding::new(format!(
            "without a new user namespace this needs {needed}, which nsctl does not have here"
        ))
        .try_this("--userns new, or a place with that capability")
    })
}

/// Debian's and hardened kernels' switch.
fn userns_sysctl(scene: &Scene<'_>) -> Option<Finding> {
    let off = scene.machine.number("/proc/sys/kernel/unprivileged_userns_clone")? == 0;
    let concerned = scene.asked.has_new_user() && !scene.asked.host.is_privileged();
    (off && concerned).then(|| {
        Finding::new("user namespaces are for root only: kernel.unprivileged_userns_clone is 0")
            .try_this("sudo sysctl -w kernel.unprivileged_userns_clone=1")
    })
}

/// Ubuntu's, since 23.10: the namespace is made, but has no rights.
fn apparmor(scene: &Scene<'_>) -> Option<Finding> {
    let on = scene.machine.number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")? != 0;
    let concerned = scene.asked.has_new_user() && !scene.asked.host.is_privileged();
    if !on || !concerned {
        return None;
    }
    let profile = scene
        .machine
        .read("/proc/self/attr/apparmor/current")
        .or_else(|| scene.machine.read("/proc/self/attr/current"));
    let profile = profile.map_or("no profile that allows them".into(), |profile| {
        format!("the profile \"{}\"", profile.trim_end_matches(['\0', '\n']))
    });
    Some(
        Finding::new(format!(
            "AppArmor takes all rights from user namespaces of unprivileged users \
             (kernel.apparmor_restrict_unprivileged_userns is 1), and nsctl has {profile}"
        ))
        .try_this(
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or a profile for \
             nsctl in /etc/apparmor.d with the lines: abi <abi/4.0>, profile nsctl /PATH/nsctl \
             flags=(unconfined) { userns, }",
        ),
    )
}
