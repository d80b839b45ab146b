//! `--status-fd`: what happens, as lines of JSON.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;

use serde_json::Value;

use super::common::{Who, as_each, nsctl};

const KINDS: [&str; 8] = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];

/// Starts nsctl with a pipe at descriptor 9, and returns what can be read from it.
fn start(
    who: Who,
    arguments: &[&str],
) -> (std::process::Child, impl Iterator<Item = Value> + use<>) {
    let (reader, writer) = nix::unistd::pipe().unwrap();
    let number = writer.as_raw_fd();
    let mut nsctl = nsctl(who, [&["run", "--status-fd=9"], arguments].concat());
    // SAFETY: dup2 is safe between fork and exec.
    unsafe {
        nsctl.command.pre_exec(move || {
            libc::dup2(number, 9);
            Ok(())
        });
    }
    let child = nsctl.spawn();
    drop(writer);
    // The end comes when nobody of ours holds the descriptor any more.
    let lines = BufReader::new(fs::File::from(reader)).lines();
    (child, lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()))
}

#[test]
fn started_names_the_pid_and_the_eight_namespaces_exited_the_status() {
    as_each(|who| {
        for options in
            [&[] as &[&str], &["--no-init"], &["--pid=host"], &["--boottime=100"], &["-t"]]
        {
            let (mut child, mut lines) =
                start(who, &[options, &["sh", "-c", "read line; exit 3"]].concat());
            let started = lines.next().unwrap();
            assert_eq!(started["event"], "started", "{started}");
            let pid = started["pid"].as_i64().unwrap();
            for kind in KINDS {
                let link = fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
                let expected = format!("{kind}:[{}]", started["namespaces"][kind]);
                assert_eq!(link.to_str(), Some(expected.as_str()), "{who:?} {options:?}");
            }
            drop(child.stdin.take());
            let exited = lines.next().unwrap();
            assert_eq!(exited, serde_json::json!({"event": "exited", "status": 3, "signal": null}));
            assert_eq!(lines.next(), None);
            assert_eq!(child.wait().unwrap().code(), Some(3));
        }
    });
}

#[test]
fn death_by_a_signal_is_told_apart_from_its_number_as_a_code() {
    as_each(|who| {
        for (script, status, signal) in
            [("kill -TERM $$", 143, Value::from(15)), ("exit 143", 143, Value::Null)]
        {
            let (mut child, lines) = start(who, &["sh", "-c", script]);
            let last = lines.last().unwrap();
            assert_eq!(last["status"], status);
            assert_eq!(last["signal"], signal, "{script}");
            child.wait().unwrap();
        }
    });
}

#[test]
fn failed_comes_alone_whenever_it_failed() {
    as_each(|who| {
        for (arguments, status, word) in [
            (&["no-such-program"] as &[&str], 127, "no-such-program"),
            (&["/etc/passwd"], 126, "/etc/passwd"),
            (&["--no-init", "no-such-program"], 127, "no-such-program"),
            (&["--workdir=relative", "true"], 125, "relative"),
            (&["--workdir=/no/such/directory", "true"], 125, "/no/such/directory"),
        ] {
            let (mut child, lines) = start(who, arguments);
            let all: Vec<Value> = lines.collect();
            assert_eq!(all.len(), 1, "{all:?}");
            assert_eq!((&all[0]["event"], &all[0]["status"]), (&"failed".into(), &status.into()));
            assert!(all[0]["message"].as_str().unwrap().contains(word), "{all:?}");
            assert_eq!(child.wait().unwrap().code(), Some(status));
        }
    });
}

#[test]
fn a_descriptor_that_is_not_open_is_refused() {
    as_each(|who| {
        for number in ["77", "-1", "99999999999"] {
            let option = format!("--status-fd={number}");
            nsctl(who, ["run", &option, "true"]).run().expect_error(125, &[number]);
        }
    });
}

/// A reader that has gone wants no more; the workload does not suffer.
#[test]
fn nobody_has_to_read_it() {
    as_each(|who| {
        let (mut child, lines) = start(who, &["sh", "-c", "read line; exit 4"]);
        drop(lines);
        drop(child.stdin.take());
        assert_eq!(child.wait().unwrap().code(), Some(4));
    });
}
