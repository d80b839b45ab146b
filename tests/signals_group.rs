//! In the caller's session, where the workload shares nsctl's process group, every signal
//! arrives once: typed at the terminal, sent to the group, or sent to nsctl alone.

use std::time::Duration;

use nix::sys::signal::killpg;
use nix::unistd::{Pid, getpgid};

use super::common::{Screen, as_each, eventually, helper};
use super::signals::queue;

const DEADLINE: Duration = Duration::from_secs(20);

/// With an init and without, in a pid namespace and without.
const WAYS: [&str; 4] = ["", "--no-init", "--pid=host", "--no-init --pid=host"];

/// nsctl in the foreground of an interactive shell.
struct Job {
    screen: Screen,
    nsctl: Pid,
    marks: usize,
}

impl Job {
    fn start(screen: Screen, options: &str, command: &str) -> Self {
        screen.line(&format!("$NSCTL run --no-tty {options} {command}"));
        screen.expect("ready\r\n");
        let is_nsctl = |command: &str| command.contains("/nsctl run --no-tty");
        let processes = screen.tag.processes();
        let ours = processes.iter().filter(|(_, command)| is_nsctl(command));
        // The shim's number is larger, but for the one time that numbers begin again.
        let leads = |pid: &i32| getpgid(Some(Pid::from_raw(*pid))) == Ok(Pid::from_raw(*pid));
        let pid = ours.map(|(pid, _)| *pid).find(leads).unwrap();
        Job { screen, nsctl: Pid::from_raw(pid), marks: 0 }
    }

    /// What the workload got since it was asked last, without the sender's code.
    fn received(&mut self) -> Vec<String> {
        self.marks += 1;
        queue(self.nsctl, 50, self.marks);
        let shown = self.screen.expect(&format!("50 -1 {}\r\n", self.marks));
        let lines: Vec<&str> = shown.lines().collect();
        let number = |line: &&str| line.split(' ').next().unwrap().replace("^C", "");
        lines[..lines.len() - 1].iter().map(number).collect()
    }

    fn end(mut self) -> Screen {
        queue(self.nsctl, libc::SIGTERM, 9999);
        self.screen.expect("15 -1 9999\r\n");
        self.screen.expect(super::common::PROMPT);
        self.marks = 0;
        self.screen
    }
}

#[test]
fn a_signal_arrives_once_from_wherever_it_comes() {
    let signals = [
        libc::SIGTERM,
        libc::SIGINT,
        libc::SIGHUP,
        libc::SIGQUIT,
        libc::SIGUSR1,
        libc::SIGWINCH,
        libc::SIGCONT,
        40,
    ];
    as_each(|who| {
        let mut screen = Screen::shell(who);
        for options in WAYS {
            let mut job = Job::start(screen, options, &helper("record-signals").join(" "));
            for signal in signals {
                // SAFETY: sends a signal to a process that the test started.
                unsafe { libc::kill(job.nsctl.as_raw(), signal) };
                assert_eq!(job.received(), [signal.to_string()], "nsctl {who:?} {options}");
                // SAFETY: sends a signal to processes that the test started.
                unsafe { libc::kill(-job.nsctl.as_raw(), signal) };
                let received = job.received();
                assert!(received.iter().all(|number| *number == signal.to_string()));
                // Where nsinit is not PID 1 it stays in the group, and passes on what it gets.
                let most = if options == "--pid=host" { 2 } else { 1 };
                assert!((1..=most).contains(&received.len()), "{who:?} {options}: {received:?}");
            }
            job.screen.send("\x03");
            assert!(eventually(DEADLINE, || job.screen.waiting() > 0));
            assert_eq!(job.received(), ["2"], "typed, {who:?} {options}");
            screen = job.end();
        }
    });
}

/// A shell makes a group of its own; then nobody but nsctl brings it what its job was sent.
#[test]
fn a_workload_that_left_the_group_still_gets_what_the_group_was_sent() {
    as_each(|who| {
        let mut screen = Screen::shell(who);
        for options in WAYS {
            // The line itself, which is shown too, must not say it.
            let command = r#"setsid -w sh -c 'trap "echo told" USR1; echo rea""dy; while sleep 0.05; do :; done'"#;
            // setsid(1) forks only as the leader of a group; the workload is none.
            let job = Job::start(screen, options, command);
            killpg(job.nsctl, nix::sys::signal::Signal::SIGUSR1).unwrap();
            job.screen.expect("told\r\n");
            killpg(job.nsctl, nix::sys::signal::Signal::SIGKILL).unwrap();
            job.screen.expect(super::common::PROMPT);
            screen = job.screen;
        }
    });
}
