//! The entry point.
//!
//! std's own start-up would ignore SIGPIPE and install handlers on an alternate
//! stack before `main`. The workload must inherit what *our caller* gave us, so
//! this is a C `main`: the signal state is read before anything changes it.

use std::ffi::{c_char, c_int};

use crate::inherited::Inherited;
use crate::{cli, error};

/// Called by the C library with one thread and the caller's signal state.
// The name is what the C library's start code calls; there is no other of this name.
#[unsafe(no_mangle)]
pub extern "C" fn main(_argc: c_int, _argv: *const *const c_char) -> c_int {
    // No panic crosses into C: it aborts (Cargo.toml).
    let status = match Inherited::take() {
        Ok(inherited) => cli::main(&inherited),
        Err(error) => error::report(&error),
    };
    // Nothing is registered for the exit, and nobody else has anything to flush.
    nsshim::sys::exit_now(status)
}
