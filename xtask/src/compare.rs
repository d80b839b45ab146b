//! `cargo xtask compare-init`: the comparison of nsinit with the inits that are installed, made by
//! running the same tests on each of them.
//!
//! The tests are nsinit's own (`nsinit/tests/init`), which take another init from the environment;
//! `cases` says which of them make sense for any init. The result is a table of tab-separated
//! values, committed, which `docs` puts into nsinit(1).

mod cases;

use crate::peers::{PEERS, Peer};
use crate::{Result, cargo};
use cases::{CASES, Case, Where};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub struct Args {
    /// Compare only these
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Write the table here
    #[arg(long, value_name = "FILE", default_value_os_t = table())]
    output: PathBuf,
}

/// The committed table.
pub fn table() -> PathBuf {
    cargo::workspace().join("nsinit/man/comparison.tsv")
}

/// One of those that are compared.
struct Init {
    name: &'static str,
    /// With the options that its authors say to use where it is not PID 1.
    line: Option<String>,
    version: String,
    verbose: &'static str,
}

/// How long a test waits for what does not come, when it is asked for the first time; a failure
/// counts only if it stays with more time.
const PATIENCE: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(8)];

pub fn run(args: &Args) -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        return Err("some of the cases need root: sudo cargo xtask compare-init".into());
    }
    let tests = build_tests()?;
    let wanted = |name: &str| {
        name == "nsinit" || args.only.is_empty() || args.only.iter().any(|o| o == name)
    };
    let mut inits = inits()?;
    inits.retain(|init| wanted(init.name));

    let mut columns = Vec::new();
    for init in &inits {
        let begin = Instant::now();
        let results = judge(&tests, init)?;
        let failed = results.iter().filter(|result| **result != "yes").count();
        let seconds = begin.elapsed().as_secs();
        println!("{}: {failed} of {} cases not passed, {seconds} s", init.name, CASES.len());
        columns.push(results);
    }
    std::fs::write(&args.output, render(&inits, &columns))?;
    println!("wrote {}", args.output.display());
    let short: Vec<&str> = CASES
        .iter()
        .zip(&columns[0])
        .filter_map(|(case, result)| (*result != "yes").then_some(case.name))
        .collect();
    if short.is_empty() { Ok(()) } else { Err(format!("nsinit: {}", short.join("; ")).into()) }
}

fn inits() -> Result<Vec<Init>> {
    let own = env!("CARGO_PKG_VERSION").to_string();
    let mut found = vec![Init { name: "nsinit", line: None, version: own, verbose: "-vvvv -w" }];
    for &Peer { name, options, verbose } in PEERS {
        let Some(path) = crate::bench::which(name) else {
            println!("left out: {name} is not installed");
            continue;
        };
        let said = Command::new(&path).arg("--version").output()?;
        let said = [said.stdout, said.stderr].concat();
        let version = version(&String::from_utf8_lossy(&said));
        let line = Some(format!("{path} {options}"));
        found.push(Init { name, line, version, verbose });
    }
    Ok(found)
}

/// The first word that is a number, as most version numbers are.
fn version(said: &str) -> String {
    let numbers = said.split_whitespace().map(|word| word.trim_start_matches('v'));
    let mut numbers = numbers.filter(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    let digits = |word: &str| word.split(['_', '-']).next().unwrap_or(word).to_string();
    numbers.next().map_or("?".into(), digits)
}

/// What the table says of each case.
fn judge(tests: &Path, init: &Init) -> Result<Vec<&'static str>> {
    let names: Vec<&str> = CASES.iter().map(|case| case.test).collect();
    let mut passed = try_tests(tests, init, &names, None, PATIENCE[0])?;
    let failed: Vec<&str> = names.iter().copied().filter(|name| !passed.contains(name)).collect();
    passed.extend(try_tests(tests, init, &failed, None, PATIENCE[1])?);
    let failed: Vec<&str> = names.into_iter().filter(|name| !passed.contains(name)).collect();
    let both: Vec<&str> = CASES
        .iter()
        .filter(|case| case.place == Where::Both && failed.contains(&case.test))
        .map(|case| case.test)
        .collect();
    let as_pid1 = try_tests(tests, init, &both, Some("pid1"), PATIENCE[0])?;
    let as_child = try_tests(tests, init, &both, Some("child"), PATIENCE[0])?;
    let verdict = |case: &Case| match () {
        () if !failed.contains(&case.test) => "yes",
        () if as_pid1.contains(&case.test) && !as_child.contains(&case.test) => "as PID 1",
        () if as_child.contains(&case.test) && !as_pid1.contains(&case.test) => "not as PID 1",
        () => "no",
    };
    Ok(CASES.iter().map(verdict).collect())
}

