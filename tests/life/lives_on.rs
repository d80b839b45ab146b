//! `run --detach-keys` and `--sig-proxy=false`: at it from the start, and it lives on without us.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Home;
use crate::common::{Watch, as_each, eventually, have};

#[test]
fn a_run_that_is_left_by_its_keys_lives_on() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "stty size; while read line; do echo got $line; done";
        let words = ["run", "-it", "--detach-keys", "ctrl-a,d", "--name", "c", "sh", "-c", script];
        let mut screen = home.at_terminal(&words);
        // As wide as the user's from the beginning.
        screen.expect("24 80");
        assert!(eventually(Duration::from_secs(10), || screen.is_raw()));
        screen.line("one");
        screen.expect("got one");
        screen.send("\x10\x11\x01d");
        assert_eq!(screen.wait(), 0);
        assert!(!screen.is_raw());
        assert!(screen.rest().contains("nsctl attach c"), "{:?}", screen.rest());
        assert_eq!(home.status("c"), "running");
        let mut screen = home.at_terminal(&["attach", "c"]);
        assert!(eventually(Duration::from_secs(10), || screen.is_raw()));
        screen.line("two");
        screen.expect("got two");
        home.run(&["kill", "c"]).success();
        assert_eq!(screen.wait(), 137);
        // As of any run in the foreground, nothing of it is left.
        assert!(eventually(Duration::from_secs(5), || home.left().is_empty()), "{:?}", home.left());
    });
}

#[test]
fn all_that_it_says_is_heard_and_its_status_is_ours() {
    as_each(|who| {
        let home = Home::new(who);
        for _ in 0..5 {
            let script = "echo out; echo err >&2; exit 7";
            let ran = home.run(&["run", "--detach-keys=ctrl-q", "sh", "-c", script]);
            ran.expect_code(7);
            assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("out\n", "err\n"));
        }
        let counted = home.nsctl(&["run", "--detach-keys=ctrl-q", "wc", "-c"]);
        let (ran, _) = counted.input(vec![b'x'; 300_000]).detached();
        assert_eq!(ran.success().trim(), "300000");
        home.run(&["run", "--detach-keys=ctrl-q", "/nonexistent"])
            .expect_error(127, &["/nonexistent"]);
        home.run(&["run", "--detach-keys=loud", "true"]).expect_error(125, &["loud", "ctrl-p"]);
        home.run(&["run", "-d", "--detach-keys=ctrl-q", "true"]).expect_error(125, &["--detach"]);
        assert!(eventually(Duration::from_secs(5), || home.left().is_empty()), "{:?}", home.left());
    });
}

/// nsctl sleeps in a system call as if others had kept the processor from it.
#[test]
fn a_signal_before_nsctl_knows_that_it_runs_is_no_exception() {
    if !have("strace") {
        return;
    }
    as_each(|who| {
        let home = Home::new(who);
        let script = "trap 'echo term; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
        let words = ["run", "--detach-keys=ctrl-q", "--name=c", "sh", "-c", script];
        let slow = "inject=signalfd4:delay_enter=2000000";
        // -D: what is started is nsctl, and strace its grandchild.
        let options = ["-D", "-o", "/dev/null", "-e", "trace=signalfd4", "-e", slow];
        let mut nsctl = Watch::start(home.traced(&options, &words));
        let ready = || home.run(&["logs", "c"]).stdout.contains("ready");
        assert!(eventually(Duration::from_secs(10), ready));
        nsctl.signal(libc::SIGTERM);
        assert_eq!(nsctl.wait().code(), Some(5));
    });
}

#[test]
fn signals_reach_it_or_end_only_who_looks() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "trap 'echo term; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
        for (option, code, goes_on) in [("--sig-proxy", 5, false), ("--sig-proxy=false", 143, true)]
        {
            let words = ["run", "--detach-keys=ctrl-q", option, "--name=c", "sh", "-c", script];
            let mut nsctl = Watch::start(home.nsctl(&words));
            let ready = || home.run(&["logs", "c"]).stdout.contains("ready");
            assert!(eventually(Duration::from_secs(10), ready));
            nsctl.signal(libc::SIGTERM);
            assert_eq!(nsctl.wait().code(), Some(code), "{option}");
            assert_eq!(home.status("c") == "running", goes_on, "{option}");
            // The log of one that is there yet is not the next one's.
            let gone = || goes_on || home.left().is_empty();
            assert!(eventually(Duration::from_secs(5), gone), "{:?}", home.left());
        }
        home.run(&["rm", "-f", "c"]).success();
    });
}

/// The one thing that differs from the foreground.
#[test]
fn whoever_is_killed_outside_it_lives_on_until_it_ends() {
    as_each(|who| {
        let home = Home::new(who);
        let mut nsctl = home.nsctl(&["run", "--detach-keys=ctrl-q", "--name=c", "cat"]);
        let mut child = nsctl.spawn();
        assert!(eventually(Duration::from_secs(10), || home.status("c") == "running"));
        kill(Pid::from_raw(child.id() as i32), Signal::SIGKILL).unwrap();
        child.wait().unwrap();
        assert_eq!(home.status("c"), "running");
        home.run(&["stop", "c"]).success();
    });
}

#[test]
fn what_happens_to_a_detached_container_is_told_to_its_end() {
    as_each(|who| {
        let home = Home::new(who);
        let file = who.directory().join("status");
        let script = "exec \"$NSCTL\" run -d --name c --status-fd 5 \"$@\" 5> status";
        let run = |words: &[&str]| {
            let mut shell = crate::common::shell(who, script);
            shell.command.args(["sh"]).args(words).current_dir(file.parent().unwrap());
            shell.env("NSCTL_STATE_DIR", home.directory()).detached().0
        };
        let told = || -> Vec<serde_json::Value> {
            let text = fs::read_to_string(&file).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        run(&["sleep", "1000"]).expect_code(0);
        let pid = home.run(&["inspect", "--pid", "c"]).success().to_string();
        assert_eq!((&told()[0]["event"], told()[0]["pid"].to_string()), (&"started".into(), pid));
        assert!(told()[0]["namespaces"]["net"].is_u64());
        assert_eq!(told().len(), 1);
        home.run(&["stop", "c"]).success();
        assert_eq!(told()[1], serde_json::json!({"event": "exited", "signal": 15, "status": 143}));
        home.run(&["rm", "c"]).success();
        run(&["/nonexistent"]).expect_code(127);
        assert_eq!((&told()[0]["event"], &told()[0]["status"]), (&"failed".into(), &127.into()));
        home.start(&["--name=c", "true"]);
        run(&["true"]).expect_code(125);
        assert_eq!(told()[0]["event"], "failed");
    });
}

/// Its reader may be gone, or slow.
#[test]
fn nobody_waits_for_who_wants_to_know() {
    as_each(|who| {
        let home = Home::new(who);
        let mut filled =
            home.nsctl(&["run", "-d", "--name=c", "--status-fd=1", "sh", "-c", "exit 3"]);
        let mut child = filled.spawn();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(home.run(&["wait", "c"]).success(), "3");
    });
}
