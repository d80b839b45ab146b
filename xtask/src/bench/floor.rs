//! The small programs that the benchmark brings along, compiled as it starts:
//! the kernel's floor and the workloads.

use crate::{Result, cargo};
use std::path::Path;
use std::process::Command;

/// A static Rust program without std's checks, as `cargo build --release` makes it.
const STATIC: &[&str] = &["-Ctarget-feature=+crt-static", "-Crelocation-model=static"];

/// A program without libc and without start-up code.
const FREESTANDING: &[&str] = &[
    "-Cpanic=abort",
    "-Crelocation-model=static",
    "-Clink-args=-nostartfiles -nostdlib -static -no-pie",
];

/// Compiles the workload that exits at once.
pub fn compile_true(to: &Path) -> Result<()> {
    compile("true.rs", to, STATIC)
}

/// Compiles the workload that sleeps until its standard input ends.
pub fn compile_sleep(to: &Path) -> Result<()> {
    compile("sleep.rs", to, STATIC)
}

/// Compiles the workload that never ends.
pub fn compile_rest(to: &Path) -> Result<()> {
    compile("rest.rs", to, STATIC)
}

/// Compiles the workload that says much.
pub fn compile_pour(to: &Path) -> Result<()> {
    compile("pour.rs", to, STATIC)
}

/// Compiles the workload that is many processes.
pub fn compile_crowd(to: &Path) -> Result<()> {
    compile("crowd.rs", to, STATIC)
}

/// Compiles the floor: clone3 + execve + wait4.
pub fn compile_floor(to: &Path) -> Result<()> {
    compile("floor.rs", to, FREESTANDING)
}

/// Compiles the workload that leaves orphans.
pub fn compile_orphans(to: &Path) -> Result<()> {
    compile("orphans.rs", to, STATIC)
}

fn compile(source: &str, to: &Path, flags: &[&str]) -> Result<()> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc
        .args(["--edition=2024", "-Copt-level=3", "-Cstrip=symbols"])
        .args(flags)
        .arg("-o")
        .arg(to)
        .arg(cargo::workspace().join("xtask/programs").join(source));
    cargo::succeed(&mut rustc)
}

// linux/sched.h
const CLONE_NEWNS: u64 = 0x0002_0000;
const CLONE_NEWCGROUP: u64 = 0x0200_0000;
const CLONE_NEWUTS: u64 = 0x0400_0000;
const CLONE_NEWIPC: u64 = 0x0800_0000;
const CLONE_NEWUSER: u64 = 0x1000_0000;
const CLONE_NEWPID: u64 = 0x2000_0000;
const CLONE_NEWNET: u64 = 0x4000_0000;

/// The namespaces that `nsctl run` makes by default, as clone3(2) flags.
pub fn clone_flags(root: bool, net: bool) -> u64 {
    let mut flags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID;
    if !root {
        flags |= CLONE_NEWUSER;
    }
    if net {
        flags |= CLONE_NEWNET;
    }
    flags
}
