//! A reader that takes nothing, of `--status-fd` or of standard error, keeps no signal from
//! the workload, nor from nsctl when the workload has ended.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, pipe, write};

use super::common::{Nsctl, Who, as_each, eventually, nsctl};

const DEADLINE: Duration = Duration::from_secs(20);

const PATIENT: &str = "trap 'echo told; exit 7' TERM; echo ready; sleep 60 & wait";

/// A pipe without room, and how much is in it.
fn full() -> (File, OwnedFd, usize) {
    let (reader, writer) = pipe().unwrap();
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let mut count = 0;
    for size in [4096, 1] {
        while let Ok(written) = write(&writer, &vec![b' '; size]) {
            count += written;
        }
    }
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    (File::from(reader), writer, count)
}

/// nsctl with `writer` at descriptor `number`.
fn start(who: Who, number: i32, writer: OwnedFd, arguments: &[&str]) -> (Nsctl, Child) {
    let mut nsctl = nsctl(who, arguments);
    let from = writer.as_raw_fd();
    // SAFETY: dup2 is safe between fork and exec.
    unsafe {
        nsctl.command.pre_exec(move || {
            libc::dup2(from, number);
            Ok(())
        });
    }
    let child = nsctl.spawn();
    (nsctl, child)
}

/// How it ended, which must be soon.
#[track_caller]
fn ended(child: &mut Child) -> ExitStatus {
    let child = std::cell::RefCell::new(child);
    let ended = eventually(DEADLINE, || child.borrow_mut().try_wait().unwrap().is_some());
    if !ended {
        let _ = child.borrow_mut().kill();
    }
    assert!(ended, "no end");
    child.borrow_mut().wait().unwrap()
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id() as i32), signal).unwrap();
}

/// Whether nsctl waits in write(2).
fn waits_for_reader(child: &Child) -> bool {
    let path = format!("/proc/{}/syscall", child.id());
    std::fs::read_to_string(path).is_ok_and(|call| call.starts_with("1 "))
}

#[test]
fn signals_reach_the_workload_and_then_nsctl() {
    as_each(|who| {
        let long = format!("--pid-file={}/{}", who.directory().display(), "x".repeat(255));
        for (number, options) in [(9, &["--status-fd=9"] as &[&str]), (2, &[&long])] {
            let (_reader, writer, _) = full();
            let arguments = [&["run"], options, &["sh", "-c", PATIENT]].concat();
            let (nsctl, mut child) = start(who, number, writer, &arguments);
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            assert_eq!(lines.next().unwrap().unwrap(), "ready");
            send(&child, Signal::SIGTERM);
            assert_eq!(lines.next().unwrap().unwrap(), "told", "{who:?} {options:?}");
            let alone = || nsctl.tag.processes().iter().all(|(pid, _)| *pid == child.id() as i32);
            assert!(eventually(DEADLINE, alone), "{:?}", nsctl.tag.processes());
            assert!(eventually(DEADLINE, || waits_for_reader(&child)), "{who:?} {options:?}");
            send(&child, Signal::SIGINT);
            assert_eq!(ended(&mut child).signal(), Some(libc::SIGINT), "{who:?} {options:?}");
        }
    });
}

#[test]
fn what_went_wrong_waits_for_its_reader_no_longer_than_the_user() {
    as_each(|who| {
        for (number, arguments) in [
            (9, &["run", "--status-fd=9", "no-such-program"] as &[&str]),
            (9, &["run", "--status-fd=9", "--workdir=relative", "true"]),
            (2, &["run", "no-such-program"]),
            (2, &["run", "--workdir=relative", "true"]),
        ] {
            let (_reader, writer, _) = full();
            let (_nsctl, mut child) = start(who, number, writer, arguments);
            assert!(eventually(DEADLINE, || waits_for_reader(&child)), "{who:?} {arguments:?}");
            send(&child, Signal::SIGTERM);
            assert_eq!(ended(&mut child).signal(), Some(libc::SIGTERM), "{arguments:?}");
        }
    });
}

#[test]
fn a_late_reader_gets_every_line_in_order() {
    as_each(|who| {
        let (mut reader, writer, count) = full();
        let arguments = ["run", "--status-fd=9", "sh", "-c", PATIENT];
        let (_nsctl, mut child) = start(who, 9, writer, &arguments);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        send(&child, Signal::SIGTERM);
        assert!(eventually(DEADLINE, || waits_for_reader(&child)));
        let mut fill = vec![0; count];
        reader.read_exact(&mut fill).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let events: Vec<&str> = text.lines().map(|line| &line[..line.len().min(18)]).collect();
        assert_eq!(events.len(), 2, "{text}");
        assert!(events[0].contains("started") && events[1].contains("exited"), "{text}");
        assert_eq!(ended(&mut child).code(), Some(7));
    });
}
