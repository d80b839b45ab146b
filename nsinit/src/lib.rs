//! PID 1 for containers: starts the workload, forwards signals to it, reaps orphans, and exits as
//! the workload did.
//!
//! The program is [`IMAGE`]: a static executable of a few KiB without libc, for x86_64, which
//! needs nothing from the root file system that it runs in. This library holds its bytes for
//! programs that start containers, the [`report`]s that it can send them, and, for a workload
//! that is to be PID 1 itself, the same [`exec`]. The modules are those of the image; here they
//! are compiled with std, so that they can be tested.
//!
//! # What it does
//!
//! ```text
//! block all signals ─▶ options ─▶ find the terminal ─▶ clone ─▶ let go ─▶ wait ─▶ exit
//!                                                        └─▶ group, terminal, directory, user,
//!                                                            SIGCHLD, mask ─▶ execve: the workload
//! ```
//!
//! - *Signals* wait from the first instruction on and are taken one by one; no handler is ever
//!   installed. What a process sent is passed on as it came: by number, with the code and the
//!   payload of a queued one. What the kernel made is passed on where the workload has not had it
//!   itself: a terminal signals one whole process group, but tells of a hang-up only the leader of
//!   the session. A real fault still kills.
//! - *The workload* is in a process group of its own, which gets the terminal if nsinit's group has
//!   it. Started in the background, or where the group cannot be named (outside of the pid
//!   namespace), it stays in nsinit's, for the shell above to control both. If it is stopped by
//!   the terminal, so is nsinit. Signal mask and dispositions are those that nsinit was started
//!   with.
//! - *Orphans* are reaped; where nsinit is not PID 1 it asks to be their reaper, and its own death
//!   by SIGKILL kills the workload (as PID 1's kills all).
//! - *The exit code* is the workload's, or 128+n if signal n killed it; 127 if there was no such
//!   program, 126 if it could not be executed, 125 for nsinit's own failures (1 under the names of
//!   tini, dumb-init and catatonit).
//! - *What is denied* (prctl, setpgid, the terminal's ioctls, close_range, chdir …) is gone without.
//!
//! Deliberately absent: threads, allocation, signal handlers, configuration files, names of users,
//! restarting the workload.

#![deny(unsafe_code)]
// The image runs most of it (and is where unused code is warned of); here it is tested.
#![allow(dead_code)]

mod config;
mod environment;
pub mod exec;
mod exit;
mod init;
mod leftover;
mod log;
mod options;
mod pause;
mod reap;
pub mod report;
mod show;
mod signals;
mod status;
mod supervise;
mod sys;
mod terminal;
mod text;
mod timers;
mod workload;

pub use config::other_names;
pub use options::{Known as KnownOption, known as known_options};

/// The program, an ELF executable.
pub const IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nsinit"));
