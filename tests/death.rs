//! Nothing survives: whichever of our processes dies, at whatever moment, within a
//! second no process of the container is left, no mount, no name that is taken.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::common::{Who, as_each, eventually, helper, nsctl, shell};

const SECOND: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(20);

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }
}

/// Which process, counted from nsctl: its child is the shim, whose child is the init.
const GENERATIONS: [&str; 3] = ["nsctl", "shim", "init"];

/// The `generation`-th only descendant of `pid`, or the last there is.
fn descendant(pid: i32, generation: usize) -> i32 {
    (0..generation).fold(pid, |pid, _| {
        let path = format!("/proc/{pid}/task/{pid}/children");
        let children = fs::read_to_string(path).unwrap_or_default();
        children.split_whitespace().next().and_then(|child| child.parse().ok()).unwrap_or(pid)
    })
}

/// Mounts that only our containers make, and never on the host.
fn container_mounts() -> HashSet<String> {
    let ours = |line: &&str| {
        [" - proc ", " - devpts ", " - mqueue ", " - sysfs "].iter().any(|kind| line.contains(kind))
    };
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    mounts.lines().filter(ours).map(String::from).collect()
}

/// What is run, and how: each must be gone with any of our processes.
fn victims() -> Vec<(&'static str, Vec<String>)> {
    let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
    let shell = |options: &str, script: &str| {
        let mut arguments = words(options);
        arguments.extend(["sh".into(), "-c".into(), script.into()]);
        arguments
    };
    let part = |options: &str, part: &str| [words(options), helper(part).into()].concat();
    let deaf = "trap '' TERM INT HUP QUIT; while :; do sleep 60; done";
    vec![
        ("a shell", shell("run", "sleep 60 & wait")),
        ("a deaf shell", shell("run", deaf)),
        ("a deaf shell among the host's processes", shell("run --pid=host", deaf)),
        ("without an init", shell("run --no-init", deaf)),
        ("without anything to end it", shell("run --no-init --pid=host", deaf)),
        ("one that stopped itself", shell("run", "kill -STOP $$; sleep 60")),
        ("stopped, among the host's", shell("run --pid=host", "kill -STOP $$; sleep 60")),
        ("a daemon", part("run", "double-fork")),
        ("a daemon among the host's processes", part("run --pid=host", "double-fork")),
        ("a daemon without an init", part("run --pid=host --no-init", "double-fork")),
        ("processes that never stay", part("run", "hop")),
        ("among the host's, never staying", part("run --pid=host", "hop")),
        ("with all namespaces shared", part("run --share=net,ipc,uts,cgroup --pid=host", "hop")),
    ]
}

/// Ends one of the three processes after `delay` and looks.
fn kill_one(who: Who, arguments: &[String], generation: usize, signal: Signal, delay: Duration) {
    let state = who.directory();
    let run =
        |arguments: &[String]| nsctl(who, arguments).env("NSCTL_STATE_DIR", state.join("state"));
    let pid_file = state.join("pid");
    let mut named = arguments.to_vec();
    named.insert(1, "--name=victim".into());
    named.insert(1, format!("--pid-file={}", pid_file.display()));
    let mut nsctl = run(&named);
    let mut child = nsctl.spawn();
    std::thread::park_timeout(delay);
    let target = descendant(child.id() as i32, generation);
    let _ = kill(Pid::from_raw(target), signal);
    let what =
        format!("{} by {signal} after {delay:?}: {who:?} {arguments:?}", GENERATIONS[generation]);
    if signal != Signal::SIGKILL {
        // That one may be borne; nothing bears the next.
        let _ = child.kill();
    }
    let start = Instant::now();
    let ended = eventually(SECOND, || is_zombie(child.id()) && nsctl.tag.processes().is_empty());
    let took = start.elapsed();
    let left = nsctl.tag.processes();
    let _ = child.kill();
    child.wait().unwrap();
    assert!(ended, "{what}: left after {took:?}: {left:?}");

    let again = ["run", "--name=victim", "true"].map(String::from);
    // A process that ends loses its memory, in which its tag is, before its files and locks.
    let free = eventually(SECOND, || run(&again).run().code == Some(0));
    assert!(free, "{what}: the name is still taken");
    if pid_file.exists() {
        let file = fs::File::open(&pid_file).unwrap();
        let stale = nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusiveNonblock);
        assert!(stale.is_ok(), "{what}: the pid file claims to be valid");
    }
}

