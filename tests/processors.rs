//! On which processors a container runs: those of its caller, all of them.
//!
//! nsctl holds the chain that starts it on one, so that no other has to be woken.

use std::fs;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use super::common::{Who, as_each, eventually, have, nsctl, shell};

const NAME: &str = "Cpus_allowed_list:";

fn allowed(status: &str) -> String {
    let line = status.lines().find_map(|line| line.strip_prefix(NAME));
    line.unwrap().trim().to_string()
}

fn own() -> String {
    allowed(&fs::read_to_string("/proc/self/status").unwrap())
}

#[test]
fn the_workload_may_run_wherever_its_caller_may() {
    as_each(|who| {
        for options in [&[][..], &["--no-init"], &["-t"], &["--pid", "host"], &["--rootfs", "/"]] {
            let words = [&["run"], options, &["grep", NAME, "/proc/self/status"]].concat();
            assert_eq!(allowed(nsctl(who, words).run().success()), own(), "{options:?}");
        }
        if have("taskset") {
            let script = format!("taskset -c 0 \"$NSCTL\" run grep {NAME} /proc/self/status");
            assert_eq!(allowed(shell(who, &script).run().success()), "0");
        }
    });
}

#[test]
fn who_waits_may_soon_run_there_too() {
    as_each(|who| {
        for options in [&[][..], &["--no-init"]] {
            let words = [&["run"], options, &["sh", "-c", "echo; read wait"]].concat();
            let mut nsctl = nsctl(who, words);
            let mut child = nsctl.spawn();
            let mut line = String::new();
            BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
            // nsctl, its shim, nsinit if there is one, and the workload.
            let everywhere = || {
                let all = nsctl.tag.processes();
                let may = |pid: i32| fs::read_to_string(format!("/proc/{pid}/status"));
                all.iter().all(|(pid, _)| may(*pid).is_ok_and(|it| allowed(&it) == own()))
            };
            assert!(nsctl.tag.processes().len() >= 2, "{:?}", nsctl.tag.processes());
            let soon = eventually(Duration::from_secs(10), everywhere);
            drop(child.stdin.take());
            child.wait().unwrap();
            assert!(soon, "{who:?} {options:?}");
        }
    });
}

/// What ended before that leaves no trace of it.
#[test]
fn who_started_it_runs_where_it_ran() {
    let script = format!("\"$NSCTL\" run true; grep {NAME} /proc/self/status");
    assert_eq!(allowed(shell(Who::User, &script).run().success()), own());
}
