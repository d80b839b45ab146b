//! Signals that nsinit is sent, from outside and from inside.

use crate::harness::{MODES, Mode, Run, can};
use crate::sys::{self, Before};

/// What the kernel sends for a fault.
const FAULTS: [i32; 7] = [
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGSEGV,
    libc::SIGSYS,
];

/// What a terminal stops a process by.
const STOPS: [i32; 3] = [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

/// Each of `signals` arrives, once, as it was sent.
fn are_delivered(signals: impl Iterator<Item = i32> + Clone) {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = Run::payload(mode, &[], "record").start();
        run.until("ready");
        for signal in signals.clone() {
            run.signal(signal);
            assert_eq!(run.line(), format!("got {signal} 0 0"), "{mode:?}");
        }
        assert_eq!(run.end_workload().code, 137);
    }
}

#[test]
fn every_signal_is_delivered_once() {
    // All that a process can be sent and can take, but for those of the next two.
    let others = [libc::SIGKILL, libc::SIGSTOP, libc::SIGCHLD, 32, 33];
    are_delivered(
        (1..=64).filter(move |n| ![&FAULTS[..], &STOPS, &others].iter().any(|no| no.contains(n))),
    );
}

#[test]
fn the_signals_that_c_libraries_keep_to_themselves_are_delivered() {
    are_delivered([32, 33].into_iter());
}

#[test]
fn the_signals_of_faults_and_of_terminals_are_delivered() {
    are_delivered(FAULTS.into_iter().chain(STOPS).chain([libc::SIGCHLD]));
}

#[test]
fn queued_signals_keep_their_number_order_code_and_payload() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = Run::payload(mode, &[], "record").start();
        run.until("ready");
        for value in 0..50 {
            for signal in 34..=64 {
                sys::sigqueue(run.init(), signal, value << 33 | 7).unwrap();
            }
        }
        let mut next = [0_usize; 65];
        for _ in 0..31 * 50 {
            let line = run.line();
            let fields: Vec<usize> = line
                .split(' ')
                .skip(1)
                .map(|field| field.parse::<i64>().unwrap() as usize)
                .collect();
            let [signal, code, value] = fields[..] else { panic!("{line}") };
            assert_eq!(code as i64, libc::SI_QUEUE.into());
            assert_eq!(value, next[signal] << 33 | 7, "in order");
            next[signal] += 1;
        }
        assert_eq!(run.end_workload().code, 137, "{mode:?}");
    }
}

#[test]
fn a_burst_to_a_stopped_init_is_delivered_when_it_goes_on() {
    // PID 1 can be stopped from outside only: this is outside.
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = Run::payload(mode, &[], "record").start();
        run.until("ready");
        let init = run.init();
        sys::kill(init, libc::SIGSTOP).unwrap();
        crate::harness::eventually("stopped", || {
            crate::harness::status(init, "State").starts_with('T')
        });
        for signal in [1, 2, 3, 10, 12, 15, 34, 34, 34, 64] {
            sys::kill(init, signal).unwrap();
        }
        sys::kill(init, libc::SIGCONT).unwrap();
        let mut got: Vec<String> = (0..11).map(|_| run.line()).collect();
        got.sort_unstable();
        let mut expected: Vec<String> = [1, 2, 3, 10, 12, 15, 18, 34, 34, 34, 64]
            .map(|signal| format!("got {signal} 0 0"))
            .into();
        expected.sort_unstable();
        assert_eq!(got, expected, "{mode:?}");
        run.end_workload();
    }
}

/// A new cgroup, which is removed at the end.
struct Cgroup(std::path::PathBuf);

