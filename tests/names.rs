//! `--name` and `--pid-file`: what a running container leaves where others see it.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};

use super::common::{Nsctl, Who, as_each, nsctl};

const SECOND: Duration = Duration::from_secs(1);

/// nsctl with a state directory that others of the test share.
fn sharing(who: Who, state: &Path, arguments: &[&str]) -> Nsctl {
    nsctl(who, arguments).env("NSCTL_STATE_DIR", state)
}

/// A container that runs; returns when its workload does.
fn running(who: Who, state: &Path, options: &[&str]) -> (Child, Nsctl) {
    let script = ["sh", "-c", "trap 'exit 0' TERM; echo ready; sleep 60 & wait"];
    let mut nsctl = sharing(who, state, &[&["run"], options, &script].concat());
    let mut child = nsctl.spawn();
    let mut ready = [0; 6];
    child.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
    (child, nsctl)
}

fn end(mut child: Child, nsctl: &Nsctl) {
    child.kill().unwrap();
    child.wait().unwrap();
    nsctl.tag.expect_none_within(SECOND);
}

#[test]
fn a_name_is_held_while_the_container_runs_and_free_after_any_end() {
    as_each(|who| {
        let state = who.directory().join("state");
        let again = || sharing(who, &state, &["run", "--name=one", "true"]).run();
        let (child, nsctl) = running(who, &state, &["--name=one"]);
        again().expect_error(125, &["one", "taken", "running"]);
        sharing(who, &state, &["run", "--name=two", "true"]).run().expect_code(0);
        end(child, &nsctl);
        again().expect_code(0);
        again().expect_code(0);
        sharing(who, &state, &["run", "--name=one", "no-such-program"]).run().expect_code(127);
        again().expect_code(0);
        assert_eq!(fs::read_dir(state.join("names")).unwrap().count(), 0);
    });
}

#[test]
fn of_two_starts_with_one_name_one_wins() {
    as_each(|who| {
        for _ in 0..5 {
            let state = who.directory().join("state");
            let start = || {
                let options = ["run", "--name=same", "sh", "-c", "echo ready; cat"];
                let mut nsctl = sharing(who, &state, &options);
                let child = nsctl.spawn();
                (child, nsctl)
            };
            let mut started: Vec<_> = (0..4).map(|_| start()).collect();
            let ready = |child: &mut Child| {
                let mut text = [0; 6];
                child.stdout.as_mut().unwrap().read_exact(&mut text).is_ok()
            };
            // Those that lose end, which is the end of their output.
            let won: Vec<bool> = started.iter_mut().map(|(child, _)| ready(child)).collect();
            assert_eq!(won.iter().filter(|&&won| won).count(), 1, "{won:?}");
            for ((mut child, _nsctl), won) in started.into_iter().zip(won) {
                drop(child.stdin.take());
                assert_eq!(child.wait().unwrap().code(), Some(if won { 0 } else { 125 }));
            }
        }
    });
}

#[test]
fn a_name_is_no_path_and_no_option() {
    as_each(|who| {
        let long = "x".repeat(129);
        for wrong in ["", ".", "..", "a/b", "../../etc/x", "-x", "a b", "\u{1b}[31m", &long] {
            let name = format!("--name={wrong}");
            nsctl(who, ["run", &name, "true"]).run().expect_error(125, &["name", "letters"]);
        }
    });
}

#[test]
fn a_state_directory_of_others_is_refused() {
    as_each(|who| {
        let directory = who.directory();
        let link = directory.join("link");
        std::os::unix::fs::symlink("/tmp", &link).unwrap();
        for wrong in [link.as_path(), Path::new("/proc/sys")] {
            let ran = sharing(who, wrong, &["run", "--name=one", "true"]).run();
            ran.expect_error(125, &["state directory", "NSCTL_STATE_DIR"]);
        }
    });
}

#[test]
fn the_pid_file_holds_the_hosts_pid_while_the_container_runs() {
    as_each(|who| {
        let directory = who.directory();
        let file = directory.join("pid");
        let option = format!("--pid-file={}", file.display());
        for options in
            [vec![option.as_str()], vec![&option, "--no-init"], vec![&option, "--pid=host"]]
        {
            let (mut child, nsctl) = running(who, &directory, &options);
            let written = || fs::read_to_string(&file).unwrap_or_default();
            assert!(super::common::eventually(20 * SECOND, || written().ends_with('\n')));
            let pid: i32 = written().trim_end().parse().unwrap();
            let inside = fs::read_link(format!("/proc/{pid}/ns/mnt")).unwrap();
            assert_ne!(inside, fs::read_link("/proc/self/ns/mnt").unwrap());
            let lock = |file: &Path| {
                Flock::lock(fs::File::open(file).unwrap(), FlockArg::LockExclusiveNonblock)
            };
            assert!(lock(&file).is_err(), "it holds");
            nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(child.id() as i32),
                nix::sys::signal::Signal::SIGTERM,
            )
            .unwrap();
            child.wait().unwrap();
            assert!(!file.exists());

            // Killed, nobody removes it; but it says that it does not hold any more.
            let (child, nsctl_killed) = running(who, &directory, &options);
            assert!(super::common::eventually(20 * SECOND, || written().ends_with('\n')));
            end(child, &nsctl_killed);
            assert!(lock(&file).is_ok(), "it does not hold");
            fs::remove_file(&file).unwrap();
            drop(nsctl);
        }
        assert_eq!(
            fs::read_dir(&directory)
                .unwrap()
                .filter(|entry| {
                    entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("pid")
                })
                .count(),
            0
        );
    });
}

#[test]
fn a_pid_file_that_cannot_be_written_is_told() {
    as_each(|who| {
        let ran = nsctl(who, ["run", "--pid-file=/proc/no/such/file", "true"]).run();
        assert!(ran.stderr.contains("/proc/no/such/file"), "{ran:?}");
    });
}

#[test]
fn of_two_with_one_pid_file_the_first_to_end_leaves_the_others() {
    as_each(|who| {
        let directory = who.directory();
        let file = directory.join("pid");
        let option = format!("--pid-file={}", file.display());
        let read = || fs::read_to_string(&file).unwrap_or_default();
        let (mut first, _first) = running(who, &directory, &[&option]);
        assert!(super::common::eventually(20 * SECOND, || read().ends_with('\n')));
        let old = read();
        let (second, second_nsctl) = running(who, &directory, &[&option]);
        let is_new = || read().ends_with('\n') && read() != old;
        assert!(super::common::eventually(20 * SECOND, is_new));
        let pid = nix::unistd::Pid::from_raw(first.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        first.wait().unwrap();
        assert!(is_new(), "it is gone");
        end(second, &second_nsctl);
    });
}
