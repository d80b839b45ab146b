//! kill -9 at any moment of any verb: `ps` tells the truth, everything can be removed, and nothing
//! is left.
//!
//! A few rounds; NSCTL_TEST_SECONDS is how long each test goes on when more are wanted. A failure
//! tells the seed, and NSCTL_TEST_SEED begins with that one.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Home;
use crate::common::{Tag, Who, as_each, eventually, have};

/// What is done first, and then the verb that somebody is killed in.
const VERBS: [(&[&[&str]], &[&str]); 18] = [
    (&[], &["run", "-d", "--name", "n", "sleep", "1000"]),
    (&[], &["run", "-d", "--rm", "--name", "n", "sleep", "0.01"]),
    (&[], &["run", "--name", "n", "sleep", "0.01"]),
    (&[], &["exec", "c", "sleep", "0.01"]),
    (&[], &["exec", "-d", "c", "sleep", "1000"]),
    (&[], &["stop", "-t", "1", "c"]),
    (&[], &["kill", "c"]),
    (&[], &["rm", "-f", "c"]),
    (&[], &["restart", "c"]),
    (&[], &["pause", "c"]),
    (&[&["pause", "c"]], &["unpause", "c"]),
    (&[&["stop", "c"]], &["start", "c"]),
    (&[&["stop", "c"]], &["rm", "c"]),
    (&[&["stop", "c"]], &["prune"]),
    (&[], &["rename", "c", "d"]),
    // Its /tmp may be the machine's.
    (&[], &["cp", "/etc/hostname", "c:/dev/shm/nsctl-test-killed"]),
    (&[], &["attach", "--no-stdin", "c"]),
    (&[], &["wait", "c"]),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Victim {
    Nsctl,
    Shim,
    Init,
    Workload,
}

/// xorshift64: what happens when is chosen, and can be chosen again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Plays rounds, each with a seed of its own; at least so many.
fn rounds(least: u64, round: impl Fn(&mut Chance) + std::panic::RefUnwindSafe) {
    let variable = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = variable("NSCTL_TEST_SEED").unwrap_or_else(|| {
        let mut bytes = [0; 8];
        let random = std::fs::File::open("/dev/urandom");
        std::io::Read::read_exact(&mut random.unwrap(), &mut bytes).unwrap();
        u64::from_ne_bytes(bytes) >> 1
    });
    let end = variable("NSCTL_TEST_SECONDS").map(|s| Instant::now() + Duration::from_secs(s));
    for count in 0.. {
        if count >= least && end.is_none_or(|end| Instant::now() > end) {
            return;
        }
        let seed = first.wrapping_add(count);
        // Numbers that follow each other must not begin alike.
        let mut chance =
            Chance((seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1);
        let play = std::panic::AssertUnwindSafe(|| round(&mut chance));
        if let Err(panic) = std::panic::catch_unwind(play) {
            #[allow(clippy::print_stderr, reason = "who reads of the failure can play it again")]
            {
                eprintln!("NSCTL_TEST_SEED={seed}");
            }
            std::panic::resume_unwind(panic);
        }
    }
}

fn pid_of(home: &Home, what: &str) -> Option<Pid> {
    let text = home.run(&["inspect", "c"]).success().to_string();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    Some(Pid::from_raw(all[0]["state"][what].as_i64()? as i32))
}

/// The first child of the container's init.
fn workload(init: Pid) -> Option<Pid> {
    let path = format!("/proc/{init}/task/{init}/children");
    let children = std::fs::read_to_string(path).ok()?;
    Some(Pid::from_raw(children.split_whitespace().next()?.parse().ok()?))
}

/// What must hold afterwards, whatever happened.
fn expect_order(home: &Home, what: &str, tags: &[Tag]) {
    // It does not lie: what it says runs does, and what it says has ended has no process.
    let look = || home.run(&["ps", "-a", "--json"]).success().to_string();
    let all: Vec<serde_json::Value> = serde_json::from_str(&look()).unwrap();
    for container in &all {
        let status = container["status"].as_str().unwrap();
        let has_pid = container["pid"].as_i64().is_some();
        assert_eq!(has_pid, ["running", "paused"].contains(&status), "{what}: {container}");
    }
    // A paused one can go on; a running one answers, so nothing of it is stopped.
    for container in all.iter().filter(|one| one["name"] == "c" || one["name"] == "d") {
        let name = container["name"].as_str().unwrap();
        match container["status"].as_str().unwrap() {
            "paused" => {
                let ran = home.run(&["unpause", name]);
                // Its first process may be about to end.
                let is_over = ["ended meanwhile", "not running", "not paused"];
                let says_so = is_over.iter().any(|it| ran.stderr.contains(it));
                assert!(ran.code == Some(0) || says_so, "{what}: {ran:?}");
            }
            "running" => {}
            _ => continue,
        }
        let stopped = "grep -l '^State:.T' /proc/[0-9]*/status";
        let ran = home.run(&["exec", name, "sh", "-c", stopped]);
        let alone = ran.code == Some(1) && ran.stdout.is_empty();
        let ended = || home.status(name) != "running";
        assert!(alone || eventually(Duration::from_secs(5), ended), "{what}: {ran:?}");
        let says_so = ["ended meanwhile", "not running"].iter().any(|it| ran.stderr.contains(it));
        assert!(ran.code != Some(125) || says_so, "{what}: {ran:?}");
    }
    // Whatever it shows can be removed by the name that it shows.
    for container in &all {
        let name = container["name"].as_str().unwrap();
        let ran = home.run(&["rm", "-f", name]);
        // One that removes itself may be gone meanwhile.
        assert!(ran.code == Some(0) || home.status(name) == "none", "{what}: {ran:?}");
    }
    // And then all names are free.
    for name in ["c", "d", "n"] {
        home.start(&["--name", name, "true"]);
        home.run(&["wait", name]).success();
        home.run(&["rm", name]).success();
    }
    make_old(home.directory());
    home.run(&["prune"]).success();
    assert_eq!(home.left(), [""; 0], "{what}");
    for tag in tags {
        tag.expect_none_within(Duration::from_secs(2));
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(home.directory().to_str().unwrap()), "{what}: {mounts}");
}

/// What is being made is not swept away, so what is left must not look as if it were.
fn make_old(directory: &Path) {
    for sub in ["containers", "names"] {
        for entry in std::fs::read_dir(directory.join(sub)).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let old = nix::sys::time::TimeSpec::new(1_000_000, 0);
            let flag = nix::sys::stat::UtimensatFlags::NoFollowSymlink;
            nix::sys::stat::utimensat(nix::fcntl::AT_FDCWD, &path, &old, &old, flag).unwrap();
        }
    }
}

fn prepare(home: &Home, first: &[&[&str]]) {
    home.start(&["--name", "c", "sh", "-c", "sleep 1001 & exec sleep 1000"]);
    for words in first {
        home.run(words).success();
    }
}

#[test]
fn whoever_is_killed_in_whichever_verb_nothing_is_lied_about_or_left() {
    as_each(|who| {
        rounds(6, |chance| {
            let home = Home::new(who);
            let (first, verb) = VERBS[chance.below(VERBS.len() as u64) as usize];
            let all = [Victim::Nsctl, Victim::Shim, Victim::Init, Victim::Workload];
            let victim = all[chance.below(4) as usize];
            prepare(&home, first);
            let init = pid_of(&home, "pid");
            let its = match victim {
                Victim::Nsctl => None,
                Victim::Shim => pid_of(&home, "shim"),
                Victim::Init => init,
                Victim::Workload => init.and_then(workload),
            };
            let mut nsctl = home.nsctl(verb);
            let mut child = nsctl.spawn();
            // A start takes some milliseconds, in a debug build.
            let moment = Duration::from_micros(chance.below(12_000));
            let what = format!("{who:?} {verb:?} {victim:?} after {moment:?}");
            std::thread::sleep(moment);
            let own = Pid::from_raw(child.id() as i32);
            let _ = kill(its.unwrap_or(own), Signal::SIGKILL);
            if its.is_some() {
                // Who waits for the container sees its end; a command may go on for a moment.
                let ended = std::cell::RefCell::new(&mut child);
                let done = || ended.borrow_mut().try_wait().unwrap().is_some();
                assert!(eventually(Duration::from_secs(20), done), "{what}: it hangs");
            }
            let _ = child.kill();
            drop(child.wait_with_output().unwrap());
            expect_order(&home, &what, &[nsctl.tag]);
        });
    });
}

/// Deterministic where the other is not: nsctl is killed as it enters one system call of all those
/// that it makes.
#[test]
fn nsctl_killed_at_any_system_call_leaves_order() {
    if !have("strace") {
        return;
    }
    as_each(|who| {
        rounds(5, |chance| {
            let (first, verb) = VERBS[chance.below(15) as usize];
            let Some(calls) = calls_of(who, first, verb) else { return };
            let at = chance.below(calls.len() as u64) as usize;
            let name = &calls[at];
            let nth = calls[..=at].iter().filter(|call| *call == name).count();
            let home = Home::new(who);
            prepare(&home, first);
            let inject = format!("inject={name}:signal=SIGKILL:when={nth}");
            let what = format!("{who:?} {verb:?} {name} {nth}");
            let (_, tag) = home.traced(&["-o", "/dev/null", "-e", &inject], verb).detached();
            expect_order(&home, &what, &[tag]);
        });
    });
}

/// The system calls of a verb, in their order; nothing when they cannot be seen here.
fn calls_of(who: Who, first: &[&[&str]], verb: &[&str]) -> Option<Vec<String>> {
    let home = Home::new(who);
    prepare(&home, first);
    let file = home.who.directory().join("calls");
    let (ran, _) = home.traced(&["-o", file.to_str().unwrap()], verb).detached();
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let names = text.lines().filter_map(|line| {
        let name = line.split_once('(')?.0;
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then(|| name.into())
    });
    // The first execve is strace's own.
    let calls: Vec<String> = names.filter(|name| name != "execve").collect();
    if calls.is_empty() {
        crate::common::skip(&format!("strace: {}", ran.stderr));
        return None;
    }
    home.run(&["rm", "-f", "n"]);
    Some(calls)
}
