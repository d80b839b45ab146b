//! When the workload is gone, nsctl is a program like any other.

use nsshim::sys::{self, SignalInfo};

/// Lets signals do to us what they do to any program that was started with `mask` blocked:
/// a reader who takes none of our last words must not keep the user from ending us. What
/// came until now was for the workload.
pub fn take_back(mask: u64) {
    if let Ok(signals) = sys::signalfd_all() {
        while SignalInfo::read(&signals).is_some() {}
    }
    let _ = sys::set_signal_mask(without_sigpipe(mask));
}

/// A reader who has gone must not end us by SIGPIPE: there is a status to return.
pub fn without_sigpipe(mask: u64) -> u64 {
    mask | 1 << (libc::SIGPIPE - 1)
}
