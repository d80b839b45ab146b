//! The last walls before exec: descriptors and the system-call filter.

use std::os::fd::BorrowedFd;

use super::InsideContext;
use crate::error::{Named, Result};
use crate::seccomp::{self, Filter};
use crate::sys;

/// Closes what the host has open, while we could still be led to it by a path such
/// as /proc/self/fd/3 (CVE-2024-21626). What is needed to become nsinit stays.
pub(super) fn close(context: &InsideContext<'_>, from: i32) -> Result<()> {
    let kept = [Some(context.channel), context.image, context.kill];
    let keep: Vec<BorrowedFd<'_>> = kept.into_iter().flatten().collect();
    sys::close_from_but(from, &keep).call(|| format!("close_range({from}, UINT_MAX)"))
}

pub(super) fn seccomp(filter: &Filter) -> Result<()> {
    seccomp::install(filter).call(|| "seccomp(SECCOMP_SET_MODE_FILTER)".into())
}
