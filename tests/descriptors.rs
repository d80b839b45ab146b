//! Which descriptors reach the workload, and which of ours stay open: none.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, poll};

use super::common::{Nsctl, Tag, Who, as_each, eventually, helper, nsctl};

const DEADLINE: Duration = Duration::from_secs(20);

/// Lists the descriptors of a shell that has just begun, without those of the listing.
const LIST: &str = "for fd in /proc/$$/fd/*; do echo ${fd##*/}; done";

/// Starts nsctl with these descriptors at these numbers.
fn with_descriptors(mut nsctl: Nsctl, descriptors: &[(RawFd, RawFd)]) -> Nsctl {
    let descriptors = descriptors.to_vec();
    // SAFETY: dup2 and close are safe between fork and exec.
    unsafe {
        nsctl.command.pre_exec(move || {
            for &(from, to) in &descriptors {
                if from == to {
                    libc::fcntl(to, libc::F_SETFD, 0);
                } else if from < 0 {
                    libc::close(to);
                } else {
                    libc::dup2(from, to);
                }
            }
            Ok(())
        });
    }
    nsctl
}

fn null() -> OwnedFd {
    File::options().read(true).write(true).open("/dev/null").unwrap().into()
}

fn listed(text: &str) -> Vec<RawFd> {
    let mut numbers: Vec<RawFd> = text.lines().map(|line| line.parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

/// bwrap, unshare, firejail: all leak.
#[test]
fn no_descriptor_above_2_reaches_the_workload() {
    as_each(|who| {
        let null = null();
        let many: Vec<_> = [3, 4, 9, 63, 200].map(|to| (null.as_raw_fd(), to)).into();
        for options in [&[] as &[&str], &["--no-init"], &["--pid=host"]] {
            let ours = nsctl(who, [&["run"], options, &["sh", "-c", LIST]].concat());
            let ran = with_descriptors(ours, &many).run();
            // dash opens a directory while it expands the pattern.
            let got = listed(ran.success());
            assert!(
                [vec![0, 1, 2], vec![0, 1, 2, 3]].contains(&got),
                "{who:?} {options:?} {got:?}"
            );
        }
    });
}

#[test]
fn preserve_fds_passes_exactly_so_many_on() {
    as_each(|who| {
        let (three, four, five) = (content("three"), content("four"), content("five"));
        let all = [
            (three.as_raw_fd(), 103),
            (four.as_raw_fd(), 104),
            (five.as_raw_fd(), 105),
            (103, 3),
            (104, 4),
            (105, 5),
            (-1, 103),
            (-1, 104),
            (-1, 105),
        ];
        for options in [&[] as &[&str], &["--no-init"], &["--pid=host", "--name=preserved"]] {
            let script = "cat <&3; cat <&4; [ -e /proc/$$/fd/5 ] && readlink /proc/$$/fd/5; true";
            let arguments = [&["run", "--preserve-fds=2"], options, &["sh", "-c", script]].concat();
            for file in [&three, &four, &five] {
                nix::unistd::lseek(file, 0, nix::unistd::Whence::SeekSet).unwrap();
            }
            let ran = with_descriptors(nsctl(who, &arguments), &all).run();
            assert!(ran.success().starts_with("threefour"), "{ran:?}");
            assert!(!ran.stdout.contains("five"), "{ran:?}");
        }
    });
}

/// A file without a name that holds `text`.
fn content(text: &str) -> OwnedFd {
    let name = std::ffi::CString::new(text).unwrap();
    let memory = nix::sys::memfd::memfd_create(&*name, nix::sys::memfd::MFdFlags::MFD_CLOEXEC);
    let mut file = File::from(memory.unwrap());
    file.write_all(text.as_bytes()).unwrap();
    file.into()
}

#[test]
fn a_descriptor_that_is_not_open_cannot_be_preserved() {
    as_each(|who| {
        nsctl(who, ["run", "--preserve-fds", "1", "true"])
            .run()
            .expect_error(125, &["3", "not open"]);
        let null = null();
        let three = with_descriptors(
            nsctl(who, ["run", "--preserve-fds", "2", "true"]),
            &[(null.as_raw_fd(), 3)],
        );
        three.run().expect_error(125, &["4", "not open", "--preserve-fds 1"]);
        nsctl(who, ["run", "--preserve-fds", "4000000000", "true"])
            .run()
            .expect_error(125, &["1024"]);
        nsctl(who, ["run", "--preserve-fds", "-1", "true"]).run().expect_code(125);
    });
}

/// Waits for the end of what is read from `from`; returns whether it came.
fn ends(mut from: impl Read + std::os::fd::AsFd) -> bool {
    loop {
        let mut fds = [PollFd::new(from.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, 10_000u16) != Ok(1) {
            return false;
        }
        if from.read(&mut [0; 100]).unwrap() == 0 {
            return true;
        }
    }
}

/// With any peer that keeps its copy the reader waits for the container's end.
#[test]
fn a_reader_sees_the_end_when_the_workload_closes_its_output() {
    as_each(|who| {
        for options in [&[] as &[&str], &["--no-init"], &["--pid=host"], &["--name=reader"]] {
            let script = "exec >&- <&-; exec sleep 60";
            let mut nsctl = nsctl(who, [&["run"], options, &["sh", "-c", script]].concat());
            let mut child = nsctl.spawn();
            assert!(ends(child.stdout.take().unwrap()), "{who:?} {options:?}");
            assert_eq!(child.try_wait().unwrap(), None);
            // And its writer that nobody reads any more.
            let mut stdin = child.stdin.take().unwrap();
            let closed = || (&stdin).write(b"x").is_err();
            assert!(eventually(DEADLINE, closed), "{who:?} {options:?}");
            let _ = stdin.flush();
            end(child, &nsctl.tag);
        }
    });
}

fn end(mut child: std::process::Child, tag: &Tag) {
    child.kill().unwrap();
    child.wait().unwrap();
    tag.expect_none_within(Duration::from_secs(1));
}

/// A pipe that the caller has open by accident must not stay open through us.
#[test]
fn none_of_our_processes_keeps_what_it_inherited() {
    as_each(|who| {
        for options in [&[] as &[&str], &["-t"], &["--no-init"], &["--pid=host"]] {
            let (reader, writer) = nix::unistd::pipe().unwrap();
            let (number, read_number) = (writer.as_raw_fd(), reader.as_raw_fd());
            let nsctl = nsctl(who, [&["run"], options, &["sleep", "60"]].concat());
            let mut nsctl =
                with_descriptors(nsctl, &[(number, 77), (-1, number), (-1, read_number)]);
            let child = nsctl.spawn();
            drop(writer);
            assert!(ends(File::from(reader)), "{who:?} {options:?}");
            end(child, &nsctl.tag);
        }
    });
}

/// Else the first file that we open would be the workload's standard input or output.
#[test]
fn a_closed_standard_stream_is_dev_null() {
    as_each(|who| {
        for closed in [vec![0], vec![1], vec![2], vec![0, 1], vec![1, 2], vec![0, 1, 2]] {
            let directory = who.directory();
            let result = directory.join("result");
            let arguments = [&["run".to_string(), "--name=closed".into()], &helper("streams")[..]];
            let ours = nsctl(who, arguments.concat()).env("NSCTL_TEST_FILE", &result);
            let all: Vec<_> = closed.iter().map(|&stream| (-1, stream)).collect();
            with_descriptors(ours, &all).run().expect_code(0);
            let seen = std::fs::read_to_string(&result).unwrap();
            for (stream, file) in seen.lines().enumerate() {
                let is_null = file == "/dev/null";
                assert_eq!(
                    is_null,
                    closed.contains(&(stream as i32)),
                    "{who:?} {closed:?}: {seen}"
                );
            }
        }
        // Messages go nowhere, and nothing else does either.
        let failing = with_descriptors(nsctl(who, ["run", "no-such-program"]), &[(-1, 2), (-1, 0)]);
        failing.run().expect_code(127);
    });
}

#[test]
fn a_pipeline_ends_as_it_does_without_nsctl() {
    as_each(|who: Who| {
        let mut yes = nsctl(who, ["run", "yes"]);
        let mut child = yes.spawn();
        let mut line = [0; 2];
        child.stdout.take().unwrap().read_exact(&mut line).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(128 + libc::SIGPIPE));
        yes.tag.expect_none_within(Duration::from_secs(1));
    });
}
