//! The image's entry: the same modules as the library's, without std and without libc.
//!
//! `build.rs` compiles this file by itself; the library embeds the result as `IMAGE`.

#![no_std]
#![no_main]
#![deny(unsafe_code, unsafe_op_in_unsafe_fn)]
// What only the users of the library need is dead here; the linker drops it.
#![allow(dead_code)]

mod config;
mod exec;
mod init;
mod log;
mod options;
mod reap;
mod report;
mod signals;
mod sys;
mod terminal;
mod text;
mod workload;

/// Nothing here can panic, and a test looks for this marker in the image to prove that the
/// optimiser agrees. If it ever did, ending with "the init failed" is what is left to do.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    sys::panicked()
}
