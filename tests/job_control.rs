//! nsctl as a job of the user's shell.

use std::time::Duration;

use super::common::{PROMPT, Screen, as_each, eventually};

/// Says that it is there, asks for a line and ends with 3.
const ASKS: &str = "sh -c 'echo go; read line; echo got $line; exit 3'";

#[test]
fn ctrl_z_gives_the_prompt_back_and_fg_resumes() {
    as_each(|who| {
        let screen = Screen::shell(who);
        let before = screen.command("stty -a");
        screen.line(&format!("$NSCTL run {ASKS}"));
        screen.expect("go\r\n");
        screen.send("\x1a");
        screen.expect("Stopped");
        screen.expect(PROMPT);
        assert_eq!(screen.command("stty -a"), before);
        assert!(screen.command("jobs").contains("Stopped"));
        resume(&screen);
        assert_eq!(ends_when_answered(&screen), "3");
        assert_eq!(screen.command("stty -a"), before);
    });
}

#[test]
fn a_stopped_container_goes_on_in_the_background() {
    as_each(|who| {
        let screen = Screen::shell(who);
        screen.line(&format!("$NSCTL run {ASKS}"));
        screen.expect("go\r\n");
        screen.send("\x1a");
        screen.expect(PROMPT);
        screen.command("bg");
        assert!(screen.command("jobs").contains("Running"));
        // The keys are still the shell's.
        assert_eq!(screen.command("echo mine"), "mine");
        resume(&screen);
        assert_eq!(ends_when_answered(&screen), "3");
    });
}

#[test]
fn a_start_in_the_background_takes_no_terminal_and_shows_its_output() {
    as_each(|who| {
        let screen = Screen::shell(who);
        let before = screen.command("stty -a");
        screen.line("$NSCTL run sh -c 'stty -a; sleep 0.2; echo shown; exit 6' &");
        let shown = screen.expect("\nshown");
        assert!(shown.contains(" icanon") && shown.contains(" echo "), "{shown}");
        screen.expect("\n");
        assert!(screen.command("echo mine").starts_with("mine"));
        assert!(!screen.command("jobs").contains("Stopped"));
        assert!(screen.command("wait $!; echo code-$?").contains("code-6"));
        assert_eq!(screen.command("stty -a"), before);
    });
}

#[test]
fn a_container_started_in_the_background_comes_to_the_foreground() {
    as_each(|who| {
        let screen = Screen::shell(who);
        let before = screen.command("stty -a");
        screen.line(&format!("$NSCTL run {ASKS} &"));
        // The user's terminal is not raw, and adds a return of its own.
        screen.expect("go\r\r\n");
        resume(&screen);
        assert_eq!(ends_when_answered(&screen), "3");
        assert_eq!(screen.command("stty -a"), before);
    });
}

#[test]
fn sigtstp_to_nsctl_stops_the_workload_and_fg_resumes_it() {
    as_each(|who| {
        let screen = Screen::shell(who);
        screen.line(
            "$NSCTL run sh -c 'trap \"echo again\" CONT; echo go; \
             while ! read line; do :; done; echo got $line; exit 3'",
        );
        screen.expect("go\r\n");
        let pid = foreground(&screen);
        for _ in 0..2 {
            signal(pid, nix::sys::signal::Signal::SIGTSTP);
            screen.expect("Stopped");
            screen.expect(PROMPT);
            resume(&screen);
            // Until it has come, the SIGCONT would undo the next SIGTSTP.
            screen.expect("again\r\n");
        }
        assert_eq!(ends_when_answered(&screen), "3");
    });
}

#[test]
fn a_stop_and_a_continuation_in_one_go_leave_it_running() {
    use nix::sys::signal::Signal;
    as_each(|who| {
        let screen = Screen::shell(who);
        screen.line(&format!("$NSCTL run {ASKS}"));
        screen.expect("go\r\n");
        let pid = foreground(&screen);
        for pause in 0..40 {
            signal(pid, Signal::SIGTSTP);
            for _ in 0..pause * 100 {
                std::hint::spin_loop();
            }
            signal(pid, Signal::SIGCONT);
        }
        // Whether the shell saw a stop in between is a matter of time; if so it says so.
        screen.line("this");
        if eventually(Duration::from_millis(500), || screen.sees("Stopped")) {
            resume(&screen);
        }
        screen.expect("got ");
    });
}

#[test]
fn a_script_around_nsctl_stops_with_it() {
    as_each(|who| {
        let screen = Screen::shell(who);
        screen.line("sh -c '$NSCTL run sh -c \"echo go; read line; exit 3\"; echo code-$?'");
        screen.expect("go\r\n");
        screen.send("\x1a");
        screen.expect("Stopped");
        screen.expect(PROMPT);
        resume(&screen);
        screen.line("this");
        screen.expect("code-3");
    });
}

