//! Why something cannot be mounted.

use std::path::Path;

use nix::errno::Errno;
use nsshim::Failure;
use nsshim::spec::Kind;

use super::{Cause, Scene, call_name};
use crate::error::Finding;
use crate::mountinfo::Mount;

pub const CAUSES: &[Cause] = &[
    Cause {
        name: "no-proc",
        explains: |failure| {
            matches!(failure.errno, Errno::ENOENT | Errno::ENOTDIR)
                && failure.call.contains("\"/proc")
        },
        look: no_proc,
    },
    Cause { name: "read-only-proc", explains: writes_to_read_only, look: read_only_proc },
    Cause {
        name: "no-mount-point",
        explains: |failure| call_name(failure) == "mount" && failure.errno == Errno::ENOENT,
        look: no_mount_point,
    },
    Cause {
        name: "foreign-processes",
        explains: |failure| denies(failure, "proc"),
        look: foreign_processes,
    },
    Cause { name: "masked-proc", explains: |failure| denies(failure, "proc"), look: masked_proc },
    Cause { name: "masked-sys", explains: |failure| denies(failure, "sysfs"), look: masked_sys },
    Cause {
        name: "shared-target",
        explains: |failure| {
            failure.call.starts_with("mount(\"/proc/")
                && failure.call.contains("/ns/mnt\"")
                && failure.errno == Errno::EINVAL
        },
        look: shared_target,
    },
    Cause {
        name: "number-of-mount-namespace",
        explains: |failure| {
            failure.call.starts_with("mount(\"/proc/")
                && failure.call.contains("/ns/mnt\"")
                && failure.errno == Errno::EINVAL
        },
        look: smaller_number,
    },
];

/// `mount("proc", "/proc", …)` was not permitted.
fn denies(failure: &Failure, fstype: &str) -> bool {
    failure.errno == Errno::EPERM && failure.call.starts_with(&format!("mount(\"{fstype}\""))
}

fn no_proc(scene: &Scene<'_>) -> Option<Finding> {
    let has = scene.machine.path("/proc/self/status").exists();
    (!has).then(|| {
        Finding::new("no proc file system is mounted on /proc where nsctl runs")
            .try_this("mount -t proc proc /proc")
    })
}

/// By us, or by newuidmap(1), whose words are part of the step.
fn writes_to_read_only(failure: &Failure) -> bool {
    (failure.errno == Errno::EROFS && failure.call.starts_with("write(\"/proc/"))
        || failure.step.contains("Read-only file system")
}

fn read_only_proc(scene: &Scene<'_>) -> Option<Finding> {
    let mount = scene.machine.mount_of(Path::new("/proc"))?;
    (mount.fstype == "proc" && mount.read_only).then(|| {
        Finding::new(
            "/proc is mounted read-only where nsctl runs, and id maps and clock offsets are \
             written to files in it",
        )
        .try_this(
            "sudo mount -o remount,bind,rw /proc, or a sandbox around nsctl that has a /proc of \
             its own, such as bwrap with --proc /proc",
        )
    })
}

fn no_mount_point(scene: &Scene<'_>) -> Option<Finding> {
    let target = scene.failure.call.split('"').nth(3)?;
    let top = ["/proc", "/sys", "/dev"].into_iter().find(|top| target == *top)?;
    (!scene.machine.path(top).is_dir()).then(|| {
        Finding::new(format!("the root file system has no directory {top}"))
            .try_this(format!("mkdir {top}"))
    })
}

/// proc shows processes, so only the owner of their PID namespace may mount it.
fn foreign_processes(scene: &Scene<'_>) -> Option<Finding> {
    let joins_pid = scene.asked.joined.iter().any(|(kind, _)| *kind == Kind::Pid);
    (scene.asked.has_new_user() && joins_pid).then(|| {
        Finding::new(
            "the PID namespace belongs to another user namespace than the container's, and only \
             its owner may mount a /proc for it",
        )
        .try_this(
            "--pid new, or --userns pid:PID of a process in the user namespace that owns it \
             (--userns host: yours)",
        )
    })
}

/// Directories that are made to be mounted on: a mount there hides nothing.
const EMPTY: [&str; 6] = [
    "/proc/sys/fs/binfmt_misc",
    "/proc/fs/nfsd",
    "/proc/openprom",
    "/sys/fs/cgroup",
    "/sys/kernel/debug",
    "/sys/kernel/tracing",
];

fn masked_proc(scene: &Scene<'_>) -> Option<Finding> {
    too_revealing(scene, "proc", "/proc", "--pid host")
}

