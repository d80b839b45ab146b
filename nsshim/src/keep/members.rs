//! A pod's members: each holds a pipe of the pod's open, and locks what it opened.
//!
//! ```text
//!  member's shim ──writes to──┐
//!  member's shim ──writes to──┴─▶ pipe ──▶ pod's shim, which never reads it
//! ```
//!
//! The kernel says when the last writer is gone, however it went. The locks tell who comes from
//! who goes: a member shares it, and a pod that ends has it alone, so that nobody joins it.

use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::fcntl::{Flock, FlockArg};
use nix::poll::{PollFd, PollFlags};

/// The pod's side of the pipe.
pub(super) enum Members {
    /// It is no pod.
    None,
    /// Some may come.
    Awaited(OwnedFd),
    /// The last has left, and no other can come.
    Gone { _alone: Flock<OwnedFd> },
}

impl Members {
    pub fn of(pipe: Option<OwnedFd>) -> Self {
        pipe.map_or(Members::None, Members::Awaited)
    }

    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Members::Awaited(pipe) => Some(pipe.as_fd()),
            _ => None,
        }
    }

    /// Its end is heard without asking. A pipe that nobody has written to has none. poll(2)
    pub fn interest(&self) -> Option<PollFd<'_>> {
        self.descriptor().map(|pipe| PollFd::new(pipe, PollFlags::empty()))
    }

    /// Returns whether the last has just left.
    pub fn turn(&mut self, ready: &[(RawFd, PollFlags)]) -> bool {
        let Members::Awaited(pipe) = self else { return false };
        if !ready.iter().any(|(fd, _)| *fd == pipe.as_raw_fd()) {
            return false;
        }
        let Members::Awaited(pipe) = mem::replace(self, Members::None) else { return false };
        match Flock::lock(pipe, FlockArg::LockExclusiveNonblock) {
            Ok(alone) => {
                *self = Members::Gone { _alone: alone };
                true
            }
            // Somebody comes, or looks whether anybody is there; then we are woken again.
            Err((pipe, _)) => {
                *self = Members::Awaited(pipe);
                false
            }
        }
    }
}