impl Cgroup {
    fn new(name: &str) -> Option<Cgroup> {
        let name = format!("nsinit-test-{name}-{}", std::process::id());
        ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
            .map(|root| std::path::Path::new(root).join(&name))
            .into_iter()
            // On a version 1 or other file system there is no such file.
            .find(|path| {
                std::fs::create_dir(path).is_ok()
                    && (path.join("cgroup.freeze").exists() || std::fs::remove_dir(path).is_err())
            })
            .map(Cgroup)
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.join(file), text).unwrap();
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn what_comes_while_the_init_is_frozen_is_delivered_when_it_thaws() {
    let Some(cgroup) = Cgroup::new("frozen") else {
        println!("skip: no cgroup of version 2 can be made here");
        return;
    };
    let mut run = Run::payload(Mode::Child, &[], "record").start();
    run.until("ready");
    let init = run.init();
    cgroup.write("cgroup.procs", &init.to_string());
    cgroup.write("cgroup.freeze", "1");
    crate::harness::eventually("frozen", || {
        std::fs::read_to_string(cgroup.0.join("cgroup.events")).unwrap().contains("frozen 1")
    });
    for signal in [1, 15, 50, 64] {
        sys::kill(init, signal).unwrap();
    }
    cgroup.write("cgroup.freeze", "0");
    let mut got = [run.line(), run.line(), run.line(), run.line()];
    got.sort_unstable();
    assert_eq!(got, ["got 1 0 0", "got 15 0 0", "got 50 0 0", "got 64 0 0"]);
    assert_eq!(run.end_workload().code, 137);
}

#[test]
fn signals_of_faults_sent_by_a_process_do_not_kill_the_init() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = Run::payload(mode, &[], "record").start();
        run.until("ready");
        // Together they kill an init that has a handler for one and unblocks another.
        for signal in [libc::SIGSEGV, libc::SIGTERM, libc::SIGINT, libc::SIGBUS, libc::SIGILL] {
            run.signal(signal);
        }
        for _ in 0..5 {
            run.line();
        }
        assert_eq!(run.end_workload().code, 137, "{mode:?}");
    }
}

#[test]
fn a_signal_in_the_first_milliseconds_is_not_lost() {
    // Sent without waiting for anything: after the exec of nsinit it is blocked, before it kills
    // as it would kill the workload. The mask is what nsshim starts it with.
    for round in 0..200_u32 {
        let run = Run::new(Mode::Child, ["--no-env", "--mask", "0", "--", "sleep", "1000"])
            .before(Before::Mask(u64::MAX))
            .start();
        for _ in 0..round * 50 {
            std::hint::spin_loop();
        }
        run.signal(libc::SIGTERM);
        let done = run.finish();
        assert_eq!(done.code, 143, "round {round}: {}", done.err);
    }
}

#[test]
fn a_signal_that_comes_while_the_init_starts_is_delivered() {
    // At any moment of the start: what is blocked from before waits for somebody to take it.
    for round in 0..60_u32 {
        let mut run = Run::payload(Mode::Child, &[], "one").before(Before::Mask(u64::MAX)).start();
        let until = std::time::Instant::now() + std::time::Duration::from_micros(50) * round;
        while std::time::Instant::now() < until {
            std::hint::spin_loop();
        }
        run.signal(libc::SIGTERM);
        assert_eq!(run.line(), "got 15", "round {round}");
        assert_eq!(run.finish().code, 0);
    }
}

#[test]
fn kill_1_from_inside_reaches_the_workload() {
    if !can(Mode::Pid1) {
        return;
    }
    let done =
        Run::shell(Mode::Pid1, "trap 'exit 7' TERM; kill -TERM 1; while :; do sleep 1; done");
    assert_eq!(done.finish().code, 7);
}

#[test]
fn a_clean_parent_gives_a_clean_workload() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let done = Run::new(mode, ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"])
            .before(Before::Defaults)
            .finish();
        assert_eq!(done.out, ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"]);
    }
}

#[test]
fn what_is_ignored_or_blocked_stays_so() {
    // HUP as under nohup, PIPE as under python, and a real-time one.
    stays_so(&[libc::SIGHUP, libc::SIGPIPE, 40]);
}

#[test]
fn an_ignored_sigchld_stays_so() {
    // As under some daemons.
    stays_so(&[libc::SIGCHLD]);
}