/// Which of `names` pass.
fn try_tests<'a>(
    tests: &Path,
    init: &Init,
    names: &[&'a str],
    mode: Option<&str>,
    patience: Duration,
) -> Result<Vec<&'a str>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let place = Place::new(tests)?;
    // Whatever a test or an init leaves behind ends with this namespace, and is reaped in it.
    let mut command = Command::new("unshare");
    command
        .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(place.0.join("nsinit"))
        .arg("--")
        .arg(place.0.join("tests"))
        .args(["--exact", "--test-threads=2"])
        .args(names)
        .env("TMPDIR", &place.0)
        .env("NSINIT_TEST_DEADLINE_MS", patience.as_millis().to_string())
        .env("NSINIT_TEST_VERBOSE", init.verbose)
        .env("RUST_BACKTRACE", "0")
        .current_dir("/")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    if let Some(line) = &init.line {
        command.env("NSINIT_TEST_INIT", line);
    }
    if let Some(mode) = mode {
        command.env("NSINIT_TEST_MODE", mode);
    }
    let said = command.output()?.stdout;
    let said = String::from_utf8_lossy(&said);
    // What is asked for and is not there would look like a failure.
    let count = format!("running {} test", names.len());
    if !said.contains(&count) {
        return Err(format!("the tests do not know all of the cases: {said}").into());
    }
    let passed = |name: &&'a str| said.contains(&format!("test {name} ... ok\n"));
    Ok(names.iter().copied().filter(passed).collect())
}

/// A directory that everybody may look into, with the tests and an init for them all.
struct Place(PathBuf);

impl Place {
    fn new(tests: &Path) -> Result<Place> {
        let path = std::env::temp_dir().join(format!("nsinit-compare.{}", std::process::id()));
        crate::bench::directory(&path, 0o755)?;
        let place = Place(path);
        std::fs::copy(tests, place.0.join("tests"))?;
        crate::dist::write_program(&place.0.join("nsinit"), nsinit::IMAGE)?;
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}

/// Builds nsinit's behaviour tests and returns the program.
fn build_tests() -> Result<PathBuf> {
    let mut command = cargo::cargo();
    command
        .args(["test", "--package", "nsinit", "--test", "init", "--no-run"])
        .arg("--message-format=json-render-diagnostics");
    cargo::executable(&mut command, "init")
}

fn render(inits: &[Init], columns: &[Vec<&'static str>]) -> String {
    let mut text = String::from("group\tcase");
    for init in inits {
        text += &format!("\t{} {}", init.name, init.version);
    }
    text.push('\n');
    for (at, case) in CASES.iter().enumerate() {
        text += &format!("{}\t{}", case.group, case.name);
        for column in columns {
            text.push('\t');
            text += column[at];
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_inits_say() {
        for (said, expected) in [
            ("tini version 0.19.0\n", "0.19.0"),
            ("dumb-init v1.2.5\n", "1.2.5"),
            ("tini version 0.1.7_catatonit\n", "0.1.7"),
            ("nothing\n", "?"),
        ] {
            assert_eq!(version(said), expected);
        }
    }

    #[test]
    fn no_case_is_there_twice() {
        for (at, case) in CASES.iter().enumerate() {
            assert!(CASES[at + 1..].iter().all(|other| other.test != case.test), "{}", case.test);
        }
    }
}
