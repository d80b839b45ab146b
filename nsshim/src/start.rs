//! Forking the shim.

use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{Shutdown, shutdown};
use nix::unistd::{ForkResult, Pid};

use crate::affinity::{self, Lingering};
use crate::channel;
use crate::error::{Failure, Named};
use crate::keep::Keep;
use crate::making::Making;
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
    /// On the processor where the shim waits, too.
    pub lingering: Lingering,
    making: Making,
    /// Whether the shim can do nothing until the child has begun.
    stands_still: bool,
}

impl Started {
    /// Ends a container that is still being made, and tells whether it was: then no
    /// workload has run, and none will. What the shim still says comes over the channel;
    /// its end shows that the shim has cleaned up.
    pub fn give_up(&self) -> bool {
        if !self.making.give_up() {
            return false;
        }
        if self.stands_still {
            // The child dies with it; nothing else was made outside.
            self.kill();
        } else {
            // As if we were dead; but what it says can still be heard.
            let _ = shutdown(self.channel.as_raw_fd(), Shutdown::Write);
        }
        true
    }

    /// Ends the shim, and with it the container.
    pub fn kill(&self) {
        // Our child, and not waited for yet, so the number is still its own.
        let _ = kill(self.shim, Signal::SIGKILL);
    }
}

/// Starts a shim that carries out `plan`. With `keep` the container outlives the caller,
/// once its workload runs.
///
/// The caller must have one thread and all signals blocked, so that none is lost
/// between the fork and the watch.
///
/// # Errors
/// `EMFILE`, `EAGAIN`, `ENOMEM`: no channel or no process could be made.
pub fn start(
    plan: Plan,
    terminal: Option<SavedTerminal>,
    keep: Option<Keep>,
) -> Result<Started, Failure> {
    let purpose = "start the shim";
    let (ours, theirs) = channel::pair()
        .call(|| "socketpair(AF_UNIX, SOCK_SEQPACKET)".into())
        .map_err(|error| error.during(purpose))?;
    let making = Making::new()
        .call(|| "mmap(MAP_SHARED|MAP_ANONYMOUS)".into())
        .map_err(|error| error.during(purpose))?;
    let stands_still = plan.child_may_share_memory();
    // Only where no two of the processes have work at the same time.
    let held = if stands_still { affinity::hold() } else { None };
    let forked = sys::fork_single_threaded()
        .call(|| "fork()".into())
        .map_err(|error| error.during(purpose))?;
    match forked {
        ForkResult::Child => {
            drop(ours);
            shim::run(plan, theirs, terminal, held, making, keep)
        }
        ForkResult::Parent { child } => {
            let mut lingering = Lingering::new(held);
            if keep.is_some() {
                // The shim has more to do, while we have less.
                lingering.end();
            }
            // Freeing all these would write to pages that the shim shares: each would be copied,
            // while the shim waits for this processor. The rest holds descriptors, and is dropped.
            let Plan { inside, exec, .. } = plan;
            let unneeded = keep.map(|mut keep| mem::take(&mut keep.unneeded));
            mem::forget((inside, exec, unneeded));
            Ok(Started { shim: child, channel: ours, lingering, making, stands_still })
        }
    }
}
