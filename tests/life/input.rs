//! What is said to a container.

use std::time::Duration;

use super::Home;
use crate::common::{as_each, eventually};

#[test]
fn all_that_was_said_arrives_before_the_end() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "-i", "sh", "-c", "sleep 0.5; wc -c"]);
        let attach = home.nsctl(&["attach", "c"]).input(vec![b'x'; 1_000_000]);
        let ran = attach.detached().0;
        assert_eq!(ran.success().trim(), "1000000");
    });
}

/// The kernel sends a SIGPIPE then; it is the shim's, not the workload's.
#[test]
fn who_does_not_listen_does_not_die_of_what_is_said() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "exec <&-; echo closed; while :; do sleep 0.05; done";
        home.start(&["--name", "c", "-i", "sh", "-c", script]);
        let ready = || home.run(&["logs", "c"]).stdout.contains("closed");
        assert!(eventually(Duration::from_secs(10), ready));
        let mut attach = home.nsctl(&["attach", "--no-stdin", "c"]);
        let mut watcher = attach.spawn();
        let mut writer = home.nsctl(&["attach", "c"]);
        let mut child = writer.spawn();
        let mut input = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, b"hello\n").unwrap();
        drop(input);
        // It answers what comes later only after it took what was said.
        home.run(&["exec", "c", "true"]).success();
        std::thread::park_timeout(Duration::from_millis(200));
        assert_eq!(home.status("c"), "running");
        home.run(&["kill", "c"]).success();
        assert_eq!(child.wait().unwrap().code(), Some(137));
        assert_eq!(watcher.wait().unwrap().code(), Some(137));
    });
}
