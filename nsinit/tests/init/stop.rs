//! Stopping: times of grace, delays, timeouts, and who is told.

use crate::harness::{MODES, Mode, Run, Running, can, children, eventually};
use crate::sys;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Ignores TERM, and says so.
const STUBBORN: &str = "trap '' TERM; echo ready; while :; do sleep 1000; done";

fn shell(mode: Mode, options: &[&str], script: &str) -> Running {
    let words = options.iter().copied().chain(["sh", "-c", script]);
    Run::new(mode, words).stdin(Stdio::piped()).start()
}

#[test]
fn who_does_not_stop_within_the_time_of_grace_is_killed_and_named() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = shell(mode, &["--grace", "0.2"], STUBBORN);
        run.until("ready").signal(libc::SIGTERM);
        let told = Instant::now();
        let done = run.finish();
        assert_eq!(done.code, 137, "{mode:?}");
        assert!(told.elapsed() >= Duration::from_millis(190), "{:?}", told.elapsed());
        assert!(done.err.contains("nsinit: had to kill "), "{}", done.err);
        assert!(done.err.contains(" (sh)\n"), "{}", done.err);
    }
}

#[test]
fn who_stops_in_time_is_not_waited_for() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = shell(mode, &["--grace", "1000"], "trap 'exit 5' TERM; echo ready; read x");
        run.until("ready").signal(libc::SIGTERM);
        let done = run.finish();
        assert_eq!((done.code, done.err.as_str()), (5, ""), "{mode:?}");
    }
}

#[test]
fn a_stop_signal_that_is_not_passed_on_starts_no_time_of_grace() {
    let options = ["--grace", "0", "-r", "TERM:0"];
    let mut run = shell(Mode::Child, &options, "echo ready; read x; exit 5");
    run.until("ready").signal(libc::SIGTERM);
    assert!(!run.ends_within(Duration::from_millis(50)));
    run.end_input();
    assert_eq!(run.finish().code, 5);
}

#[test]
fn what_the_workload_leaves_behind_has_the_time_of_grace_wherever_it_has_gone() {
    // One of another session and adopted, one that stays below another, one that is stopped.
    let script = "exec 3>&1; \
        setsid sh -c 'trap \"echo told >&3; exit\" TERM; echo up >&3; while :; do sleep 0.01; done' & \
        (setsid sh -c 'sh -c \"trap \\\"echo told >&3; exit\\\" TERM; echo up >&3; \
            while :; do sleep 0.01; done\"; :' &) ; \
        read x; exit 6";
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = shell(mode, &["--grace", "1000"], script);
        run.until("up").until("up");
        run.end_input();
        run.until("told").until("told");
        let done = run.finish();
        assert_eq!(done.code, 6, "{mode:?}");
        assert!(!done.err.contains("had to kill"), "{}", done.err);
    }
}

#[test]
fn what_is_left_and_stubborn_is_killed_and_named() {
    let script = "(setsid sh -c 'trap \"\" TERM; echo up; exec sleep 1000' &); read x; exit 6";
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = shell(mode, &["--grace", "0.1"], script);
        run.until("up");
        run.end_input();
        let done = run.finish();
        assert_eq!(done.code, 6, "{mode:?}");
        assert!(done.err.starts_with("nsinit: had to kill "), "{}", done.err);
        assert!(done.err.ends_with("(sleep)\n"), "{}", done.err);
    }
}

#[test]
fn what_is_left_and_stopped_is_continued_to_end() {
    let script = "(setsid sh -c 'kill -STOP $$' &); echo ready; read x; exit 6";
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = shell(mode, &["--grace", "1000"], script);
        run.until("ready");
        let init = run.init();
        eventually("it stops", || {
            children(init).iter().any(|pid| crate::harness::status(*pid, "State").starts_with('T'))
        });
        run.end_input();
        let done = run.finish();
        assert_eq!((done.code, done.err.as_str()), (6, ""), "{mode:?}");
    }
}

