//! The steps that a plan is made of: plain data and one call each.
//!
//! [`Outside`] steps run in the shim, [`Inside`] steps in the container's first
//! process. Decisions are not taken here but in [`plan`](crate::plan()); the order is
//! written there too. A step prints as the calls it makes.

mod capabilities;
mod device;
mod fds;
mod group;
mod helpers;
mod identity;
mod idmap;
mod idmapped;
mod inside;
mod join;
mod keyring;
mod label;
mod landlock;
pub(crate) mod limits;
mod lock;
pub(crate) mod mount;
mod net;
mod outside;
mod persist;
mod pty;
mod reason;
mod report;
mod session;
mod time;
pub(crate) mod tree;
mod uts;
mod workdir;

use std::os::fd::OwnedFd;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use crate::error::{Named, Result};

pub(crate) use group::Entrances;
pub use idmapped::Passed;
pub use inside::Inside;
pub(crate) use inside::InsideContext;
pub(crate) use join::flag_name;
pub use join::id_maps_of;
pub use mount::MountCall;
pub use outside::Outside;
pub(crate) use outside::OutsideContext;
pub use persist::release;
pub use reason::{Reason, of_kind as reason_of_kind};
pub use tree::{Layers, Take, Tree, UpperLayer};

/// Opens the host's /proc, to be used after the mount namespace changed.
pub(crate) fn open_proc() -> Result<OwnedFd> {
    open("/proc", OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
        .call(|| "open(\"/proc\", O_PATH)".into())
}
