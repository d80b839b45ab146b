//! PID 1 for containers: starts the workload, forwards signals to it, reaps orphans, and exits as
//! the workload did.
//!
//! The program is [`IMAGE`]: a static executable of a few KiB without libc, for x86_64, which
//! needs nothing from the root file system that it runs in. This library holds its bytes for
//! programs that start containers, the [`report`]s that it can send them, and, for a workload
//! that is to be PID 1 itself, the same [`exec`]. The modules are those of the image; here they
//! are compiled with std, so that they can be tested.
//!
//! Deliberately absent: threads, allocation, files, configuration files, restarting the workload.

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

/// The program, an ELF executable.
pub const IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nsinit"));
