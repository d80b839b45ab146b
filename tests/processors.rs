//! On which processors a container runs: those of its caller, all of them.
//!
//! nsctl holds the chain that starts it on one, so that no other has to be woken.

use std::fs;
use std::time::Duration;

use super::common::{Watch, as_each, eventually, have, nsctl, shell, skip};

const NAME: &str = "Cpus_allowed_list:";

fn allowed(status: &str) -> String {
    let line = status.lines().find_map(|line| line.strip_prefix(NAME));
    line.unwrap().trim().to_string()
}

fn own() -> String {
    allowed(&fs::read_to_string("/proc/self/status").unwrap())
}

/// Where there is one, everything runs there.
fn are_several() -> bool {
    let several = own().contains([',', '-']);
    if !several {
        skip("there is one processor");
    }
    several
}

#[test]
fn the_workload_may_run_wherever_its_caller_may() {
    if !are_several() {
        return;
    }
    as_each(|who| {
        for options in [&[][..], &["--no-init"], &["-t"], &["--pid", "host"], &["--rootfs", "/"]] {
            let words = [&["run"], options, &["grep", NAME, "/proc/self/status"]].concat();
            assert_eq!(allowed(nsctl(who, words).run().success()), own(), "{options:?}");
        }
        if have("taskset") {
            let first: String = own().chars().take_while(char::is_ascii_digit).collect();
            let script = format!("taskset -c {first} \"$NSCTL\" run grep {NAME} /proc/self/status");
            assert_eq!(allowed(shell(who, &script).run().success()), first);
        }
    });
}

#[test]
fn who_waits_may_soon_run_there_too() {
    if !are_several() {
        return;
    }
    as_each(|who| {
        for options in [&[][..], &["--no-init"]] {
            let words = [&["run"], options, &["sh", "-c", "echo; read wait; exit 0"]].concat();
            let nsctl = nsctl(who, words);
            let tag = nsctl.tag.clone();
            let mut watch = Watch::start(nsctl);
            assert_eq!(watch.line(), "");
            // nsctl, its shim and the workload; nsinit has no environment.
            let everywhere = || {
                let all = tag.processes();
                let may = |pid: i32| fs::read_to_string(format!("/proc/{pid}/status"));
                let may = |pid: i32| may(pid).is_ok_and(|status| allowed(&status) == own());
                all.len() >= 3 && all.iter().all(|(pid, _)| may(*pid))
            };
            let soon = eventually(Duration::from_secs(10), everywhere);
            drop(watch.child.stdin.take());
            assert!(soon, "{options:?}: {:?}", tag.processes());
            assert!(watch.wait().success());
        }
    });
}
