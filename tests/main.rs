//! Behaviour of the real binaries, run as a user runs them: as root and as an
//! unprivileged user. One file per behaviour; a test's name is its claim.
//!
//! Every test makes its own containers and never signals a process that it did
//! not start. What cannot run here says why: `skip: REASON`.

#![allow(clippy::unwrap_used, reason = "a failure here is a test's")]

#[allow(dead_code, unused_imports, reason = "each test takes what it needs")]
mod common;

mod death;
mod descriptors;
mod exit_status;
mod join;
mod namespaces;
mod persist;
mod share;
mod signals;
mod time;
