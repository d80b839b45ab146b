//! Skipping aloud.

use std::io::Write;
use std::path::Path;

/// Says why a test, or a part of it, cannot run here. The lines are counted by
/// `cargo xtask ci` through the file that NSCTL_TEST_SKIP_LOG names.
#[allow(clippy::print_stdout, reason = "this is how a skip is seen")]
pub fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("?").to_string();
    println!("skip: {reason}");
    if let Some(log) = std::env::var_os("NSCTL_TEST_SKIP_LOG") {
        let line = format!("{test}\t{reason}\n");
        let file = std::fs::OpenOptions::new().append(true).create(true).open(log);
        file.and_then(|mut file| file.write_all(line.as_bytes())).unwrap();
    }
}

/// Whether a program that the test needs is installed; skips aloud when not.
pub fn have(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|directory| Path::new(&directory).join(program).is_file());
    if !found {
        skip(&format!("{program} is not installed"));
    }
    found
}
