//! While the workload sleeps, nothing of ours wakes up.

use std::fs;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use super::common::{as_each, nsctl};

/// How often the process was given the processor.
fn switches(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status
        .lines()
        .filter(|line| line.contains("_ctxt_switches:"))
        .map(|line| line.rsplit_once('\t').unwrap().1.parse::<u64>().unwrap())
        .sum()
}

fn state(pid: i32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1[..1].to_string()
}

#[test]
fn none_of_our_processes_wakes_while_the_workload_sleeps() {
    as_each(|who| {
        for options in [&[] as &[&str], &["-t"], &["--pid=host"], &["--name=idle", "--boottime=5"]]
        {
            let script = "echo ready; read line; echo $line; sleep 60 & wait";
            let mut nsctl = nsctl(who, [&["run"], options, &["sh", "-c", script]].concat());
            let mut child = nsctl.spawn();
            let mut stdout = child.stdout.take().unwrap();
            let mut read = |text: &str| {
                let mut shown = Vec::new();
                while !String::from_utf8_lossy(&shown).contains(text) {
                    let mut byte = [0];
                    stdout.read_exact(&mut byte).unwrap();
                    shown.push(byte[0]);
                }
            };
            read("ready");
            let ours: Vec<i32> = nsctl
                .tag
                .processes()
                .into_iter()
                .filter(|(_, command)| {
                    command.contains("nsctl run") || command.starts_with("nsinit")
                })
                .map(|(pid, _)| pid)
                .collect();
            assert_eq!(ours.len(), 3, "nsctl, shim, init: {:?}", nsctl.tag.processes());
            // They have come to rest when they sleep and do not move for a while.
            let counts = || ours.iter().map(|&pid| switches(pid)).collect::<Vec<_>>();
            let rest = Instant::now() + Duration::from_secs(10);
            let mut before = counts();
            loop {
                std::thread::park_timeout(Duration::from_millis(50));
                let now = counts();
                if now == before && ours.iter().all(|&pid| state(pid) == "S") {
                    break;
                }
                assert!(Instant::now() < rest, "{options:?}: never at rest: {before:?} {now:?}");
                before = now;
            }
            std::thread::park_timeout(Duration::from_millis(500));
            assert_eq!(counts(), before, "{who:?} {options:?}: woken for nothing");
            if !options.contains(&"-t") {
                // Streams that are passed through concern none of them either.
                child.stdin.as_mut().unwrap().write_all(b"hello\n").unwrap();
                read("hello");
                assert_eq!(counts(), before, "{who:?} {options:?}: woken by the workload's input");
            }
            child.kill().unwrap();
            child.wait().unwrap();
            nsctl.tag.expect_none_within(Duration::from_secs(1));
        }
    });
}

/// Threads would each cost memory and wake-ups, and make fork unsafe.
#[test]
fn none_of_our_processes_has_a_second_thread() {
    as_each(|who| {
        let mut nsctl = nsctl(who, ["run", "sh", "-c", "echo ready; sleep 60 & wait"]);
        let mut child = nsctl.spawn();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 6]).unwrap();
        for (pid, command) in nsctl.tag.processes() {
            let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().count();
            assert_eq!(threads, 1, "{command}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        nsctl.tag.expect_none_within(Duration::from_secs(1));
    });
}
