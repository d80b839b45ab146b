//! Failures on demand: tests see with them that nothing is left behind, whichever step
//! fails. A release build has none of it.
//!
//! `NSCTL_TEST_FAIL=outside:3` or `inside:3` lets the third step of that side fail
//! before it does anything.

use crate::error::CallError;

/// The two processes that carry out steps.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    /// The shim.
    Outside,
    /// The container's first process.
    Inside,
}

/// Fails when the step that comes now was chosen.
#[cfg(debug_assertions)]
pub(crate) fn check(side: Side) -> Result<(), CallError> {
    use std::sync::atomic::{AtomicUsize, Ordering};

    // Each in its own process, or in memory that both share.
    static OUTSIDE: AtomicUsize = AtomicUsize::new(0);
    static INSIDE: AtomicUsize = AtomicUsize::new(0);

    let Ok(asked) = std::env::var("NSCTL_TEST_FAIL") else { return Ok(()) };
    let (count, name) = match side {
        Side::Outside => (&OUTSIDE, "outside"),
        Side::Inside => (&INSIDE, "inside"),
    };
    let number = 1 + count.fetch_add(1, Ordering::Relaxed);
    if asked == format!("{name}:{number}") {
        return Err(CallError { call: "failure(on demand)".into(), errno: nix::errno::Errno::EIO });
    }
    Ok(())
}

/// Never fails.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub(crate) fn check(_: Side) -> Result<(), CallError> {
    Ok(())
}
