//! Where something is denied, full, or missing.

use crate::harness::{MODES, Mode, Run, can, image, own_image};
use crate::subject::{ours, verbose};
use crate::sys::{self, Before};
use std::process::Stdio;

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let (reader, writer) = std::io::pipe().unwrap();
        sys::fill(&writer).unwrap();
        let verbose = verbose();
        let verbose: Vec<&str> = verbose.iter().map(String::as_str).collect();
        let mut run = Run::payload(mode, &verbose, "record").stderr(writer).start();
        run.until("ready");
        for _ in 0..100 {
            run.signal(libc::SIGUSR1);
            assert_eq!(run.line(), "got 10 0 0");
        }
        assert_eq!(run.end_workload().code, 137, "{mode:?}");
        drop(reader);
    }
}

#[test]
fn a_log_whose_reader_has_gone_disturbs_nobody() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut run = Run::payload(mode, &["-vvv"], "record").stderr(writer).start();
        run.until("ready");
        for signal in [10, 12] {
            run.signal(signal);
            assert_eq!(run.line(), format!("got {signal} 0 0"), "and no SIGPIPE of nsinit's own");
        }
        let done = run.end_workload();
        assert_eq!((done.code, done.out), (137, vec![]), "{mode:?}");
    }
}

#[test]
fn three_descriptors_are_enough() {
    // A static program: the loader of a dynamic one needs a fourth.
    let words = [own_image("nsinit").into_os_string(), "--version".into()];
    let limit = Before::Limit(libc::RLIMIT_NOFILE, 3);
    let done = Run::new(Mode::Child, words).before(limit).finish();
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert!(done.out[0].starts_with("nsinit "));
}

#[test]
fn inits_in_inits_are_one_init() {
    let line = crate::harness::line();
    // The first of the three is what runs them.
    let nsinit: Vec<&str> = line.split(' ').chain(line.split(' ')).collect();
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let script = "trap 'exit 7' TERM; echo ready; read x; exit 8";
        let words = [&nsinit[..], &["sh", "-c", script]].concat();
        let mut run = Run::new(mode, &words).stdin(Stdio::piped()).start();
        run.until("ready").signal(libc::SIGTERM);
        assert_eq!(run.finish().code, 7, "{mode:?}");
        let mut run = Run::new(mode, words).stdin(Stdio::piped()).start();
        run.until("ready").end_input();
        assert_eq!(run.finish().code, 8, "{mode:?}");
    }
}

#[test]
fn where_calls_are_denied_it_goes_on_without_them() {
    // More than any program but a small static one can do without.
    let denied = vec![
        libc::SYS_prctl,
        libc::SYS_setpgid,
        libc::SYS_setsid,
        libc::SYS_ioctl,
        libc::SYS_close_range,
        libc::SYS_chdir,
        libc::SYS_madvise,
        libc::SYS_openat,
        libc::SYS_poll,
    ];
    for name in ["nsinit", "dumb-init"] {
        let words =
            ["-p", "TERM", image("nsinit").to_str().unwrap(), "--version"].map(String::from);
        let done = Run::new(Mode::Child, words)
            .named(name)
            .before(Before::Refuse(denied.clone(), libc::EPERM))
            .finish();
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{name}");
        assert!(done.out[0].starts_with("nsinit "));
    }
}

#[test]
fn where_calls_are_denied_signals_are_forwarded_and_orphans_are_no_matter() {
    let denied = vec![
        libc::SYS_prctl,
        libc::SYS_setpgid,
        libc::SYS_close_range,
        libc::SYS_chdir,
        libc::SYS_madvise,
    ];
    let mut run = Run::shell(Mode::Child, "trap 'exit 7' TERM; (true &); echo ready; read x")
        .before(Before::Refuse(denied, libc::EPERM))
        .stdin(Stdio::piped())
        .start();
    run.until("ready").signal(libc::SIGTERM);
    assert_eq!(run.finish().code, 7);
}

#[test]
fn without_a_way_to_wait_for_signals_it_still_reaps_without_spinning() {
    let mut run = Run::shell(Mode::Child, "echo ready; read x; exit 4")
        .before(Before::Refuse(vec![libc::SYS_rt_sigtimedwait], libc::EPERM))
        .stdin(Stdio::piped())
        .start();
    run.until("ready");
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", run.init())).unwrap();
        let fields: Vec<u32> =
            stat.split(' ').skip(13).take(2).map(|field| field.parse().unwrap()).collect();
        fields[0] + fields[1]
    };
    assert!(ticks() < 5, "hundredths of a second");
    run.end_input();
    assert_eq!(run.finish().code, 4);
}

#[test]
fn nothing_is_ever_logged_on_standard_output() {
    let script = "(true &); kill -USR1 $PPID; sleep 0.05; exit 3";
    let mut words = verbose();
    if ours() {
        words.extend(["--grace", "0.1"].map(String::from));
    }
    words.extend(["sh", "-c", script].map(String::from));
    let done = Run::new(Mode::Child, words).finish();
    assert_eq!(done.out, [""; 0]);
    assert!(done.err.contains("SIGUSR1") || !ours(), "{}", done.err);
}
