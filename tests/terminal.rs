//! A terminal of the container's own, between the workload and the user's.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::Duration;

use super::common::{PROMPT, Screen, Who, as_each, eventually, nsctl};

/// What a peer gets wrong in each row is in the comment beside it.
type Row = (&'static str, fn(Who));

const MATRIX: [Row; 6] = [
    // None: bwrap --new-session, nsjail.
    ("job control", |who| {
        let screen = Screen::nsctl(who, run_shell());
        let greeting = screen.expect(PROMPT);
        assert!(!greeting.contains("job control"), "{greeting}");
        screen.line("sh -c 'echo go; exec sleep 1000'");
        screen.expect("go\r\n");
        screen.send("\x1a");
        screen.expect("Stopped");
        screen.expect(PROMPT);
        assert!(screen.command("bg").ends_with("&"));
        assert!(screen.command("jobs").contains("Running"));
        screen.line("fg");
        screen.expect("sleep 1000");
        // The shell names the job before it gives the terminal away.
        screen.send("\x03");
        if !eventually(Duration::from_secs(1), || screen.sees(PROMPT)) {
            screen.send("\x03");
        }
        screen.expect(PROMPT);
        assert_eq!(screen.command("echo $?"), "130");
    }),
    // Wrong: bwrap --dev /dev, hakoniwa (/dev/console).
    ("tty", |who| {
        let screen = Screen::nsctl(who, run_shell());
        screen.expect(PROMPT);
        assert_eq!(screen.command("tty"), "/dev/pts/0");
        assert_eq!(screen.command("test -c /dev/pts/0; echo $?"), "0");
        assert_eq!(screen.command("echo text > /dev/pts/0"), "text");
        assert_eq!(screen.command("echo text > /dev/tty"), "text");
        assert_eq!(screen.command("echo text > /dev/console"), "text");
    }),
    ("resize", |who| {
        let script = "trap 'stty size; exit' WINCH; stty size; while :; do sleep 0.02; done";
        let mut screen = Screen::nsctl(who, ["run", "sh", "-c", script]);
        screen.expect("24 80\r\n");
        screen.resize(33, 99);
        screen.expect("33 99\r\n");
        assert_eq!(screen.wait(), 0);
    }),
    // "TIOCSTI" is a file of its own.
    // Abandoned: bwrap, firejail, hakoniwa. Killed: nsjail.
    ("^C to a program that handles it", |who| {
        let script = "trap 'echo caught; exit 7' INT; echo go; while :; do sleep 0.02; done";
        let mut screen = Screen::nsctl(who, ["run", "sh", "-c", script]);
        screen.expect("go\r\n");
        screen.send("\x03");
        screen.expect("caught\r\n");
        assert_eq!(screen.wait(), 7);
    }),
    ("^C and ^\\ to one that does not", |who| {
        for (key, code) in [("\x03", 130), ("\x1c", 131)] {
            let mut screen = Screen::nsctl(who, ["run", "sh", "-c", "echo go; exec sleep 1000"]);
            screen.expect("go\r\n");
            screen.send(key);
            assert_eq!(screen.wait(), code);
        }
    }),
    ("^D and the exit status", |who| {
        let mut screen = Screen::nsctl(who, ["run", "sh", "-c", "cat; exit 3"]);
        screen.line("line");
        screen.expect("line\r\nline\r\n");
        screen.send("\x04");
        assert_eq!(screen.wait(), 3);
    }),
];

fn run_shell() -> [&'static str; 8] {
    [
        "run",
        "--env",
        concat!("PS1=", "ready> "),
        "--env=TERM=dumb",
        "bash",
        "--norc",
        "--noprofile",
        "-i",
    ]
}

#[test]
fn the_workloads_terminal_is_as_good_as_the_users() {
    as_each(|who| {
        for (name, row) in MATRIX {
            println!("{name}");
            row(who);
        }
    });
}

#[test]
fn a_program_inside_can_open_its_terminal_as_any_user() {
    let script = "echo named > $(tty)";
    let mut screen = Screen::nsctl(Who::User, ["run", "--keep-id", "sh", "-c", script]);
    screen.expect("named\r\n");
    assert_eq!(screen.wait(), 0);
    if nix::unistd::geteuid().is_root() {
        let mut screen = Screen::nsctl(Who::Root, ["run", "--user", "1234", "sh", "-c", script]);
        screen.expect("named\r\n");
        assert_eq!(screen.wait(), 0);
    }
}

/// A way to end, and the exit status.
type End = (&'static str, &'static [&'static str], fn(&mut Screen) -> i32);

const ENDS: [End; 8] = [
    ("exit", &["run", "true"], |screen| screen.wait()),
    ("exit by a signal", &["run", "sh", "-c", "kill -SEGV $$"], |screen| screen.wait()),
    ("its own modes", &["run", "stty", "raw", "-echo"], |screen| screen.wait()),
    ("not found", &["run", "no-such-command"], |screen| screen.wait()),
    ("not executable", &["run", "/etc/passwd"], |screen| screen.wait()),
    ("a failing step", &["run", "--workdir", "/no/such", "true"], |screen| screen.wait()),
    ("SIGKILL of the workload", &["run", "sh", "-c", "echo go; kill -KILL $$"], |screen| {
        screen.expect("go");
        screen.wait()
    }),
    ("SIGTERM of nsctl", &["run", "sh", "-c", "echo go; exec sleep 1000"], |screen| {
        screen.expect("go");
        kill(Pid::from_raw(screen.child.id() as i32), Signal::SIGTERM).unwrap();
        screen.wait()
    }),
];

const CODES: [i32; 8] = [0, 139, 0, 127, 126, 125, 137, 143];

#[test]
fn the_users_terminal_has_its_modes_back_after_any_end() {
    as_each(|who| {
        for ((name, arguments, end), code) in ENDS.into_iter().zip(CODES) {
            let mut screen = Screen::nsctl(who, arguments);
            let before = screen.started_with.clone();
            assert_eq!(end(&mut screen), code, "{name}: {}", screen.rest());
            assert_eq!(screen.modes(), before, "{name}");
        }
    });
}

#[test]
fn the_users_terminal_has_its_modes_back_after_a_kill_of_each_process() {
    as_each(|who| {
        for victim in ["nsctl", "shim", "nsinit"] {
            let script = "echo go; exec sleep 1000";
            let mut screen = Screen::nsctl(who, ["run", "sh", "-c", script]);
            let before = screen.started_with.clone();
            screen.expect("go");
            let nsctl = screen.child.id() as i32;
            let shim = child_of(nsctl);
            let pid = match victim {
                "nsctl" => nsctl,
                "shim" => shim,
                _ => child_of(shim),
            };
            assert_ne!(screen.modes(), before, "not raw");
            kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
            screen.wait();
            let restored = eventually(Duration::from_secs(1), || screen.modes() == before);
            assert!(restored, "{victim}: {:?}", screen.modes());
            screen.tag.expect_none_within(Duration::from_secs(1));
        }
    });
}

#[test]
fn the_users_terminal_has_its_modes_back_after_a_kill_while_the_last_output_waits() {
    as_each(|who| {
        // More than the user's terminal holds, less than both do.
        let screen = Screen::nsctl(who, ["run", "sh", "-c", "seq 3500"]);
        let only_nsctl_and_shim = || screen.is_raw() && screen.tag.processes().len() == 2;
        assert!(eventually(Duration::from_secs(5), || screen.waiting() > 3000));
        assert!(eventually(Duration::from_secs(5), only_nsctl_and_shim));
        kill(Pid::from_raw(screen.child.id() as i32), Signal::SIGKILL).unwrap();
        let restored = || screen.modes() == screen.started_with;
        assert!(eventually(Duration::from_secs(1), restored), "{:?}", screen.modes());
    });
}

#[test]
fn a_closed_window_ends_everything() {
    as_each(|who| {
        for command in ["sleep 1000", "bash --norc -i", "cat", "sh -c 'sleep 1000; true'"] {
            // SIGHUP comes before the end of its input, each time.
            for _ in 0..5 {
                let mut screen =
                    Screen::nsctl(who, ["run", "sh", "-c", &format!("echo go; exec {command}")]);
                screen.expect("go");
                screen.hang_up();
                screen.tag.expect_none_within(Duration::from_secs(1));
                assert_eq!(screen.wait(), 129, "{command}");
            }
        }
    });
}

#[test]
fn a_closed_window_of_a_terminal_that_is_not_the_sessions_ends_everything() {
    as_each(|who| {
        let script = "echo go; exec sleep 1000";
        let mut nsctl = nsctl(who, ["run", "sh", "-c", script]);
        nsctl.command.stderr(std::process::Stdio::null());
        let mut screen = Screen::without_session(who, nsctl.command, nsctl.tag);
        screen.expect("go");
        screen.hang_up();
        screen.tag.expect_none_within(Duration::from_secs(1));
        assert_eq!(screen.wait(), 129);
    });
}

#[test]
fn a_terminal_that_is_not_the_sessions_gives_its_keys() {
    as_each(|who| {
        let nsctl = nsctl(who, ["run", "sh", "-c", "echo go; read line; echo got $line; exit 4"]);
        let mut screen = Screen::without_session(who, nsctl.command, nsctl.tag);
        screen.expect("go");
        screen.line("this");
        screen.expect("got this");
        assert_eq!(screen.wait(), 4);
    });
}

#[test]
fn the_last_words_are_never_lost() {
    as_each(|who| {
        for round in 0..50 {
            let marker = format!("last-{round}");
            let mut screen = Screen::nsctl(who, ["run", "sh", "-c", &format!("echo {marker}")]);
            assert_eq!(screen.wait(), 0);
            assert!(screen.rest().contains(&marker), "{:?}", screen.rest());
        }
    });
}

#[test]
fn ten_megabytes_come_through_unchanged() {
    as_each(|who| {
        let script = "stty -opost; echo begin; seq 1 1400000; printf end";
        let mut screen = Screen::nsctl(who, ["run", "sh", "-c", script]);
        let shown = screen.expect("end");
        let (_, shown) = shown.split_once("begin\n").unwrap();
        assert!(shown.len() > 10_000_000);
        for (number, line) in (1..).zip(shown.trim_end_matches("end").lines()) {
            assert_eq!(line.parse(), Ok(number));
        }
        assert_eq!(screen.wait(), 0);
    });
}

#[test]
fn a_terminal_that_shows_nothing_does_not_keep_signals_back() {
    as_each(|who| {
        let script = "trap 'exit 9' TERM; echo go; while :; do seq 1 2000; done";
        let start = |with_session: bool| {
            let nsctl = nsctl(who, ["run", "sh", "-c", script]);
            match with_session {
                true => Screen::start(who, nsctl.command, nsctl.tag),
                false => Screen::without_session(who, nsctl.command, nsctl.tag),
            }
        };
        for with_session in [true, false] {
            let mut screen = start(with_session);
            screen.expect("go");
            // Nobody reads the screen. What fits into the terminal is on its way when it is full.
            assert!(eventually(Duration::from_secs(5), || screen.waiting() > 3000));
            kill(Pid::from_raw(screen.child.id() as i32), Signal::SIGTERM).unwrap();
            assert_eq!(screen.wait(), 9);
        }
    });
}

#[test]
fn a_workload_may_close_its_terminal_and_go_on() {
    as_each(|who| {
        let script = "echo go; exec </dev/null >/dev/null 2>&1; sleep 0.1; exit 5";
        let mut screen = Screen::nsctl(who, ["run", "sh", "-c", script]);
        screen.expect("go");
        assert_eq!(screen.wait(), 5);
    });
}

fn child_of(pid: i32) -> i32 {
    let children = format!("/proc/{pid}/task/{pid}/children");
    std::fs::read_to_string(children).unwrap().trim().parse().unwrap()
}