/// Ended and not waited for; the tag's search passes over it.
fn is_zombie(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.starts_with('Z')
}

/// The rounds of a test in two threads, so that they disturb each other.
fn in_parallel(rounds: u64, test: impl Fn(u64, &mut Random) + Sync) {
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let test = &test;
            scope.spawn(move || {
                let mut random = Random(rounds + thread);
                for round in (thread..rounds).step_by(2) {
                    test(round, &mut random);
                }
            });
        }
    });
}

/// bwrap and unshare leave all or some; so do most when it is not the launcher that dies.
#[test]
fn nothing_survives_sigkill_of_any_process_at_any_moment() {
    let before = container_mounts();
    as_each(|who| {
        let victims = victims();
        in_parallel(3 * victims.len() as u64 * 2, |round, random| {
            let generation = (round % 3) as usize;
            let (_, arguments) = &victims[(round / 3) as usize % victims.len()];
            let delay = Duration::from_micros(random.below(12_000));
            kill_one(who, arguments, generation, Signal::SIGKILL, delay);
        });
    });
    assert_eq!(container_mounts().difference(&before).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn nothing_survives_other_signals_and_then_sigkill() {
    let signals =
        [Signal::SIGTERM, Signal::SIGSEGV, Signal::SIGABRT, Signal::SIGPIPE, Signal::SIGCHLD];
    as_each(|who| {
        let victims = victims();
        in_parallel(3 * victims.len() as u64, |round, random| {
            let signal = signals[random.below(signals.len() as u64) as usize];
            let (_, arguments) = &victims[(round / 3) as usize];
            let delay = Duration::from_micros(random.below(12_000));
            kill_one(who, arguments, (round % 3) as usize, signal, delay);
        });
    });
}

/// While newuidmap and newgidmap run, too.
#[test]
fn nothing_survives_with_mapped_ranges() {
    let arguments: Vec<String> =
        ["run", "--map-auto", "sh", "-c", "sleep 60 & wait"].map(String::from).into();
    if nsctl(Who::User, ["run", "--map-auto", "true"]).run().code != Some(0) {
        return super::common::skip("--map-auto: no ranges for the user, or no newuidmap");
    }
    in_parallel(30, |round, random| {
        let delay = Duration::from_micros(random.below(12_000));
        kill_one(Who::User, &arguments, (round % 3) as usize, Signal::SIGKILL, delay);
    });
}

fn start(who: Who, arguments: &[&str]) -> (Child, super::common::Nsctl) {
    let mut nsctl = nsctl(who, arguments);
    let child = nsctl.spawn();
    (child, nsctl)
}

#[test]
fn a_killed_shim_or_init_is_told_by_the_status() {
    as_each(|who| {
        for (generation, code, word) in [(1, 125, "shim was killed"), (2, 137, "")] {
            let script = "echo ready; sleep 60 & wait";
            let (mut child, nsctl) = start(who, &["run", "sh", "-c", script]);
            let mut ready = [0; 6];
            std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
            let target = descendant(child.id() as i32, generation);
            kill(Pid::from_raw(target), Signal::SIGKILL).unwrap();
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(code), "{who:?}");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(stderr.contains(word), "{stderr}");
            nsctl.tag.expect_none_within(SECOND);
        }
    });
}

/// One of the runtimes measured hung in 2 of 25 runs: an early SIGCHLD was lost.
#[test]
fn a_workload_that_ends_at_once_never_hangs() {
    as_each(|who| {
        in_parallel(1000, |round, _| {
            let options: &[&str] = if round % 5 == 0 { &["--no-init"] } else { &[] };
            let (child, _nsctl) = start(who, &[&["run"], options, &["true"]].concat());
            let child = std::cell::RefCell::new(child);
            let ended = eventually(DEADLINE, || child.borrow_mut().try_wait().unwrap().is_some());
            if !ended {
                let _ = child.borrow_mut().kill();
            }
            assert!(ended, "round {round}");
            assert_eq!(child.borrow_mut().wait().unwrap().code(), Some(0));
        });
    });
}

#[test]
fn twenty_thousand_orphans_are_reaped() {
    as_each(|who| {
        for options in [&[] as &[&str], &["--pid=host"]] {
            let mut arguments: Vec<String> = vec!["run".into()];
            arguments.extend(options.iter().map(|option| option.to_string()));
            arguments.extend(helper("orphans"));
            assert_eq!(nsctl(who, arguments).run().success(), "ready", "{who:?} {options:?}");
        }
    });
}

/// The bomb is bounded, nsctl is not hurt, and all of it is gone with the container.
#[test]
fn a_fork_bomb_ends_with_its_container() {
    as_each(|who| {
        // The host's root has no limit; mapped to somebody else it has.
        let options: &[&str] = match who {
            Who::User => &["--rlimit=nproc=200"],
            Who::Root => &[
                "--rlimit=nproc=200",
                "--map-users=0:7654321:1",
                "--map-groups=0:7654321:1",
                "--userns=new",
            ],
        };
        let bomb = "bomb() { bomb | bomb & }; echo ready; bomb; exec sleep 60";
        let arguments = [&["run"], options, &["sh", "-c", bomb]].concat();
        let (mut child, nsctl) = start(who, &arguments);
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        std::thread::park_timeout(Duration::from_millis(100));
        child.kill().unwrap();
        nsctl.tag.expect_none_within(SECOND);
        child.wait().unwrap();
    });
}

#[test]
fn a_workload_that_writes_where_nobody_reads_can_be_ended() {
    as_each(|who| {
        for (signal, code) in [(Signal::SIGTERM, Some(143)), (Signal::SIGKILL, None)] {
            let (mut child, nsctl) = start(who, &["run", "yes"]);
            let writes = || {
                // A pipe holds 64 KiB; then the workload waits in write(2).
                let waits = |(pid, command): &(i32, String)| {
                    command.starts_with("yes")
                        && fs::read_to_string(format!("/proc/{pid}/stat"))
                            .is_ok_and(|stat| stat.contains(") S "))
                };
                nsctl.tag.processes().iter().any(waits)
            };
            assert!(eventually(DEADLINE, writes));
            kill(Pid::from_raw(child.id() as i32), signal).unwrap();
            assert!(eventually(SECOND, || is_zombie(child.id())));
            assert_eq!(child.wait().unwrap().code(), code);
            nsctl.tag.expect_none_within(SECOND);
        }
    });
}

/// What became nsctl by execve(2) may have left processes, which are its children now.
#[test]
fn a_killed_shim_takes_nothing_with_it_that_is_not_the_containers() {
    as_each(|who| {
        for options in ["", "--pid=host"] {
            let script = format!(
                "sleep 1001 & echo $!; exec $NSCTL run {options} sh -c 'echo ready; sleep 60 & wait'"
            );
            let mut nsctl = shell(who, &script);
            let mut child = nsctl.spawn();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let older: i32 = lines.next().unwrap().unwrap().parse().unwrap();
            assert_eq!(lines.next().unwrap().unwrap(), "ready");
            let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id()));
            let is_older = |pid: &i32| *pid == older;
            let mut children: Vec<i32> =
                children.unwrap().split_whitespace().map(|pid| pid.parse().unwrap()).collect();
            children.retain(|pid| !is_older(pid));
            kill(Pid::from_raw(children[0]), Signal::SIGKILL).unwrap();
            let child = RefCell::new(child);
            let ended = eventually(SECOND, || child.borrow_mut().try_wait().unwrap().is_some());
            let left = nsctl.tag.processes();
            let _ = kill(Pid::from_raw(older), Signal::SIGKILL);
            let _ = child.borrow_mut().kill();
            assert!(ended, "{who:?} {options}");
            assert_eq!(left.iter().map(|(pid, _)| *pid).collect::<Vec<_>>(), [older], "{left:?}");
        }
    });
}
