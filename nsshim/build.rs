//! Makes the seccomp filters of the usual capability sets, so that no start has to.

// The library uses more of these modules than this program does.
#![allow(dead_code)]

#[path = "src/seccomp/arch.rs"]
mod arch;
#[path = "src/seccomp/arguments.rs"]
mod arguments;
#[path = "src/seccomp/assembler.rs"]
mod assembler;
#[path = "src/seccomp/capabilities.rs"]
mod capabilities;
#[path = "src/seccomp/compile.rs"]
mod compile;
#[path = "src/seccomp/default.rs"]
mod default;
#[path = "src/seccomp/i386.rs"]
mod i386;
#[path = "src/seccomp/policy.rs"]
mod policy;
#[path = "src/seccomp/tree.rs"]
mod tree;
#[path = "src/seccomp/x86_64.rs"]
mod x86_64;

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/seccomp");
    let variable = |name| env::var(name).expect("cargo sets it");

    let target = variable("CARGO_CFG_TARGET_ARCH");
    let arches = arch::Arch::of_target(&target)
        .unwrap_or_else(|| panic!("no system call numbers of {target} in src/seccomp/arch.rs"));
    let filters: String = capabilities::PREBUILT
        .into_iter()
        .map(|set| (set, compile::compile(&default::policy(arches, set))))
        // Debug's words for a list of instructions are Rust's words for one.
        .map(|(set, program)| format!("({set:#x}, &{program:?}),\n"))
        .collect();
    fs::write(Path::new(&variable("OUT_DIR")).join("seccomp.rs"), format!("[{filters}]"))
        .expect("cargo lets a build script write to OUT_DIR");
}