fn masked_sys(scene: &Scene<'_>) -> Option<Finding> {
    too_revealing(scene, "sysfs", "/sys", "--net host")
}

/// mount_too_revealing(), fs/namespace.c: in a user namespace proc and sysfs are
/// mounted only where one is fully visible already, or a mask could be undone so.
fn too_revealing(scene: &Scene<'_>, fstype: &str, usual: &str, instead: &str) -> Option<Finding> {
    if !scene.asked.has_new_user() && scene.machine.link("/proc/self/ns/user")? == FIRST {
        return None;
    }
    let mounts = scene.machine.mounts()?;
    let shown: Vec<&Mount> = mounts
        .iter()
        .filter(|mount| mount.fstype == fstype && mount.root == Path::new("/"))
        .collect();
    let remedy = format!(
        "{instead} (takes {usual} as it is), or the container around nsctl without masks: \
         --security-opt systempaths=unconfined (docker), --security-opt unmask=ALL (podman), \
         --nesting (nsctl run)"
    );
    if shown.is_empty() {
        return Some(
            Finding::new(format!(
                "no whole {fstype} file system is mounted here, and the kernel lets no user \
                 namespace see more of it than was seen before"
            ))
            .try_this(remedy),
        );
    }
    let masks = |mount: &Mount| -> Vec<String> {
        mounts
            .iter()
            .filter(|child| child.parent == mount.id && child.id != mount.id)
            .filter(|child| !is_meant_for_mounts(mount, &child.target, usual))
            .map(|child| child.target.display().to_string())
            .collect()
    };
    let all: Vec<Vec<String>> = shown.iter().map(|mount| masks(mount)).collect();
    if all.iter().any(Vec::is_empty) {
        return None;
    }
    let list = all.into_iter().flatten().fold(Vec::new(), |mut list: Vec<String>, target| {
        if !list.contains(&target) {
            list.push(target);
        }
        list
    });
    let more = list.len().saturating_sub(12);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let list = list[..list.len().min(12)].join(" ");
    Some(
        Finding::new(format!(
            "parts of {usual} are hidden here by mounts on {list}{more}, and the kernel lets no \
             user namespace see behind them"
        ))
        .try_this(remedy),
    )
}

const FIRST: &str = "user:[4026531837]";

fn is_meant_for_mounts(of: &Mount, target: &Path, usual: &str) -> bool {
    let Ok(rest) = target.strip_prefix(&of.target) else { return false };
    let path = Path::new(usual).join(rest);
    EMPTY.iter().any(|empty| path == Path::new(empty))
        // sysfs makes its mount points empty for good, sysfs_create_mount_point().
        || (usual == "/sys"
            && ["fs/bpf", "fs/pstore", "fs/fuse/connections", "fs/selinux", "fs/smackfs",
                "kernel/security", "kernel/config", "firmware/efi/efivars", "hypervisor/s390"]
                .iter()
                .any(|known| rest == Path::new(known)))
}

/// A mount namespace can be kept only where mounts do not travel. mount_namespaces(7)
fn shared_target(scene: &Scene<'_>) -> Option<Finding> {
    let target = scene.failure.call.split('"').nth(3)?;
    let mount = scene.machine.mount_of(Path::new(target))?;
    mount.shared.then(|| {
        let on = mount.target.display();
        Finding::new(format!(
            "{target} is on {on}, whose mounts travel to other mount namespaces (shared), and a \
             mount namespace must not come into itself"
        ))
        .try_this(format!(
            "a file on a private mount: sudo mount --bind DIR DIR && sudo mount --make-private DIR \
             with DIR on {on}"
        ))
    })
}

/// A namespace can be kept only below one with a smaller number, so that no two keep each
/// other. mnt_ns_loop(), fs/namespace.c; each processor takes its numbers from a range of
/// its own, Linux 6.18
fn smaller_number(scene: &Scene<'_>) -> Option<Finding> {
    let target = scene.failure.call.split('"').nth(3)?;
    let shared = scene.machine.mount_of(Path::new(target))?.shared;
    // MNT_NS_INIT_INO, include/uapi/linux/nsfs.h, Linux 6.18
    let is_first = scene.machine.link("/proc/self/ns/mnt")? == "mnt:[4026531832]";
    (!shared && !is_first && scene.machine.kernel()? >= (6, 18)).then(|| {
        Finding::new(
            "nsctl runs in a mount namespace that is not the machine's first, and a processor of \
             this kernel may give a new one a smaller number, which cannot be kept in it",
        )
        .try_this("nsctl on another processor: taskset -c 0 nsctl run …, then -c 1 and so on")
    })
}