#[test]
fn without_a_shell_ctrl_z_stops_nothing_for_good() {
    as_each(|who| {
        let script = "echo go; read line; echo got $line; exit 3";
        let mut screen = Screen::nsctl(who, ["run", "sh", "-c", script]);
        screen.expect("go\r\n");
        screen.send("\x1a");
        screen.expect("^Z");
        screen.line("this");
        screen.expect("got this\r\n");
        assert_eq!(screen.wait(), 3);
    });
}

#[test]
fn a_shell_inside_can_suspend_itself() {
    as_each(|who| {
        let screen = Screen::shell(who);
        screen.line("$NSCTL run --env PS1='in''side> ' bash --norc --noprofile -i");
        screen.expect("inside> ");
        screen.line("suspend");
        screen.expect("Stopped");
        screen.expect(PROMPT);
        resume(&screen);
        screen.line("echo in-$((1 + 1)); exit 3");
        screen.expect("in-2");
        screen.expect(PROMPT);
        assert_eq!(screen.command("echo $?"), "3");
    });
}

#[test]
fn closing_the_window_of_a_shell_ends_its_containers() {
    as_each(|who| {
        for state in ["foreground", "stopped", "background"] {
            let mut screen = Screen::shell(who);
            screen.line("$NSCTL run sh -c 'echo go; exec sleep 1000'");
            screen.expect("go\r\n");
            if state != "foreground" {
                screen.send("\x1a");
                screen.expect(PROMPT);
            }
            if state == "background" {
                screen.command("bg");
            }
            screen.hang_up();
            screen.wait();
            screen.tag.expect_none_within(Duration::from_secs(1));
        }
    });
}

#[test]
fn with_the_users_terminal_it_is_a_job_like_any_command() {
    as_each(|who| {
        let screen = Screen::shell(who);
        let before = screen.command("stty -a");
        screen.line(&format!("$NSCTL run --no-tty {ASKS}"));
        screen.expect("go\r\n");
        screen.send("\x1a");
        screen.expect("Stopped");
        screen.expect(PROMPT);
        resume(&screen);
        assert_eq!(ends_when_answered(&screen), "3");
        screen.line("$NSCTL run --no-tty sh -c 'echo go; exec sleep 1000'");
        screen.expect("go\r\n");
        screen.send("\x03");
        screen.expect(PROMPT);
        assert_eq!(screen.command("echo $?"), "130");
        assert_eq!(screen.command("stty -a"), before);
    });
}

#[test]
fn in_a_pipeline_ctrl_z_and_ctrl_c_reach_all_of_it() {
    as_each(|who| {
        let screen = Screen::shell(who);
        screen.line("$NSCTL run sh -c 'echo go; read line; echo got $line' | sed -u s/o/0/g");
        screen.expect("g0\r\n");
        screen.send("\x1a");
        screen.expect("Stopped");
        screen.expect(PROMPT);
        resume(&screen);
        screen.line("this");
        screen.expect("g0t this\r\n");
        screen.expect(PROMPT);
        assert_eq!(screen.command("echo $?"), "0");
        screen.line("$NSCTL run sh -c 'echo go; exec sleep 1000' | cat");
        screen.expect("go\r\n");
        screen.send("\x03");
        screen.expect(PROMPT);
        assert_eq!(screen.command("echo ${PIPESTATUS[*]}"), "130 130");
    });
}

/// Types `fg`. The shell shows the job's command before it gives the terminal away.
fn resume(screen: &Screen) {
    screen.line("fg");
    screen.expect("NSCTL run");
    screen.expect("\r\n");
}

/// Answers what asks for a line; the status that the shell has of it then.
fn ends_when_answered(screen: &Screen) -> String {
    screen.line("this");
    screen.expect("got this\r\n");
    screen.expect(PROMPT);
    screen.command("echo $?")
}

/// The foreground process group of the terminal: the pid of nsctl.
fn foreground(screen: &Screen) -> i32 {
    nix::unistd::tcgetpgrp(&screen.master).unwrap().as_raw()
}

fn signal(pid: i32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
}

#[test]
fn in_the_background_it_ends_with_the_terminal_too() {
    as_each(|who| {
        let mut screen = Screen::shell(who);
        screen.line("$NSCTL run sh -c 'echo go; read line' &");
        screen.expect("go\r\r\n");
        // A shell that is killed passes no SIGHUP on.
        signal(foreground(&screen), nix::sys::signal::Signal::SIGKILL);
        screen.hang_up();
        screen.tag.expect_none_within(Duration::from_secs(10));
    });
}
