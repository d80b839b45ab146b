//! The command line and the environment, under each of the names.

use crate::harness::{MODES, Mode, Run, can, children, eventually, is_root, status};
use std::process::Stdio;

/// All the names that nsinit has defaults for.
const NAMES: [&str; 4] = ["nsinit", "tini", "dumb-init", "catatonit"];

#[test]
fn help_version_and_license_are_printed_on_standard_output() {
    for name in NAMES {
        for (options, expected) in [
            (&["-h"][..], format!("usage: {name} ")),
            (&["--help"], format!("usage: {name} ")),
            (&["-l"], "nsinit is licensed".to_owned()),
            (&["-L"], "nsinit is licensed".to_owned()),
        ] {
            let done = Run::new(Mode::Child, options).named(name).finish();
            assert_eq!((done.code, done.err.as_str()), (0, ""), "{name} {options:?}");
            assert!(done.out[0].starts_with(&expected), "{:?}", done.out);
        }
        // docker and podman look for "tini version".
        let version = env!("CARGO_PKG_VERSION");
        let expected = match name {
            "nsinit" => format!("nsinit {version}"),
            "dumb-init" => format!("dumb-init v{version} (nsinit)"),
            _ => format!("tini version {version}_nsinit"),
        };
        for option in ["-V", "--version"] {
            let done = Run::new(Mode::Child, [option]).named(name).finish();
            assert_eq!(done.out, [expected.as_str()]);
        }
    }
}

#[test]
fn every_option_is_in_the_help() {
    let help = Run::new(Mode::Child, ["--help"]).finish().out.join("\n");
    for option in nsinit::known_options() {
        let option = &format!("--{}", option.long);
        assert!(help.contains(option), "{option}");
    }
    assert!(help.lines().all(|line| line.len() <= 80), "{help}");
}

#[test]
fn a_wrong_option_is_named_and_nothing_is_run() {
    for (words, message) in [
        (&["-x", "true"][..], "not an option: -x"),
        (&["--nonsense", "true"], "not an option: --nonsense"),
        (&["-p", "NOSUCH", "true"], "-p: bad value NOSUCH"),
        (&["--grace"], "--grace needs a value"),
        (&["--group=1"], "--group=1 takes no value"),
    ] {
        let done = Run::new(Mode::Child, words).finish();
        assert_eq!((done.code, done.err), (125, format!("nsinit: {message}\n")));
        let done = Run::new(Mode::Child, words).named("tini").finish();
        assert_eq!((done.code, done.err), (1, format!("tini: {message}\n")));
    }
}

#[test]
fn options_come_from_the_environment_too() {
    let exit = |run: Run| run.finish().code;
    let plain = || Run::shell(Mode::Child, "exit 3");
    assert_eq!(exit(plain().env("NSINIT_OPTIONS", "-e 3:30")), 30);
    assert_eq!(exit(plain().env("NSINIT_OPTIONS", "  --exit\t3-4:31 \n -g ")), 31);
    assert_eq!(exit(plain().env("NSINIT_OPTIONS", "")), 3);
    // The command line has the last word.
    let run = Run::new(Mode::Child, ["-e", "3:32", "sh", "-c", "exit 3"]);
    assert_eq!(exit(run.env("NSINIT_OPTIONS", "-e 3:30")), 32);
    let run = Run::new(Mode::Child, ["--no-env", "sh", "-c", "exit 3"]);
    assert_eq!(exit(run.env("NSINIT_OPTIONS", "--nonsense")), 3);
    let done = plain().env("NSINIT_OPTIONS", "-g program").finish();
    assert_eq!((done.code, done.err.as_str()), (125, "nsinit: not an option: program\n"));
}

#[test]
fn exit_codes_are_told_as_others() {
    for (options, code, expected) in [
        (&["-e", "143"][..], "kill -TERM $$", 0),
        (&["-e143"], "kill -KILL $$", 137),
        (&["-e", "128-159"], "kill -KILL $$", 0),
        (&["-e", "1-9:20", "-e", "5:21"], "exit 5", 21),
        (&["-e", "1-9:20", "-e", "5:21"], "exit 9", 20),
        (&["-e", "0:1"], "exit 0", 1),
    ] {
        let words = options.iter().copied().chain(["sh", "-c", code]);
        assert_eq!(Run::new(Mode::Child, words).finish().code, expected, "{options:?} {code}");
    }
    // Not what nsinit itself ends with.
    assert_eq!(Run::new(Mode::Child, ["-e", "127", "no-such-program"]).finish().code, 127);
}

