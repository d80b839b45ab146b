//! What a process may do to a namespace is what it can really do.
//!
//! No other tool tells: lsns prints owners, and the reader applies the rules.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout};

use serde_json::Value;

use super::super::common::{Who, as_each, have, nsctl, shell, skip};
use super::fixture::{Fixture, number};

const KINDS: [&str; 7] = ["user", "cgroup", "ipc", "uts", "net", "pid", "mnt"];

/// nsenter's words for them.
const OPTIONS: [&str; 7] = ["user", "cgroup", "ipc", "uts", "net", "pid", "mount"];

/// Namespaces to be joined, open at the numbers that actors have them at.
struct Place {
    name: &'static str,
    pid: i32,
    open: Vec<OwnedFd>,
}

impl Place {
    fn of(name: &'static str, pid: i32) -> Place {
        let open = KINDS.map(|kind| File::open(format!("/proc/{pid}/ns/{kind}")).unwrap().into());
        Place { name, pid, open: open.into() }
    }
}

/// A shell that tries what it is told, and says how it went.
struct Actor {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Actor {
    /// It begins as `how` does, in which `@` is where it has the place's user namespace.
    fn start(who: Who, how: &str, places: &[Place]) -> Actor {
        let numbers: Vec<RawFd> =
            places.iter().flat_map(|place| place.open.iter().map(AsRawFd::as_raw_fd)).collect();
        let lines = "while read line; do if eval \"$line\" 2> /dev/null; then echo y; else echo n; fi; done";
        let mut shell = shell(who, &format!("exec {how} sh -c 'echo $$; {lines}'"));
        // SAFETY: fcntl(2) may be called between fork and exec, and touches no memory.
        unsafe {
            shell.command.pre_exec(move || {
                for number in &numbers {
                    libc::fcntl(*number, libc::F_SETFD, 0);
                }
                Ok(())
            });
        }
        let mut child = shell.spawn();
        let said = BufReader::new(child.stdout.take().unwrap());
        Actor { child, said }
    }

