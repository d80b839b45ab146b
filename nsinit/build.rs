//! Builds the image: one direct call of rustc on `src/freestanding.rs`.
//!
//! Cargo cannot: a `no_std` binary target does not link in the dev and test profiles (they want
//! unwinding), and its profile could not differ from the workspace's. So the image is always the
//! same small release build, whatever is being built around it.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(freestanding)");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=image.ld");
    println!("cargo::rerun-if-changed=build.rs");

    let out = PathBuf::from(variable("OUT_DIR")).join("nsinit");
    // RUSTFLAGS are Cargo's to add, so none of the workspace's reach this call.
    let mut rustc = Command::new(variable("RUSTC"));
    rustc
        .args(["--crate-name", "nsinit", "--crate-type", "bin", "--edition", "2024"])
        .args(["--target", &variable("TARGET"), "--cfg", "freestanding"])
        .args(["-Cpanic=abort", "-Copt-level=z", "-Clto=fat", "-Ccodegen-units=1"])
        .args(["-Cstrip=symbols", "-Cforce-unwind-tables=no"])
        // What runs once is found as fast by comparing, and its tables would be 1 % of the image.
        .arg("-Cllvm-args=-min-jump-table-entries=1000")
        // A fixed address needs no relocations, so no page is written before the first line runs.
        .args(["-Crelocation-model=static", "-Ctarget-feature=+crt-static"]);
    if variable("CARGO_CFG_TARGET_ENV") == "musl" {
        // Or rustc links musl's own start files.
        rustc.arg("-Clink-self-contained=no");
    }
    let script = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("image.ld");
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,--gc-sections",
        "-Wl,--build-id=none",
        "-Wl,--no-eh-frame-hdr",
        "-Wl,-z,norelro",
        "-Wl,-z,noexecstack",
        "-Wl,-z,max-page-size=4096",
        &format!("-Wl,-T,{}", script.display()),
    ] {
        rustc.arg(format!("-Clink-arg={argument}"));
    }
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    rustc.arg("-o").arg(&out).arg("src/freestanding.rs");

    let built = rustc.output().expect("RUSTC is the compiler that Cargo itself runs");
    let messages = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "building the image failed: {rustc:?}\n{messages}");
    // Cargo hides what a build script says, warnings too.
    for line in messages.lines().filter(|line| line.starts_with("warning: ")) {
        println!("cargo::warning=the image: {line}");
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("Cargo sets {name} for build scripts"))
}
