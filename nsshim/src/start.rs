//! Forking the shim.

use std::os::fd::OwnedFd;

use nix::unistd::{ForkResult, Pid};

use crate::affinity;
use crate::channel;
use crate::error::{Failure, Named};
use crate::plan::Plan;
use crate::shim;
use crate::sys;
use crate::terminal::SavedTerminal;

/// A shim that is making or watching a container.
#[derive(Debug)]
pub struct Started {
    /// The shim, a child of the caller.
    pub shim: Pid,
    /// What it says, and what is said to it. Closing it ends the container.
    pub channel: OwnedFd,
}

/// Starts a shim that carries out `plan`.
///
/// The caller must have one thread and all signals blocked, so that none is lost
/// between the fork and the watch.
///
/// # Errors
/// `EMFILE`, `EAGAIN`, `ENOMEM`: no channel or no process could be made.
pub fn start(plan: Plan, terminal: Option<SavedTerminal>) -> Result<Started, Failure> {
    let purpose = "start the shim";
    let (ours, theirs) = channel::pair()
        .call(|| "socketpair(AF_UNIX, SOCK_SEQPACKET)".into())
        .map_err(|error| error.during(purpose))?;
    // Only where no two of the processes have work at the same time.
    let held = if plan.child_may_share_memory() { affinity::hold() } else { None };
    let forked = sys::fork_single_threaded()
        .call(|| "fork()".into())
        .map_err(|error| error.during(purpose))?;
    match forked {
        ForkResult::Child => {
            drop(ours);
            shim::run(plan, theirs, terminal, held)
        }
        ForkResult::Parent { child } => {
            if let Some(held) = held {
                held.let_go();
            }
            Ok(Started { shim: child, channel: ours })
        }
    }
}
