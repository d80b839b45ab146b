//! The last walls before exec: descriptors and the system-call filter.

use crate::error::{Named, Result};
use crate::seccomp::{self, Filter};
use crate::sys;

pub(super) fn close_on_exec(from: i32) -> Result<()> {
    sys::close_range_cloexec(from)
        .call(|| format!("close_range({from}, UINT_MAX, CLOSE_RANGE_CLOEXEC)"))
}

pub(super) fn seccomp(filter: &Filter) -> Result<()> {
    seccomp::install(filter).call(|| "seccomp(SECCOMP_SET_MODE_FILTER)".into())
}
