//! A signal sent to nsctl, and to it alone, reaches the workload.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::common::{Nsctl, Who, as_each, eventually, helper, nsctl};

const SECOND: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(20);

/// Says `ready`, then exits with another code for each signal.
const TRAPS: &str = "trap 'exit 7' TERM; trap 'exit 8' INT; trap 'exit 9' HUP; \
    echo ready; sleep 60 & wait";

/// nsctl with a workload that runs.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    nsctl: Nsctl,
}

impl Running {
    /// Starts it and waits until the workload says `ready`.
    #[track_caller]
    fn start<S: AsRef<std::ffi::OsStr>>(who: Who, arguments: impl IntoIterator<Item = S>) -> Self {
        let mut nsctl = nsctl(who, arguments);
        // A job of its own, as a shell's. In the group of the tests it could not be stopped
        // where that is orphaned, as under a supervisor.
        nsctl.command.process_group(0);
        let mut child = nsctl.spawn();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut running = Running { child, stdout, nsctl };
        assert_eq!(running.line(), "ready", "{}", running.complaints());
        running
    }

    fn complaints(&mut self) -> String {
        let mut text = String::new();
        if self.child.try_wait().unwrap().is_some() {
            self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        }
        text
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_string()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    fn send(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits for nsctl's end; returns its code, or 128+n when signal n ended nsctl itself.
    #[track_caller]
    fn wait(mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt;
        let end = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > end {
                let _ = self.child.kill();
                panic!("still running: {:?}", self.nsctl.tag.processes());
            }
            std::thread::park_timeout(Duration::from_millis(1));
        };
        self.nsctl.tag.expect_none_within(SECOND);
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
    }

    fn state(&self) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Our own child; a test that failed must not leave it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// unshare: ignored, launcher dies, all survive. bwrap: all survive. nsjail, firejail:
/// exit code lost. bst, as root only, and unshare --forward-signals, but for HUP, as here.
#[test]
fn a_handled_signal_is_delivered_and_its_exit_code_kept() {
    let table = [(Signal::SIGTERM, 7), (Signal::SIGINT, 8), (Signal::SIGHUP, 9)];
    // Without an init the shell is PID 1, which gets what it handles all the same.
    let ways: [&[&str]; 5] = [
        &[],
        &["--no-init"],
        &["--pid", "host"],
        &["--share", "net,ipc"],
        &["--no-init", "--pid=host"],
    ];
    as_each(|who| {
        for options in ways {
            for (signal, code) in table {
                let arguments = [&["run"], options, &["sh", "-c", TRAPS]].concat();
                let running = Running::start(who, &arguments);
                running.send(signal);
                assert_eq!(running.wait(), code, "{who:?} {signal} {arguments:?}");
            }
        }
    });
}

#[test]
fn sigkill_of_nsctl_leaves_nothing() {
    as_each(|who| {
        for options in
            [&[] as &[&str], &["--no-init"], &["--pid", "host"], &["--no-init", "--pid=host"]]
        {
            let running = Running::start(who, [&["run"], options, &["sh", "-c", TRAPS]].concat());
            running.send(Signal::SIGKILL);
            assert_eq!(running.wait(), 128 + 9, "{who:?} {options:?}");
        }
    });
}

#[test]
fn a_signal_that_is_not_handled_ends_the_workload_and_is_told_by_the_status() {
    as_each(|who| {
        for signal in
            [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGQUIT]
        {
            let running =
                Running::start(who, ["run", "sh", "-c", "ulimit -c 0; echo ready; exec sleep 60"]);
            running.send(signal);
            assert_eq!(running.wait(), 128 + signal as i32, "{who:?} {signal}");
        }
    });
}

pub fn queue(to: Pid, signal: i32, value: usize) {
    let value = libc::sigval { sival_ptr: value as *mut libc::c_void };
    // SAFETY: sends a signal to a process that the test started.
    let result = unsafe { libc::sigqueue(to.as_raw(), signal, value) };
    assert_eq!(result, 0, "sigqueue {signal}");
}

/// The recorder, with all that goes before it.
fn record(options: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> = vec!["run".into()];
    arguments.extend(options.iter().map(|option| option.to_string()));
    arguments.extend(helper("record-signals"));
    arguments
}

#[test]
fn every_signal_that_can_be_caught_reaches_the_workload_with_its_value() {
    as_each(|who| {
        for options in [&[] as &[&str], &["--no-init"]] {
            let mut running = Running::start(who, record(options));
            for signal in (1..=64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal))
            {
                queue(running.pid(), signal, 1000 + signal as usize);
                // The whole group is continued, which kill(2) only can.
                if signal == libc::SIGCONT && options.is_empty() {
                    assert_eq!(running.line(), "18 0 0");
                    continue;
                }
                assert_eq!(running.line(), format!("{signal} -1 {}", 1000 + signal), "{who:?}");
                // SAFETY: sends a signal to a process that the test started.
                unsafe { libc::kill(running.pid().as_raw(), signal) };
                assert_eq!(running.line(), format!("{signal} 0 0"), "{who:?}");
            }
            queue(running.pid(), libc::SIGTERM, 9999);
            assert_eq!(running.wait(), 0);
        }
    });
}

/// More than the channel between nsctl and its shim holds, of both kinds of urgency.
#[test]
fn queued_signals_arrive_all_and_in_order() {
    const COUNT: usize = 3000;
    as_each(|who| {
        let mut running = Running::start(who, record(&[]));
        // Stopped, nsctl takes them all at once.
        running.send(Signal::SIGSTOP);
        assert!(eventually(DEADLINE, || running.state() == 'T'));
        for number in 0..COUNT {
            queue(running.pid(), 40, number);
            queue(running.pid(), 50, number);
        }
        running.send(Signal::SIGCONT);
        let lines: Vec<String> = (0..=2 * COUNT).map(|_| running.line()).collect();
        for signal in [40, 50] {
            let start = format!("{signal} -1 ");
            let values: Vec<usize> =
                lines.iter().filter_map(|line| line.strip_prefix(&start)?.parse().ok()).collect();
            assert_eq!(values, (0..COUNT).collect::<Vec<_>>(), "{who:?} {signal}");
        }
        assert_eq!(lines.iter().filter(|line| *line == "18 0 0").count(), 1);
        queue(running.pid(), libc::SIGTERM, 9999);
        assert_eq!(running.wait(), 0);
    });
}

/// Whatever the moment: nsctl not yet itself, the container half made, the workload before its
/// first instruction. A signal that got lost shows as a workload that never ends.
#[test]
fn a_signal_at_any_moment_is_never_swallowed() {
    as_each(|who| {
        let mut seed = 0x5eed_u64;
        for round in 0..60 {
            let mut nsctl = nsctl(who, ["run", "sh", "-c", TRAPS]);
            let child = nsctl.spawn();
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let end = Instant::now() + Duration::from_micros((seed >> 33) % 8000);
            while Instant::now() < end {
                std::hint::spin_loop();
            }
            let pid = Pid::from_raw(child.id() as i32);
            kill(pid, Signal::SIGTERM).unwrap();
            let mut child = child;
            let stdout = BufReader::new(child.stdout.take().unwrap());
            let code = Running { child, stdout, nsctl }.wait();
            // 143: before nsctl's or the workload's first instruction.
            assert!([7, 143].contains(&code), "round {round}: {code}");
        }
    });
}

#[test]
fn stop_signal_is_what_sigterm_becomes() {
    as_each(|who| {
        for (name, code) in [("INT", 8), ("SIGHUP", 9), ("2", 8)] {
            let running = Running::start(who, ["run", "--stop-signal", name, "sh", "-c", TRAPS]);
            running.send(Signal::SIGTERM);
            assert_eq!(running.wait(), code, "{name}");
        }
        for wrong in ["NOPE", "0", "65", "RTMAX+1"] {
            nsctl(who, ["run", "--stop-signal", wrong, "true"]).run().expect_error(125, &[wrong]);
        }
    });
}

/// As a shell's job: ^Z and `fg` of a pipeline.
#[test]
fn sigtstp_stops_workload_and_nsctl_and_sigcont_resumes_both() {
    as_each(|who| {
        let script =
            "trap 'echo again' CONT; echo ready; kill -TSTP $$; echo on; kill -TSTP $$; echo end";
        let mut running = Running::start(who, ["run", "sh", "-c", script]);
        assert!(eventually(DEADLINE, || running.state() == 'T'), "the workload stopped itself");
        running.send(Signal::SIGCONT);
        assert_eq!((running.line(), running.line()), ("again".into(), "on".into()));
        assert!(eventually(DEADLINE, || running.state() == 'T'), "a second time");
        running.send(Signal::SIGCONT);
        assert_eq!((running.line(), running.line()), ("again".into(), "end".into()));
        assert_eq!(running.wait(), 0);

        let running = Running::start(who, ["run", "sh", "-c", "echo ready; exec sleep 60"]);
        running.send(Signal::SIGTSTP);
        assert!(eventually(DEADLINE, || running.state() == 'T'));
        let stopped = |running: &Running| {
            let is_workload = |(_, command): &(i32, String)| {
                command.starts_with("sleep") || command.starts_with("sh ")
            };
            let pid = running.nsctl.tag.processes().into_iter().find(is_workload).unwrap().0;
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            stat.rsplit_once(") ").unwrap().1.starts_with('T')
        };
        assert!(stopped(&running));
        running.send(Signal::SIGCONT);
        assert!(eventually(DEADLINE, || running.state() != 'T' && !stopped(&running)));
        running.send(Signal::SIGTERM);
        assert_eq!(running.wait(), 143);
    });
}

/// Somebody inside continues the workload; without that nsctl would stay stopped for ever.
#[test]
fn nsctl_goes_on_when_the_workload_does() {
    as_each(|who| {
        let script = "echo ready; me=$$; \
            (while ! grep -q 'State:.T' /proc/$me/status; do :; done; kill -CONT $me) & \
            kill -TSTP $$; exit 5";
        for options in [&[] as &[&str], &["--pid=host"], &["--pid=host", "--no-init"]] {
            let arguments = [&["run"], options, &["sh", "-c", script]].concat();
            let running = Running::start(who, &arguments);
            assert_eq!(running.wait(), 5, "{who:?} {options:?}");
        }
    });
}

/// In an orphaned process group, as under `ssh -t` or a supervisor, nobody could say `fg`.
#[test]
fn without_a_shell_to_continue_it_nothing_stops() {
    as_each(|who| {
        let mut nsctl = nsctl(who, ["run", "sh", "-c", "echo ready; kill -TSTP $$; exit 6"]);
        // SAFETY: setsid is safe between fork and exec.
        unsafe { nsctl.command.pre_exec(|| Ok(nix::unistd::setsid().map(drop)?)) };
        let mut child = nsctl.spawn();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        assert_eq!(Running { child, stdout, nsctl }.wait(), 6);
    });
}

/// A request that waits for somebody, here for the writer of a pipe, can be given up.
#[test]
fn a_signal_ends_nsctl_while_it_still_reads_the_request() {
    as_each(|who| {
        let fifo = who.directory().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
        let option = format!("--env-file={}", fifo.display());
        let mut nsctl = nsctl(who, ["run", &option, "true"]);
        let mut child = nsctl.spawn();
        // It is there when our end can be opened; what comes is not the end yet.
        let writer = std::fs::File::options().write(true).open(&fifo).unwrap();
        kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        assert_eq!(Running { child, stdout, nsctl }.wait(), 128 + 15);
        drop(writer);
    });
}

#[test]
fn what_nobody_reads_any_more_ends_nsctl_by_sigpipe() {
    use std::os::unix::process::ExitStatusExt;
    as_each(|who| {
        for arguments in [["run", "--dry-run", "true"], ["run", "--help", "true"]] {
            let mut nsctl = nsctl(who, arguments);
            let (reader, writer) = nix::unistd::pipe().unwrap();
            drop(reader);
            let status = nsctl.command.stdout(writer).status().unwrap();
            assert_eq!(status.signal(), Some(libc::SIGPIPE), "{arguments:?}: {status}");
        }
    });
}