#[test]
fn tini_reads_its_variables() {
    let script = "trap 'exit 4' TERM; sh -c 'trap \"exit 9\" TERM; echo ready; read x'; exit $?";
    let signalled = |run: Run| {
        let mut run = run.named("tini").stdin(Stdio::piped()).start();
        run.until("ready").signal(libc::SIGTERM);
        run
    };
    // Only the shell is told, and it waits for its child.
    let run = signalled(Run::shell(Mode::Child, script));
    assert!(!run.ends_within(std::time::Duration::from_millis(50)));
    let run = signalled(Run::shell(Mode::Child, script).env("TINI_KILL_PROCESS_GROUP", "0"));
    assert_eq!(run.finish().code, 4, "the child is told, too, so nobody has to end the input");
    let done = Run::shell(Mode::Child, "exit 3").named("tini").env("TINI_VERBOSITY", "2").finish();
    assert_eq!(done.err, "tini: the program exited with 3\n");
    let done = Run::shell(Mode::Child, "exit 3").named("tini").env("TINI_SUBREAPER", "").finish();
    assert_eq!((done.code, done.err.as_str()), (3, ""));
    let done = Run::shell(Mode::Child, "exit 3").env("TINI_VERBOSITY", "2").finish();
    assert_eq!(done.err, "", "nsinit by its own name does not");
}

#[test]
fn dumb_init_gives_the_workload_a_session_and_signals_its_group() {
    let script = "cut -d' ' -f5,6 < /proc/$$/stat; echo $$ $$";
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let done = Run::shell(mode, script).named("dumb-init").finish();
        assert_eq!(done.out[0], done.out[1], "{mode:?}");
        for single in [&["-c"][..], &["--single-child"]] {
            let words = single.iter().copied().chain(["sh", "-c", script]);
            let done = Run::new(mode, words).named("dumb-init").finish();
            assert_ne!(done.out[0], done.out[1], "{mode:?}");
        }
        let done =
            Run::shell(mode, script).named("dumb-init").env("DUMB_INIT_SETSID", "0").finish();
        assert_ne!(done.out[0], done.out[1], "{mode:?}");
    }
    let script = "trap 'exit 4' TERM; sh -c 'trap \"exit 9\" TERM; echo ready; read x'; exit $?";
    let mut run = Run::shell(Mode::Child, script).named("dumb-init").stdin(Stdio::piped()).start();
    run.until("ready").signal(libc::SIGTERM);
    assert_eq!(run.finish().code, 4);
    let done =
        Run::shell(Mode::Child, "exit 3").named("dumb-init").env("DUMB_INIT_DEBUG", "1").finish();
    assert_eq!(done.err, "dumb-init: the program exited with 3\n");
}

#[test]
fn dumb_init_stops_its_session_for_a_terminals_signals() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run =
            Run::shell(mode, "echo ready; read x").named("dumb-init").stdin(Stdio::piped()).start();
        run.until("ready");
        let workload = run.workload();
        run.signal(libc::SIGTSTP);
        eventually("it stops", || status(workload, "State").starts_with('T'));
        run.signal(libc::SIGCONT).signal(libc::SIGTERM);
        assert_eq!(run.finish().code, 143);
    }
}

#[test]
fn dumb_init_ends_the_rest_of_its_group() {
    let script = "sleep 1000 & echo $!; exit 3";
    let mut run = Run::shell(Mode::Child, script).named("dumb-init").start();
    let rest: i32 = run.line().parse().unwrap();
    assert_eq!(run.finish().code, 3);
    assert!(crate::sys::wait_end(rest, *crate::subject::DEADLINE));
}

#[test]
fn in_pause_mode_the_init_reaps_until_it_is_told_to_end() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        for (name, signal) in [("catatonit", libc::SIGTERM), ("nsinit", libc::SIGINT)] {
            let run = Run::new(mode, ["-P"]).named(name).start();
            let waits = |pid| status(pid, "Name") == name && status(pid, "State").starts_with('S');
            eventually("it waits", || match (mode, &children(run.outer())[..]) {
                (Mode::Child, _) => waits(run.outer()),
                (Mode::Pid1, [init]) => waits(*init),
                (Mode::Pid1, _) => false,
            });
            run.signal(libc::SIGHUP).signal(libc::SIGUSR1).signal(signal);
            assert_eq!(run.finish().code, 0, "{mode:?} {name}");
        }
    }
}

#[test]
fn the_workload_starts_in_another_directory() {
    let done = Run::new(Mode::Child, ["--chdir", "/usr/bin", "pwd"]).finish();
    assert_eq!(done.out, ["/usr/bin"]);
    let done = Run::new(Mode::Child, ["--chdir=/no/such", "pwd"]).finish();
    assert_eq!(
        (done.code, done.err.as_str()),
        (125, "nsinit: /no/such: No such file or directory\n")
    );
    let done = Run::new(Mode::Child, ["--chdir=/etc/passwd", "pwd"]).finish();
    assert_eq!(done.err, "nsinit: /etc/passwd: Not a directory\n");
}

#[test]
fn the_workload_starts_as_another_user() {
    if !is_root() {
        println!("skip: needs root");
        return;
    }
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let show = "grep -E '^(Uid|Gid|Groups)' /proc/self/status | tr -s '\\t ' ' '";
        let run = |user: &str| Run::new(mode, ["--user", user, "sh", "-c", show]).finish().out;
        assert_eq!(
            run("1234:2345"),
            ["Uid: 1234 1234 1234 1234", "Gid: 2345 2345 2345 2345", "Groups: "]
        );
        assert_eq!(
            run("1234"),
            ["Uid: 1234 1234 1234 1234", "Gid: 1234 1234 1234 1234", "Groups: "]
        );
    }
    let done = Run::new(Mode::Child, ["--user", "0", "true"]).unprivileged().finish();
    let expected = "nsinit: cannot become the user: Operation not permitted\n";
    assert_eq!((done.code, done.err.as_str()), (125, expected));
}

