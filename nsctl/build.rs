//! Decides how nsctl starts: with `src/start.rs`, or as the C library has it.
//!
//! Sets `cfg(own_start)` and, for `--version`, `NSCTL_START`. Never fails: without a trial that
//! went well nsctl is the same program, half a millisecond slower in a virtual machine.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The versions of glibc whose start `start.rs` was compared with: 2.36, 2.41 and 2.43 by linking
/// them and running the tests, those between by having the same names and order at both ends.
const KNOWN_MINOR: std::ops::RangeInclusive<u32> = 36..=43;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(own_start)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/start.rs");
    println!("cargo::rerun-if-changed=src/start/probe.rs");
    // For packagers, and to measure what it brings.
    println!("cargo::rerun-if-env-changed=NSCTL_ORDINARY_START");

    let start = match trial() {
        Ok(version) => {
            println!("cargo::rustc-cfg=own_start");
            format!("own, glibc 2.{version}")
        }
        Err(reason) => format!("the C library's, {reason}"),
    };
    println!("cargo::rustc-env=NSCTL_START={start}");
}

/// The minor version of the glibc that works, or why the own start is not for this build.
fn trial() -> Result<u32, &'static str> {
    if env::var_os("NSCTL_ORDINARY_START").is_some() {
        return Err("as was asked for");
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let target = variable("TARGET");
    if target != "x86_64-unknown-linux-gnu" || variable("HOST") != target {
        return Err("the only one tried for this target");
    }
    if !flags.contains("+crt-static") || !flags.contains("relocation-model=static") {
        return Err("since it is not linked statically, at a fixed address");
    }

    let probe = PathBuf::from(variable("OUT_DIR")).join("probe");
    let mut rustc = Command::new(variable("RUSTC"));
    rustc
        .args(["--crate-name", "probe", "--crate-type", "bin", "--edition", "2024"])
        .args(["--target", &target, "-Cpanic=abort", "--cap-lints=allow"])
        .arg(format!("-Copt-level={}", variable("OPT_LEVEL")))
        .args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    if variable("PROFILE") == "release" {
        // As the profile has it.
        rustc.args(["-Clto=fat", "-Ccodegen-units=1"]);
    } else {
        rustc.arg("-Cdebug-assertions=on");
    }
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    let built = rustc.arg("-o").arg(&probe).arg("src/start/probe.rs").output();
    if !built.is_ok_and(|built| built.status.success()) {
        return Err("since its own does not link with this one");
    }
    let ran = Command::new(&probe).args(["one", "", "three"]).env("PROBE", "set").output();
    let said = ran.ok().filter(|ran| ran.status.success()).map(|ran| ran.stdout);
    let said = said.ok_or("since its own did not work with this one")?;
    String::from_utf8_lossy(&said)
        .trim()
        .strip_prefix("glibc 2.")
        .and_then(|minor| minor.parse().ok())
        .filter(|minor| KNOWN_MINOR.contains(minor))
        .ok_or("since its own does not know this version")
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("Cargo sets {name} for build scripts"))
}
