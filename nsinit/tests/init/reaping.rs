//! Children that nsinit did not start, and the end of the one that it did.

use crate::harness::{MODES, Mode, Run, Running, can, children, eventually, status};
use crate::sys;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A shell that runs `script` and then waits for the end of its input.
fn waiting(mode: Mode, options: &[&str], script: &str) -> Running {
    let script = format!("{script}; echo ready; read x; exit 3");
    let words = options.iter().copied().chain(["sh", "-c", &script]);
    Run::new(mode, words).stdin(Stdio::piped()).start()
}

#[test]
fn an_orphan_is_reaped_within_a_second() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        // Of a session of its own, so that nothing but descent leads to it.
        let mut run = waiting(mode, &[], "(setsid sleep 1000 &)");
        run.until("ready");
        let (init, workload) = (run.init(), run.workload_of(2));
        let orphan = children(init).into_iter().find(|child| *child != workload).expect("adopted");
        let killed = Instant::now();
        sys::kill(orphan, libc::SIGKILL).unwrap();
        eventually("the orphan is reaped", || children(init) == [workload]);
        assert!(killed.elapsed() < Duration::from_secs(1), "{mode:?}");
        run.end_input();
        assert_eq!(run.finish().code, 3);
    }
}

/// Waits until the payload has left its orphans, and the init, whose they are, has reaped them.
fn all_are_reaped(run: &mut Running, mode: Mode) {
    // The last orphan and its grandparent speak at the same time.
    let mut lines = [run.line(), run.line()];
    lines.sort_unstable();
    let init = run.init();
    let pid = if mode == Mode::Pid1 { 1 } else { init };
    assert_eq!(lines, [format!("adopted by {pid} of {pid}"), "ready".into()]);
    eventually("all are reaped but the workload", || children(init).len() == 1);
}

#[test]
fn twenty_thousand_zombies_at_once_are_reaped() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = Run::payload(mode, &[], "orphans").stdin(Stdio::piped()).start();
        let made = run.line();
        if made != "20000" {
            println!(
                "skip: only {made}, more are not allowed here (pid_max, RLIMIT_NPROC, pids.max)"
            );
        }
        all_are_reaped(&mut run, mode);
        run.end_input();
        assert_eq!(run.finish().code, 0, "{mode:?}");
    }
}

#[test]
fn five_thousand_orphans_one_after_the_other_are_reaped() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = Run::payload(mode, &[], "stream").stdin(Stdio::piped()).start();
        all_are_reaped(&mut run, mode);
        run.end_input();
        assert_eq!(run.finish().code, 0, "{mode:?}");
    }
}

#[test]
fn a_stream_of_orphans_is_reaped_and_delays_no_signal() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let script = "trap 'exit 7' TERM; echo ready; while :; do (true &); done";
        let mut run = Run::shell(mode, script).start();
        run.until("ready");
        let init = run.init();
        // As real-time signals have higher numbers than SIGCHLD, they are the harder ones.
        eventually("orphans come", || children(init).len() > 1);
        run.signal(libc::SIGTERM);
        assert_eq!(run.finish().code, 7, "{mode:?}");
    }
}

#[test]
fn a_workload_that_ends_beside_orphans_while_the_init_is_stopped_is_seen() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = waiting(mode, &[], "(sleep 1000 &)");
        run.until("ready");
        let (init, workload) = (run.init(), run.workload_of(2));
        let orphan = children(init).into_iter().find(|child| *child != workload).expect("adopted");
        sys::kill(init, libc::SIGSTOP).unwrap();
        eventually("stopped", || status(init, "State").starts_with('T'));
        sys::kill(orphan, libc::SIGKILL).unwrap();
        run.end_input();
        eventually("both ended", || {
            [orphan, workload].iter().all(|pid| status(*pid, "State").starts_with('Z'))
        });
        sys::kill(init, libc::SIGCONT).unwrap();
        assert_eq!(run.finish().code, 3, "{mode:?}");
    }
}

#[test]
fn orphans_do_not_delay_the_end() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let script =
            "exec 3>&1 >/dev/null 2>&1; setsid sleep 1000 3>&- & echo $! >&3; exec 3>&-; exit 4";
        let mut run = Run::shell(mode, script).start();
        let orphan: i32 = run.line().parse().unwrap();
        let done = run.finish();
        assert_eq!(done.code, 4, "{mode:?}");
        if mode == Mode::Child {
            // It goes on, as it would without an init. (Its number is the one seen from here.)
            sys::kill(orphan, libc::SIGKILL).unwrap();
        }
    }
}

#[test]
fn what_another_process_traces_is_waited_for() {
    // As a child of ours, nsinit's child is one that we may trace.
    let mut run = waiting(Mode::Child, &[], ":");
    run.until("ready");
    let (init, workload) = (run.init(), run.workload());
    if let Err(error) = sys::trace(workload) {
        println!("skip: tracing is not allowed here ({error})");
        return;
    }
    sys::kill(workload, libc::SIGTERM).unwrap();
    eventually("stopped by its tracer", || status(workload, "State").starts_with('t'));
    assert!(status(init, "State").starts_with('S'), "nsinit waits, without work");
    sys::untrace(workload, libc::SIGTERM).unwrap();
    assert_eq!(run.finish().code, 143);
}

#[test]
fn with_wait_all_the_init_outlives_the_workload_until_nothing_is_left() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = waiting(mode, &["--wait-all"], "(setsid sleep 1000 &)");
        run.until("ready");
        run.end_input();
        let init = run.init();
        eventually(
            "the workload is reaped, the other adopted",
            || matches!(children(init)[..], [child] if status(child, "Name") == "sleep"),
        );
        // With nobody else left, it is who signals are for.
        run.signal(libc::SIGTERM);
        assert_eq!(run.finish().code, 3, "{mode:?}");
    }
}