fn stays_so(ignored: &[i32]) {
    let mask = 1 << (libc::SIGUSR1 - 1) | 1 << (33 - 1) | 1 << (64 - 1);
    let bits = ignored.iter().fold(0_u64, |bits, signal| bits | 1 << (signal - 1));
    let mut run = Run::new(Mode::Child, ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"])
        .before(Before::Defaults)
        .before(Before::Mask(mask));
    for signal in ignored {
        run = run.before(Before::Ignore(*signal));
    }
    let done = run.finish();
    assert_eq!(done.out, [format!("SigBlk:\t{mask:016x}"), format!("SigIgn:\t{bits:016x}")]);
    assert_eq!(done.code, 0);
}

#[test]
fn an_init_that_is_started_with_everything_blocked_forwards() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = Run::new(mode, ["--mask", "0", "sh", "-c", "echo ready; read x"])
            .before(Before::Mask(u64::MAX))
            .stdin(std::process::Stdio::piped())
            .start();
        run.until("ready").signal(libc::SIGTERM);
        assert_eq!(run.finish().code, 143, "{mode:?}");
    }
}

#[test]
fn an_init_that_is_started_with_sigchld_ignored_keeps_the_exit_code() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let done = Run::shell(mode, "exit 11").before(Before::Ignore(libc::SIGCHLD)).finish();
        assert_eq!(done.code, 11, "{mode:?}");
    }
}

#[test]
fn a_broken_pipe_kills_the_workload_only_if_it_would_without_us() {
    let script = format!("{{ {} yes; echo $? >&2; }} | head -n1", crate::harness::line());
    let done = Run::shell(Mode::Child, &script).finish();
    assert_eq!(done.err, "141\n");
    let done = Run::shell(Mode::Child, &script).before(Before::Ignore(libc::SIGPIPE)).finish();
    assert!(done.err.ends_with("\n1\n"), "{}", done.err);
}

#[test]
fn a_stopped_workload_is_no_end_and_no_work() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = Run::new(mode, ["sh", "-c", "echo ready; read x; exit 3"])
            .stdin(std::process::Stdio::piped())
            .start();
        run.until("ready");
        let (init, workload) = (run.init(), run.workload());
        for _ in 0..3 {
            sys::kill(workload, libc::SIGSTOP).unwrap();
            crate::harness::eventually("the workload stops", || {
                crate::harness::status(workload, "State").starts_with('T')
            });
            crate::harness::eventually("nsinit sleeps", || {
                crate::harness::status(init, "State").starts_with('S')
            });
            sys::kill(workload, libc::SIGCONT).unwrap();
            crate::harness::eventually("the workload goes on", || {
                !crate::harness::status(workload, "State").starts_with('T')
            });
        }
        run.signal(libc::SIGTERM);
        assert_eq!(run.finish().code, 143, "{mode:?}");
    }
}

#[test]
fn stop_signals_of_terminals_are_forwarded_and_sigcont_undoes_them() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = Run::new(mode, ["sh", "-c", "echo ready; read x"])
            .stdin(std::process::Stdio::piped())
            .start();
        run.until("ready");
        let workload = run.workload();
        for signal in STOPS {
            run.signal(signal);
            crate::harness::eventually("the workload stops", || {
                crate::harness::status(workload, "State").starts_with('T')
            });
            run.signal(libc::SIGCONT);
            crate::harness::eventually("the workload goes on", || {
                !crate::harness::status(workload, "State").starts_with('T')
            });
        }
        run.signal(libc::SIGTERM);
        assert_eq!(run.finish().code, 143, "{mode:?}");
    }
}

#[test]
fn a_workload_that_may_not_be_signalled_does_not_end_the_init() {
    if !crate::harness::is_root() {
        println!("skip: needs root, to start a workload as another user");
        return;
    }
    // Root without CAP_KILL may not signal the user that its workload has become.
    let script = "echo ready; read x; exit 6";
    let mut run =
        Run::new(Mode::Child, ["setpriv", "--reuid", "1000", "--clear-groups", "sh", "-c", script])
            .wrapper(&["setpriv", "--bounding-set", "-kill", "--"])
            .stdin(std::process::Stdio::piped())
            .start();
    run.until("ready").signal(libc::SIGTERM).signal(libc::SIGHUP).signal(50);
    assert!(!run.ends_within(std::time::Duration::from_millis(100)));
    run.end_input();
    assert_eq!(run.finish().code, 6);
}

#[test]
fn a_timer_that_was_set_before_the_exec_reaches_the_workload() {
    let done = Run::new(Mode::Child, ["sleep", "1000"]).before(Before::Alarm(1)).finish();
    assert_eq!(done.code, 142);
}
