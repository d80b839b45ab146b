//! The image's entry: the same modules as the library's, without std and without libc.
//!
//! `build.rs` compiles this file by itself; the library embeds the result as `IMAGE`.

#![no_std]
#![no_main]
#![deny(unsafe_code, unsafe_op_in_unsafe_fn)]



mod config;
mod environment;
mod exec;
mod exit;
mod init;
mod leftover;
mod log;
mod options;
mod pause;
mod reap;
mod report;
mod show;
mod signals;
mod status;
mod supervise;
mod sys;
mod terminal;
mod text;
mod timers;
mod workload;

/// Nothing here can panic, and a test looks for this marker in the image to prove that the
/// optimiser agrees. If it ever did, ending with "the init failed" is what is left to do.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    sys::panicked()
}
