//! Everything that is typed or read from a caller's file, mutated: whatever comes, it is
//! refused in words or understood, soon, and never with a panic.
//!
//! `tests/corpus/OPTION/` holds what is mutated: the value of the option, or the file that it
//! names. NSCTL_TEST_SECONDS is how long each is tried, one second by default here; the
//! numbers are the same each time, and a mistake is told with the input that made it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, FromArgMatches};

use crate::args::RunArgs;
use crate::inherited::Inherited;
use crate::resolve;

/// How an option's input is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    /// As its value.
    Value,
    /// In a file that it names.
    File,
}

const TARGETS: [(&str, Given); 17] = [
    ("volume", Given::Value),
    ("mount", Given::Value),
    ("tmpfs", Given::Value),
    ("device", Given::Value),
    ("file", Given::Value),
    ("symlink", Given::Value),
    ("map-users", Given::Value),
    ("map-groups", Given::Value),
    ("user", Given::Value),
    ("boottime", Given::Value),
    ("monotonic", Given::Value),
    ("rlimit", Given::Value),
    ("cap-add", Given::Value),
    ("landlock", Given::Value),
    ("stop-signal", Given::Value),
    ("env-file", Given::File),
    ("seccomp", Given::File),
];

/// Slower than any honest input, also on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(5);

/// xorshift64, Marsaglia.
struct Random(u64);

impl Random {
    fn next(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// What parsers stumble over.
const PIECES: [&[u8]; 26] = [
    b":",
    b",",
    b"=",
    b"/",
    b"\\",
    b"\"",
    b"..",
    b"\n",
    b"\r\n",
    b"\xff",
    b"\xe2\x80\xae",
    b"\x1b[2J",
    b"-1",
    b"0",
    b"4294967295",
    b"4294967296",
    b"18446744073709551616",
    b"1e9",
    b"0x7f",
    b"%s",
    b"{",
    b"[",
    b"null",
    b"\xf0\x9f\x90\xa6",
    b" ",
    b"+",
];

fn mutate(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = seeds[random.next(seeds.len())].clone();
    for _ in 0..=random.next(4) {
        let at = random.next(input.len() + 1);
        match random.next(7) {
            0 => input.truncate(at),
            1 if !input.is_empty() => {
                let at = at.min(input.len() - 1);
                input[at] ^= 1 << random.next(8);
            }
            2 => drop(input.splice(at..at, PIECES[random.next(PIECES.len())].iter().copied())),
            3 => {
                let end = (at + 1 + random.next(8)).min(input.len());
                input.drain(at..end);
            }
            // The end of another seed.
            4 => {
                let other = &seeds[random.next(seeds.len())];
                input.truncate(at);
                input.extend(&other[random.next(other.len() + 1)..]);
            }
            5 => {
                let end = (at + random.next(16)).min(input.len());
                let part = input[at..end].to_vec();
                let count = 1 + random.next(40);
                input.splice(at..at, part.repeat(count));
            }
            _ => input.insert(at, random.next(256) as u8),
        }
    }
    input
}

/// Reads a command line as nsctl would, and resolves it.
fn attempt(words: Vec<OsString>) -> Result<(), String> {
    let command = RunArgs::augment_args(clap::Command::new("nsctl"));
    let matches = command.try_get_matches_from(words).map_err(|error| error.to_string());
    // What clap prints is escaped where it is printed.
    let Ok(matches) = matches else { return Ok(()) };
    let args = RunArgs::from_arg_matches(&matches).map_err(|error| error.to_string());
    let Ok(args) = args else { return Ok(()) };
    let inherited = Inherited { signal_mask: 0, sigchld_ignored: false };
    match resolve::run(args, &inherited) {
        Ok(request) => {
            let host = request.host;
            let text = nsshim::plan(request.spec, &host).to_string();
            if text.is_empty() { Err("an empty plan".into()) } else { Ok(()) }
        }
        Err(error) => {
            let text = error.to_string();
            let speaks = text.bytes().any(|byte| byte < b' ' && byte != b'\n' || byte == 127);
            if speaks {
                Err(format!("the message speaks to the terminal: {text:?}"))
            } else {
                Ok(())
            }
        }
    }
}

fn corpus(option: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus").join(option);
    let mut files: Vec<PathBuf> = fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut seeds = Vec::new();
    for file in files {
        let bytes = fs::read(&file).unwrap();
        match file.extension() == Some(OsStr::new("lines")) {
            // A seed a line.
            true => seeds.extend(bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec)),
            false => seeds.push(bytes),
        }
    }
    seeds
}

fn fuzz(option: &str, given: Given, limit: Duration) -> u64 {
    let seeds = corpus(option);
    let file = std::env::temp_dir().join(format!("nsctl-fuzz-{option}-{}", std::process::id()));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let end = Instant::now() + limit;
    let mut count = 0;
    while Instant::now() < end {
        // All seeds as they are, first.
        let input = match seeds.get(count as usize) {
            Some(seed) => seed.clone(),
            None => mutate(&mut random, &seeds),
        };
        count += 1;
        let value = match given {
            Given::Value => OsStr::from_bytes(&input).to_os_string(),
            Given::File => {
                fs::write(&file, &input).unwrap();
                file.clone().into()
            }
        };
        // No argument of a program holds a zero byte.
        if given == Given::Value && input.contains(&0) {
            continue;
        }
        let mut option = OsString::from(format!("--{option}="));
        option.push(value);
        let words = ["nsctl".into(), "--dry-run".into(), option, "true".into()].to_vec();
        let begin = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| attempt(words)));
        let told = |what: &str| format!("{what}, by {:?}", String::from_utf8_lossy(&input));
        match outcome {
            Err(_) => panic!("{}", told("a panic")),
            Ok(Err(wrong)) => panic!("{}", told(&wrong)),
            Ok(Ok(())) => {}
        }
        assert!(begin.elapsed() < LIMIT, "{}", told(&format!("{:?}", begin.elapsed())));
    }
    let _ = fs::remove_file(file);
    count
}

#[test]
fn no_input_makes_nsctl_panic_hang_or_speak_to_the_terminal() {
    let asked = std::env::var("NSCTL_TEST_SECONDS").ok().and_then(|text| text.parse().ok());
    let limit = asked.map_or(Duration::from_millis(300), Duration::from_secs);
    for (option, given) in TARGETS {
        let count = fuzz(option, given, limit);
        assert!(count > 10, "{option}: only {count} inputs in {limit:?}");
    }
}

#[test]
fn every_target_has_a_corpus() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
    let mut found: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut expected = TARGETS.map(|(option, _)| option.to_string()).to_vec();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}
