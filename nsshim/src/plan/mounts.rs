//! The mounts of a container whose root is the host's.

use nix::errno::Errno;
use nix::mount::MsFlags;

use super::hidden::{MASKED_DIRECTORIES, MASKED_FILES, READ_ONLY};
use crate::host::{CGROUPS, Host, TTY_GROUP};
use crate::spec::{IdKind, IdMaps, Kind, Namespaces, Propagation, Rights};
use crate::step::{Inside, MountCall};

const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

const LINKS: [(&str, &str); 5] = [
    ("pts/ptmx", "/dev/ptmx"),
    ("/proc/self/fd", "/dev/fd"),
    ("/proc/self/fd/0", "/dev/stdin"),
    ("/proc/self/fd/1", "/dev/stdout"),
    ("/proc/self/fd/2", "/dev/stderr"),
];

pub(super) fn steps(
    namespaces: &Namespaces,
    propagation: Propagation,
    rights: &Rights,
    id_maps: Option<&IdMaps>,
    host: &Host,
) -> Vec<Inside> {
    if !namespaces.is_new(Kind::Mnt) {
        return Vec::new();
    }
    let mut steps = vec![Inside::Propagate(propagation)];
    if matches!(propagation, Propagation::Shared | Propagation::Unchanged) {
        // Before the first mount: each would appear on the host as well.
        steps.extend(["/proc", "/dev", "/sys"].map(Inside::KeepPrivate));
    }
    let own_processes = !namespaces.is_host(Kind::Pid);
    if own_processes {
        let flags = HARMLESS | host.proc_flags;
        steps.push(mount("the container's /proc", "proc", "/proc", flags, ""));
    }
    let unmapped = !namespaces.is_host(Kind::User) && id_maps.is_none();
    // Files in a tmpfs need an owner that is mapped.
    if !unmapped {
        devices(&mut steps, namespaces, rights, id_maps, host);
    }
    system(&mut steps, namespaces, rights, host);
    if rights.mask_paths {
        // After /dev: what hides them is its null.
        steps.extend(MASKED_FILES.map(Inside::MaskFile));
        steps.extend(MASKED_DIRECTORIES.map(Inside::MaskDirectory));
        steps.extend(READ_ONLY.map(Inside::ReadOnly));
    }
    steps
}

const HARMLESS: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV).union(MsFlags::MS_NOEXEC);

fn devices(
    steps: &mut Vec<Inside>,
    namespaces: &Namespaces,
    rights: &Rights,
    id_maps: Option<&IdMaps>,
    host: &Host,
) {
    // The host's /dev stays reachable as the working directory while its own name is covered.
    steps.push(Inside::StandIn("/dev"));
    // What is bound in it works all the same; a node that is made there does not.
    let no_devices = if rights.mask_paths { MsFlags::MS_NODEV } else { MsFlags::empty() };
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_STRICTATIME | no_devices;
    // The default mode 1777 would forbid `> /dev/null` to others (sticky directory).
    steps.push(mount("the container's /dev", "tmpfs", "/dev", flags, "mode=0755,size=65536k"));
    steps.extend(DEVICES.map(Inside::Device));
    steps.extend(["/dev/pts", "/dev/shm", "/dev/mqueue"].map(Inside::Directory));
    let tty_group = id_maps.map_or(host.tty_group, |maps| maps.maps(IdKind::Group, TTY_GROUP));
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let options = match tty_group {
        true => "newinstance,ptmxmode=0666,mode=0620,gid=5",
        false => "newinstance,ptmxmode=0666,mode=0620",
    };
    steps.push(mount("the container's terminals", "devpts", "/dev/pts", flags, options));
    if namespaces.is_host(Kind::Ipc) {
        steps.extend(["shm", "mqueue"].map(Inside::Shared));
    } else {
        steps.push(mount("shared memory", "tmpfs", "/dev/shm", HARMLESS, "mode=1777,size=65536k"));
    }
    if may_mount(namespaces, Kind::Ipc) {
        // ENODEV: a kernel without POSIX message queues.
        steps.push(if_any(
            mount_call("message queues", "mqueue", "/dev/mqueue", HARMLESS, ""),
            &[Errno::ENODEV],
        ));
    }
    steps.extend(LINKS.map(|(target, link)| Inside::Symlink(target, link)));
}

/// /sys shows the network devices of the namespace it was mounted in, so another
/// network needs another /sys. Else the host's is made read-only: a real root
/// could act on the machine through it.
fn system(steps: &mut Vec<Inside>, namespaces: &Namespaces, rights: &Rights, host: &Host) {
    let read_only = if rights.mask_paths { MsFlags::MS_RDONLY } else { MsFlags::empty() };
    if may_mount(namespaces, Kind::Net) {
        let flags = HARMLESS | host.sys_flags | read_only;
        steps.push(mount("the container's /sys", "sysfs", "/sys", flags, ""));
    } else if rights.mask_paths {
        steps.push(Inside::ReadOnlyTree("/sys"));
    }
    // Runtimes read their limits there; read-only, as a limit is not theirs to change
    // (CVE-2023-25809). EBUSY: the same groups are mounted there, as the host's.
    if host.cgroup2 && namespaces.is_new(Kind::Cgroup) {
        steps.push(if_any(
            mount_call(
                "the container's control groups",
                "cgroup2",
                CGROUPS,
                HARMLESS | MsFlags::MS_RDONLY,
                "",
            ),
            &[Errno::EPERM, Errno::ENODEV, Errno::EBUSY, Errno::ENOENT],
        ));
    }
}

/// What shows a namespace is mounted only with rights in the user namespace that
/// owns it: not from a new one for a namespace that was there before.
pub(super) fn may_mount(namespaces: &Namespaces, kind: Kind) -> bool {
    namespaces.is_new(kind) || (!namespaces.is_host(kind) && !namespaces.is_new(Kind::User))
}

/// A mount of what not every machine has: these errors say that this one does not.
fn if_any(call: MountCall, absent: &'static [Errno]) -> Inside {
    Inside::Mount(MountCall { absent, ..call })
}

fn mount(
    purpose: &'static str,
    fstype: &'static str,
    target: &'static str,
    flags: MsFlags,
    options: &'static str,
) -> Inside {
    Inside::Mount(mount_call(purpose, fstype, target, flags, options))
}

fn mount_call(
    purpose: &'static str,
    fstype: &'static str,
    target: &'static str,
    flags: MsFlags,
    options: &'static str,
) -> MountCall {
    MountCall { purpose, fstype, target, flags, options, absent: &[] }
}
