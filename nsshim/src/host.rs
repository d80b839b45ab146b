//! Facts about the caller on this machine, read once.

use caps::{CapSet, Capability};

use crate::spec::HostId;

/// What the plan must know about who makes the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// The effective user id.
    pub uid: HostId,
    /// The effective group id.
    pub gid: HostId,
    /// The effective capabilities: bit n is capability n.
    pub capabilities: u64,
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

    /// Whether the caller may write any id map.
    pub fn may_map_any_id(&self) -> bool {
        self.has(Capability::CAP_SETUID) && self.has(Capability::CAP_SETGID)
    }
}