#[test]
fn verbose_tells_of_the_end_and_of_signals() {
    let mut run = Run::new(Mode::Child, ["-vv", "sh", "-c", "echo ready; read x"])
        .stdin(Stdio::piped())
        .start();
    let workload = run.until("ready").workload();
    run.signal(libc::SIGUSR2);
    let done = run.finish();
    assert_eq!(
        done.err,
        format!(
            "nsinit: SIGUSR2 passed on as SIGUSR2 to {workload}\n\
             nsinit: the program was killed by SIGUSR2\n"
        )
    );
    assert_eq!(done.out, [""; 0], "not on standard output");
}

#[test]
fn reaped_orphans_are_told_of_if_asked_for() {
    let script = "(sh -c 'exit 7' &); exit 0";
    let done = Run::new(Mode::Child, ["-w", "--wait-all", "sh", "-c", script]).finish();
    assert!(done.err.starts_with("nsinit: reaped "), "{}", done.err);
    assert!(done.err.ends_with(", exit 7\n"), "{}", done.err);
}

#[test]
fn the_parent_death_signal_is_passed_on() {
    for (options, expected) in [(&["-p", "TERM"][..], "told"), (&["-p", "SIGUSR1"], "told")] {
        let script = "trap 'echo told; exit' TERM USR1; echo ready; while :; do sleep 0.01; done";
        let words = options.iter().copied().chain(["sh", "-c", script]);
        // The parent is a shell that ends when its input does.
        let mut run = Run::new(Mode::Child, words)
            .wrapper(&["sh", "-c", "\"$@\" < /dev/null & read x; exit 0", "sh"])
            .stdin(Stdio::piped())
            .start();
        run.until("ready");
        run.end_input();
        run.until(expected);
        run.finish();
    }
}

#[test]
fn all_that_runs_dies_with_the_parent_if_asked_for() {
    // They hold standard output open, whose end is waited for.
    let script = "setsid sleep 1000 & (sleep 1001 & sleep 1002 &); echo ready; sleep 1003";
    let mut run = Run::new(Mode::Child, ["--die-with-parent", "sh", "-c", script])
        .wrapper(&["sh", "-c", "\"$@\" < /dev/null & read x; exit 0", "sh"])
        .stdin(Stdio::piped())
        .start();
    run.until("ready");
    run.end_input();
    run.finish();
}

#[test]
fn the_group_is_told_to_die_first_and_only_then() {
    let file = std::env::temp_dir().join(format!("nsinit-kill-fd-{}", std::process::id()));
    let path = file.to_str().unwrap();
    let options = ["--die-with-parent", "--kill-fd", "7", "sh", "-c", "echo ready; sleep 1000"];
    let mut run = Run::new(Mode::Child, options)
        .wrapper(&["sh", "-c", "\"$@\" 7> \"$0\" < /dev/null & read x; exit 0", path])
        .stdin(Stdio::piped())
        .start();
    run.until("ready");
    let before = std::fs::read_to_string(&file);
    run.end_input();
    run.finish();
    let after = std::fs::read_to_string(&file);
    std::fs::remove_file(&file).unwrap();
    assert_eq!((before.unwrap().as_str(), after.unwrap().as_str()), ("", "1"));
}

#[test]
fn a_signal_is_no_sign_that_the_parent_died() {
    let script = "trap 'echo told; exit 3' TERM; echo ready; while :; do sleep 0.01; done";
    let mut run = Run::new(Mode::Child, ["--die-with-parent", "sh", "-c", script]).start();
    run.until("ready");
    run.signal(15);
    assert_eq!(run.finish().code, 3);
}

#[test]
fn a_parent_that_is_dead_already_is_noticed() {
    // nsinit starts when the leader of its session, its parent, has ended.
    let orphan = "while grep -q \"^PPid:.$P\\$\" /proc/$$/status; do :; done; exec \"$@\"";
    let parent = format!("P=$$ sh -c '{orphan}' sh \"$@\" & exit 0");
    for (signal, expected) in [("TERM", &["got 15"][..]), ("KILL", &[])] {
        let done = Run::payload(Mode::Child, &["-p", signal, "--mask=ffffffffffffffff"], "one")
            .wrapper(&["sh", "-c", &parent, "sh"])
            .before(crate::sys::Before::Session)
            .finish();
        assert_eq!(done.out, expected, "{signal} {}", done.err);
    }
}

#[test]
fn a_parent_that_lives_is_not_taken_for_dead() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        for before in [crate::sys::Before::Group, crate::sys::Before::Session] {
            let run = Run::new(mode, ["-p", "KILL", "sh", "-c", "exit 5"]);
            assert_eq!(run.before(before).finish().code, 5, "{mode:?}");
        }
    }
}