    fn ask(&mut self, line: &str) -> String {
        if !line.is_empty() {
            writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
        }
        let mut answer = String::new();
        self.said.read_line(&mut answer).unwrap();
        answer.trim().to_string()
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Fails unless what nsctl says of each of the places is what comes of a try.
fn compare(who: Who, how: &str, places: &[Place]) -> usize {
    let mut actor = Actor::start(who, how, places);
    let pid = actor.ask("");
    assert!(!pid.is_empty(), "{how} did not start");
    let mut granted = 0;
    for place in places {
        let ran = nsctl(who, ["ns", "can", "--json", &pid, &place.pid.to_string()]).run();
        let said: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        for ((kind, option), fd) in KINDS.iter().zip(OPTIONS).zip(&place.open) {
            let fd = fd.as_raw_fd();
            let enter =
                format!("nsenter --preserve-credentials --{option}=/proc/self/fd/{fd} true");
            let really = actor.ask(&enter) == "y";
            let judged = of_kind(&said, kind);
            assert_eq!(
                judged["join"], really,
                "{who:?}: {how:?} to {}'s {kind}: {judged}\n{said:#}",
                place.name
            );
            granted += usize::from(really);
        }
    }
    granted
}

fn of_kind<'a>(said: &'a Value, kind: &str) -> &'a Value {
    let towards = said["towards"].as_array().unwrap().iter();
    let mut all = towards.flat_map(|one| one["namespaces"].as_array().unwrap());
    all.find(|namespace| namespace["kind"] == kind).unwrap()
}

/// Everything of one's own, as root there; one in it, likewise.
const NESTED: &str = "exec unshare -UrmuinC sh -c '
    unshare -UrmuinC sh -c \"echo \\$\\$; read wait\"'";

#[test]
fn what_is_said_is_what_happens() {
    if !have("unshare") || !have("nsenter") || !have("setpriv") {
        return;
    }
    as_each(|who| {
        let outer = Fixture::shell(who, NESTED);
        let inner = outer.said[0].parse().unwrap();
        let here = Fixture::shell(who, "echo ready; read wait");
        let places = [
            Place::of("the machine", here.pid()),
            Place::of("outer", outer.pid()),
            Place::of("inner", inner),
        ];
        let user = |place: usize| places[place].open[0].as_raw_fd();
        let join = |place: usize| {
            let fd = user(place);
            format!("nsenter --preserve-credentials --user=/proc/self/fd/{fd}")
        };
        let mut ways = vec![
            // Itself, by its effective user or capabilities.
            (String::new(), true),
            // Beside the others: no rights but in its own.
            ("unshare -Ur".into(), false),
            // No capability, not even there.
            ("unshare -U".into(), false),
            // In the outer one with all, with the inner one below.
            (join(1), true),
            // In the inner one.
            (join(2), true),
            // In the outer one without a capability, having made what is below it as its user.
            (format!("{} setpriv --bounding-set=-all --inh-caps=-all", join(1)), true),
            (format!("{} setpriv --bounding-set=-sys_chroot --inh-caps=-all", join(1)), true),
        ];
        if who == Who::Root {
            ways.push(("setpriv --bounding-set=-all --inh-caps=-all".into(), true));
            ways.push(("setpriv --bounding-set=-sys_admin --inh-caps=-all".into(), true));
            ways.push(("setpriv --bounding-set=-sys_chroot --inh-caps=-all".into(), true));
            // Another user without and with capabilities.
            let id = Who::User.uid();
            ways.push((format!("setpriv --reuid={id} --clear-groups"), false));
            let keep = "--inh-caps=+sys_admin --ambient-caps=+sys_admin";
            ways.push((format!("setpriv --reuid={id} --clear-groups {keep}"), true));
        }
        for (how, some) in ways {
            assert_eq!(compare(who, &how, &places) > 0, some, "{who:?}: {how:?}");
        }
    });
}

/// The first step of each way that the rules can take.
#[test]
fn each_rule_is_said_with_where_it_is_written() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        let outer = Fixture::shell(who, NESTED);
        let (outer_pid, inner) = (outer.pid().to_string(), outer.said[0].clone());
        let rule = |process: &str, namespace: &str| {
            let ran = nsctl(who, ["ns", "can", "-t", "uts", "--json", process, namespace]).run();
            let said: Value = serde_json::from_str(&ran.stdout).unwrap();
            let towards = &said["towards"][0];
            let has = !towards["capabilities"].as_array().unwrap().is_empty();
            assert_eq!(ran.code, Some(if has { 0 } else { 1 }), "{ran:?}");
            towards["rule"].as_str().unwrap().to_string()
        };
        assert_eq!(rule(&outer_pid, &outer_pid), "member");
        // Its user made it: that comes before what its capabilities are.
        assert_eq!(rule("self", &outer_pid), "maker");
        assert_eq!(rule("self", &inner), "maker");
        assert_eq!(rule(&outer_pid, "self"), "stranger");
        assert_eq!(rule(&inner, &outer_pid), "stranger");
        let ran = nsctl(who, ["ns", "can", "self", &outer_pid]).run();
        let text = ran.success();
        for words in ["capabilities: all\n", "made user:[", "user_namespaces(7), \"Capabilities\""]
        {
            assert!(text.contains(words), "{words}:\n{text}");
        }
        // One namespace by its number, its file, or its link.
        let link = std::fs::read_link(format!("/proc/{outer_pid}/ns/uts")).unwrap();
        let link = link.to_str().unwrap();
        let file = format!("/proc/{outer_pid}/ns/uts");
        for namespace in [link, &number(link).to_string(), &file] {
            assert_eq!(rule("self", namespace), "maker", "{namespace}");
        }
    });
}

#[test]
fn a_filter_around_the_process_is_said() {
    as_each(|who| {
        let run = ["run", "--pid", "host", "--", "sh", "-c", "echo $$; read wait"];
        let fixture = Fixture::nsctl(who, run);
        let ran = nsctl(who, ["ns", "can", &fixture.said[0], &fixture.said[0]]).run();
        assert!(ran.success().contains("system-call filter"), "{ran:?}");
    });
}

#[test]
fn who_and_where_must_be_there() {
    let wrong = |arguments: &[&str], words: &[&str]| {
        nsctl(Who::User, [&["ns", "can"], arguments].concat()).run().expect_error(125, words);
    };
    wrong(&["/proc/self/ns/uts", "self"], &["not a process"]);
    wrong(&["4194304", "self"], &["no process 4194304"]);
    wrong(&["self", "nobody"], &["no such process, container or namespace"]);
    wrong(&["-t", "nope", "self", "self"], &["no such kind"]);
    if !nix::unistd::geteuid().is_root() {
        return skip("needs a process of another user");
    }
    let other = Fixture::shell(Who::Root, "echo ready; read wait");
    wrong(&[&other.pid().to_string(), "self"], &["another user", "sudo"]);
}
