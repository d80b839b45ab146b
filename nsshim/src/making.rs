//! Whether a container is still being made, as its caller, the shim and the child see it.
//!
//! ```text
//!  being made ──child──▶ begun      signals go to the workload
//!             ──caller─▶ given up   no workload has run, and none will
//! ```
//!
//! While a step waits, for a helper or for a file system, nobody takes a signal to the
//! workload, and there is none yet. So the caller may end it all; but never a workload
//! that has begun, because that one may have other plans than to end. One
//! compare-and-swap in shared memory decides: it costs no system call and wakes nobody.

use std::sync::atomic::Ordering;

use crate::sys::SharedWord;

const BEGUN: u32 = 1;
const GIVEN_UP: u32 = 2;

/// How far a container is.
#[derive(Debug)]
pub(crate) struct Making(SharedWord);

impl Making {
    /// It is being made.
    pub fn new() -> nix::Result<Self> {
        SharedWord::new().map(Making)
    }

    /// Child: all steps are done, nsinit or the workload follows. False: it must not.
    pub fn begin(&self) -> bool {
        self.decide(BEGUN)
    }

    /// Caller: it is not wanted any more. False: too late, it has begun.
    pub fn give_up(&self) -> bool {
        self.decide(GIVEN_UP)
    }

    fn decide(&self, end: u32) -> bool {
        self.0.compare_exchange(0, end, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_decides_first_decides() {
        let making = Making::new().unwrap();
        assert!(making.begin());
        assert!(!making.give_up());
        let making = Making::new().unwrap();
        assert!(making.give_up());
        assert!(!making.begin() && !making.give_up());
    }
}
