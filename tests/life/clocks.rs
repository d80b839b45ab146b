//! What waits does not wait by the wall clock, which somebody may set.

use std::fs;

use super::Home;
use crate::common::{as_each, eventually, have, program, skip};

/// System calls that wait for a time.
const WAITS: &str = "poll,ppoll,select,pselect6,epoll_wait,epoll_pwait,nanosleep,clock_nanosleep,\
                     timerfd_create,timer_create,setitimer,alarm,futex,execve,execveat";

/// The waits of nsctl, its shim and its init, a process after the other.
fn waits(home: &Home, words: &[&str]) -> Option<String> {
    let directory = home.who.directory();
    let trace = format!("trace={WAITS}");
    let file = directory.join("calls");
    let nsctl = home.traced(&["-ff", "-e", &trace, "-o", file.to_str().unwrap()], words);
    // strace lives as long as who is traced.
    let (ran, tag) = nsctl.detached();
    if ran.stderr.contains("PTRACE") {
        skip(&format!("strace: {}", ran.stderr));
        return None;
    }
    ran.success();
    assert!(eventually(std::time::Duration::from_secs(20), || tag.processes().is_empty()));
    let mut all = String::new();
    for entry in fs::read_dir(&directory).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        // The workload's are its own affair.
        let own = program().to_str().unwrap();
        let is_workload =
            text.lines().any(|line| line.starts_with("execve(") && !line.contains(own));
        all += if is_workload { "" } else { &text };
    }
    Some(all)
}

#[test]
fn nothing_waits_by_the_wall_clock() {
    if !have("strace") {
        return;
    }
    as_each(|who| {
        let home = Home::new(who);
        let limited = ["run", "-d", "--name", "c", "--timeout", "1", "sleep", "1000"];
        let again = ["run", "-d", "--name", "a", "--restart", "on-failure:2", "false"];
        home.start(&["--name", "s", "sh", "-c", "trap '' TERM; while :; do sleep 1; done"]);
        let stop = ["stop", "-t", "1", "s"];
        for (words, waits_for) in [(&limited[..], 1000), (&again, 200), (&stop, 1000)] {
            let Some(calls) = waits(&home, words) else { return };
            assert!(!calls.contains("CLOCK_REALTIME"), "{words:?}: {calls}");
            // By poll(2) or ppoll(2), whose time runs by CLOCK_MONOTONIC.
            let timed = |line: &&str| {
                let milliseconds = line.rsplit(", ").next().and_then(|it| it.split(')').next());
                let polled = milliseconds.and_then(|it| it.parse::<u64>().ok());
                let nearly = polled.is_some_and(|it| it > waits_for * 8 / 10 && it <= waits_for);
                line.starts_with("poll(") && nearly
            };
            assert!(calls.lines().any(|line| timed(&line)), "{words:?}: {calls}");
        }
    });
}