#[test]
fn a_stop_signal_is_held_back_for_the_delay_and_others_are_not() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = Run::payload(mode, &["--delay", "0.3"], "record").start();
        run.until("ready");
        let told = Instant::now();
        run.signal(libc::SIGTERM).signal(libc::SIGHUP).signal(libc::SIGUSR1);
        let first = [run.line(), run.line()];
        assert!(first.iter().all(|line| !line.starts_with("got 15 ")), "{first:?}");
        assert_eq!(run.line(), "got 15 0 0");
        assert!(told.elapsed() >= Duration::from_millis(290), "{:?}", told.elapsed());
        run.end_workload();
    }
}

#[test]
fn a_second_stop_signal_ends_the_delay() {
    let mut run = Run::payload(Mode::Child, &["--delay", "1000"], "record").start();
    run.until("ready").signal(libc::SIGTERM).signal(libc::SIGHUP);
    assert_eq!(run.line(), "got 1 0 0");
    run.signal(libc::SIGINT);
    let mut both = [run.line(), run.line()];
    both.sort_unstable();
    assert_eq!(both, ["got 15 0 0", "got 2 0 0"]);
    run.end_workload();
}

#[test]
fn a_workload_that_takes_too_long_is_stopped_with_124() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let run =
            shell(mode, &["--timeout", "0.1"], "trap 'exit 0' TERM; while :; do sleep 0.01; done");
        let done = run.finish();
        assert_eq!(done.code, 124, "{mode:?}");
        assert_eq!(done.err, "nsinit: timeout: the program is told to stop\n");
        let done = shell(mode, &["--timeout", "0.1", "--grace=0.1"], STUBBORN).finish();
        assert_eq!(done.code, 124, "{mode:?}");
        assert!(done.err.contains("had to kill "), "{}", done.err);
        let done = shell(mode, &["--timeout", "1000"], "exit 3").finish();
        assert_eq!(done.code, 3);
    }
}

#[test]
fn signals_go_to_whom_they_are_sent_to() {
    // The workload, a child in its group, and one in a session of its own.
    let script = "trap 'echo workload; exit 0' TERM; exec 3>&1; \
        sh -c 'trap \"echo group >&3; exit\" TERM; echo up >&3; while :; do sleep 0.01; done' & \
        setsid sh -c 'trap \"echo session >&3; exit\" TERM; echo up >&3; while :; do sleep 0.01; done' & \
        wait; wait; wait";
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        for (to, expected) in [
            ("child", &["workload"][..]),
            ("group", &["group", "workload"]),
            ("all", &["group", "session", "workload"]),
        ] {
            let mut run = shell(mode, &["--to", to, "--wait-all"], script);
            run.until("up").until("up");
            let init = run.init();
            run.signal(libc::SIGTERM);
            let mut told: Vec<String> = expected.iter().map(|_| run.line()).collect();
            told.sort_unstable();
            assert_eq!(told, expected, "{mode:?} {to}");
            // The others have to go, too: now nobody else is left.
            eventually("all are told", || {
                let _ = sys::kill(init, libc::SIGTERM);
                run.ends_within(Duration::from_millis(20))
            });
        }
    }
}

#[test]
fn rewritten_signals_arrive_as_the_others_with_their_payload() {
    let options = ["-r", "TERM:RTMIN+5", "--rewrite", "40:12", "-r1:0"];
    let mut run = Run::payload(Mode::Child, &options, "record").start();
    run.until("ready").signal(libc::SIGHUP).signal(libc::SIGTERM);
    assert_eq!(run.line(), "got 39 0 0");
    sys::sigqueue(run.init(), 40, 99).unwrap();
    assert_eq!(run.line(), "got 12 -1 99");
    let done = run.end_workload();
    assert_eq!((done.code, done.out), (137, vec![]), "HUP was not passed on at all");
}
