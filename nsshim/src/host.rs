//! Facts about the caller on this machine, read once.

use caps::{CapSet, Capability};
use nix::mount::MsFlags;
use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, statfs};
use nix::sys::statvfs::{FsFlags, statvfs};

use crate::spec::{ContainerId, HostId, parse_idmap};

/// The group `tty` of every distribution; devpts gives terminals to it.
pub(crate) const TTY_GROUP: ContainerId = ContainerId(5);

/// Where control groups are shown.
pub(crate) const CGROUPS: &str = "/sys/fs/cgroup";

/// What the plan must know about who makes the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// The effective user id.
    pub uid: HostId,
    /// The effective group id.
    pub gid: HostId,
    /// The effective capabilities: bit n is capability n.
    pub capabilities: u64,
    /// Whether the group 5, `tty`, exists in the caller's user namespace.
    pub tty_group: bool,
    /// Whether setgroups(2) is denied here, and in all that is nested here, whatever
    /// the capabilities.
    pub setgroups_denied: bool,
    /// What a new mount of proc must repeat.
    pub proc_flags: MsFlags,
    /// What a new mount of sysfs must repeat.
    pub sys_flags: MsFlags,
    /// Whether control groups are shown as cgroups(7) version 2 has them.
    pub cgroup2: bool,
}

impl Host {
    /// Reads the facts.
    pub fn probe() -> Host {
        let capabilities = caps::read(None, CapSet::Effective)
            .map(|set| set.into_iter().fold(0, |bits, cap| bits | cap.bitmask()))
            .unwrap_or(0);
        Host {
            uid: HostId(nix::unistd::geteuid().as_raw()),
            gid: HostId(nix::unistd::getegid().as_raw()),
            capabilities,
            tty_group: std::fs::read_to_string("/proc/self/gid_map")
                .is_ok_and(|map| parse_idmap(&map).iter().any(|line| line.maps(TTY_GROUP))),
            setgroups_denied: std::fs::read_to_string("/proc/self/setgroups")
                .is_ok_and(|word| word.trim() == "deny"),
            proc_flags: locked_flags("/proc"),
            sys_flags: locked_flags("/sys"),
            cgroup2: statfs(CGROUPS)
                .is_ok_and(|found| found.filesystem_type() == CGROUP2_SUPER_MAGIC),
        }
    }

    /// Whether the caller has a capability.
    pub fn has(&self, capability: Capability) -> bool {
        self.capabilities & capability.bitmask() != 0
    }

    /// Whether the caller may make namespaces without a user namespace.
    pub fn is_privileged(&self) -> bool {
        self.has(Capability::CAP_SYS_ADMIN)
    }

    /// Whether the caller may set supplementary groups.
    pub fn may_set_groups(&self) -> bool {
        self.has(Capability::CAP_SETGID) && !self.setgroups_denied
    }

    /// Whether the caller may write any id map.
    pub fn may_map_any_id(&self) -> bool {
        self.has(Capability::CAP_SETUID) && self.has(Capability::CAP_SETGID)
    }
}

/// The flags of a mount that are locked in a user namespace: a new mount of the
/// same file system with other ones is refused with EPERM, as if it revealed
/// something. fs/namespace.c, `mnt_already_visible`
fn locked_flags(path: &str) -> MsFlags {
    let Ok(found) = statvfs(path) else { return MsFlags::empty() };
    let table = [
        (FsFlags::ST_RDONLY, MsFlags::MS_RDONLY),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
    ];
    let kept = table.into_iter().filter(|(found_flag, _)| found.flags().contains(*found_flag));
    let flags = kept.fold(MsFlags::empty(), |flags, (_, flag)| flags | flag);
    match found.flags().intersects(FsFlags::ST_NOATIME | FsFlags::ST_RELATIME) {
        true => flags,
        false => flags | MsFlags::MS_STRICTATIME,
    }
}
