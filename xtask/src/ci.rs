//! `cargo xtask ci`: everything that must pass before a change is pushed.

use crate::{Result, cargo, licences};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// Tests that cannot run append `NAME<TAB>REASON` to the file this names.
const SKIP_LOG: &str = "NSCTL_TEST_SKIP_LOG";

#[derive(clap::Args)]
pub struct Args {
    /// Leave out the behaviour tests, which have just been run
    #[arg(long)]
    no_tests: bool,
}

/// Runs every check, even after one has failed, then says which did.
pub fn run(args: &Args) -> Result<()> {
    let skip_log = SkipLog::open()?;
    let mut checks: Vec<(&str, Command)> = vec![
        ("format", cargo_with("fmt --all --check")),
        ("lints", cargo_with("clippy --workspace --all-targets --locked -- -D warnings")),
        ("documentation", documentation()),
        ("tests of xtask", cargo_with("test --package xtask --locked")),
    ];
    if !args.no_tests {
        let mut tests = cargo_with("test --locked");
        tests.env(SKIP_LOG, &skip_log.path);
        checks.push(("tests", tests));
    }

    let mut failed = Vec::new();
    for (name, mut command) in checks {
        println!("==> {name}: {}", cargo::line(&command));
        let begin = Instant::now();
        let outcome = cargo::succeed(&mut command);
        conclude(name, begin, outcome, &mut failed);
    }
    println!("==> licences");
    let begin = Instant::now();
    conclude("licences", begin, licences::check(), &mut failed);

    skip_log.print()?;
    if failed.is_empty() {
        println!("all checks passed");
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join(", ")).into())
    }
}

fn conclude<'a>(name: &'a str, begin: Instant, outcome: Result<()>, failed: &mut Vec<&'a str>) {
    let seconds = begin.elapsed().as_secs_f64();
    match outcome {
        Ok(()) => println!("    {name}: ok, {seconds:.1} s"),
        Err(error) => {
            println!("    {name}: FAILED, {seconds:.1} s: {error}");
            failed.push(name);
        }
    }
}

fn cargo_with(words: &str) -> Command {
    let mut command = cargo::cargo();
    command.args(words.split(' '));
    command
}

fn documentation() -> Command {
    let mut command = cargo_with("doc --workspace --no-deps --locked");
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}

/// The skipped tests and their reasons. A test that does not run is easy to
/// overlook, so the last thing that ci prints is what it did not check.
struct SkipLog {
    path: PathBuf,
    /// Somebody else's, who ran the tests before us.
    given: bool,
}

impl SkipLog {
    fn open() -> Result<SkipLog> {
        if let Some(path) = std::env::var_os(SKIP_LOG) {
            return Ok(SkipLog { path: path.into(), given: true });
        }
        let name = format!("nsctl-skipped-tests.{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, "")?;
        // Tests that become another user on the way skip, too.
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        std::fs::set_permissions(&path, all)?;
        Ok(SkipLog { path, given: false })
    }

    fn print(&self) -> Result<()> {
        let text = match std::fs::read_to_string(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let mut skipped: Vec<&str> = text.lines().collect();
        skipped.sort_unstable();
        skipped.dedup();
        println!("==> {} tests skipped", skipped.len());
        for line in skipped {
            let (test, reason) = line.split_once('\t').unwrap_or((line, "no reason given"));
            println!("    {test}: {reason}");
        }
        Ok(())
    }
}

impl Drop for SkipLog {
    fn drop(&mut self) {
        if !self.given {
            // In the temporary directory it harms nobody.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
