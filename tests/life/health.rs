//! Health checks: a command in the container, run by its monitor.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use super::{Home, has_range};
use crate::common::{Who, as_each, busybox_root, eventually, write_as};

fn state(home: &Home, name: &str) -> Value {
    let text = home.run(&["inspect", name]).success().to_string();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    all[0]["state"].clone()
}

#[track_caller]
fn becomes(home: &Home, name: &str, health: &str) {
    let found = || state(home, name)["health"] == health;
    assert!(eventually(Duration::from_secs(20), found), "{health}: {}", state(home, name));
}

/// The last check, once there is one.
#[track_caller]
fn checked(home: &Home, name: &str) -> Value {
    let found = || state(home, name)["health_checks"]["checks"].as_array().is_some();
    assert!(eventually(Duration::from_secs(20), found), "{}", state(home, name));
    let state = state(home, name);
    state["health_checks"]["checks"].as_array().unwrap().last().unwrap().clone()
}

#[test]
fn it_is_starting_then_healthy_then_unhealthy_and_may_recover() {
    as_each(|who| {
        let home = Home::new(who);
        let file = who.directory().join("well");
        let events = home.events(&["--json"]);
        let check = format!("test -e {}", file.display());
        home.start(&[
            "--name=c",
            "--health-cmd",
            &check,
            "--health-interval=200ms",
            "--health-retries=2",
            "sleep",
            "1000",
        ]);
        assert!(["starting", "unhealthy"].contains(&state(&home, "c")["health"].as_str().unwrap()));
        becomes(&home, "c", "unhealthy");
        write_as(who, &file, "");
        becomes(&home, "c", "healthy");
        assert!(home.run(&["ps"]).stdout.contains("(healthy)"));
        for (health, count) in [("healthy", 1), ("unhealthy", 0), ("none", 0)] {
            let filter = format!("health={health}");
            let shown = home.run(&["ps", "-q", "--filter", &filter]).stdout;
            assert_eq!(shown.split_whitespace().count(), count, "{health}");
        }
        fs::remove_file(&file).unwrap();
        becomes(&home, "c", "unhealthy");
        let next = || events.find(|event| event["event"] == "health_status")["health"].clone();
        let told: Vec<Value> = (0..3).map(|_| next()).collect();
        assert_eq!(told, ["unhealthy", "healthy", "unhealthy"]);
        home.run(&["stop", "c"]).success();
        assert_eq!(state(&home, "c")["health"], Value::Null);
        home.run(&["ps", "--filter", "health=fine"])
            .expect_error(125, &["health=fine", "unhealthy"]);
    });
}

#[test]
fn a_check_that_hangs_is_killed_with_what_it_started() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&[
            "--name=c",
            "--health-cmd=echo begun; sleep 1000 & sleep 1001",
            "--health-interval=50ms",
            "--health-timeout=300ms",
            "--health-retries=1",
            "sleep",
            "999",
        ]);
        becomes(&home, "c", "unhealthy");
        let check = checked(&home, "c");
        assert_eq!((&check["timed_out"], &check["output"]), (&true.into(), &"begun\n".into()));
        // With a check that hangs, too: nothing of it is left when the test ends.
        home.run(&["kill", "c"]).success();
        assert_eq!(home.status("c"), "exited");
        home.start(&[
            "--name=d",
            "--pid=host",
            "--health-cmd=sleep 1002",
            "--health-interval=10ms",
            "sleep",
            "998",
        ]);
        let runs =
            || home.run(&["exec", "d", "sh", "-c", "grep -l 1002 /proc/[0-9]*/cmdline"]).stdout;
        assert!(eventually(Duration::from_secs(10), || runs().lines().count() > 1));
        home.run(&["stop", "d"]).success();
    });
}

#[test]
fn what_a_check_says_is_bounded_and_blocks_nobody() {
    as_each(|who| {
        let home = Home::new(who);
        let noise = "head -c 3000000 /dev/zero | tr '\\0' x; echo at the end >&2";
        home.start(&["--name=c", "--health-cmd", noise, "--health-interval=50ms", "sleep", "1000"]);
        becomes(&home, "c", "healthy");
        assert_eq!(checked(&home, "c")["output"], "x".repeat(4096));
        let many = || {
            let checks = &state(&home, "c")["health_checks"]["checks"];
            checks.as_array().is_some_and(|all| all.len() == 5)
        };
        assert!(eventually(Duration::from_secs(20), many));
        assert_eq!(home.run(&["logs", "c"]).success(), "");
    });
}

const REPORT: &str = "for kind in user mnt pid net uts ipc cgroup time; do
        readlink /proc/self/ns/$kind; done; id -u; id -g; pwd; echo $GREETING
        grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status; ls /";

#[track_caller]
fn is_as_exec(home: &Home, options: &[&str]) {
    let words = ["--name=c", "--health-interval=50ms", "-e", "GREETING=hi", "--health-cmd", REPORT];
    home.start(&[&words[..], options, &["--", "sleep", "1000"]].concat());
    let check = checked(home, "c");
    let ran = home.run(&["exec", "c", "/bin/sh", "-c", REPORT]);
    assert_eq!(check["output"].as_str().unwrap(), ran.stdout, "{options:?}");
    home.run(&["rm", "-f", "c"]).success();
}

#[test]
fn a_check_is_in_the_container_as_exec_is() {
    as_each(|who| {
        let home = Home::new(who);
        is_as_exec(&home, &[]);
        is_as_exec(&home, &["-w", "/usr", "--cap-drop", "CHOWN", "--time-offset", "boottime=99"]);
        is_as_exec(&home, &["--share", "net,uts,pid"]);
        is_as_exec(&home, &["--userns", "new", "--keep-id"]);
        is_as_exec(&home, &["-t", "--cap-add", "SYS_ADMIN", "--seccomp", "unconfined"]);
        is_as_exec(&home, &["--pod", "p", "--hostname", "bird"]);
        if let Some(root) = busybox_root(who) {
            is_as_exec(&home, &["--rootfs", root.to_str().unwrap(), "--overlay"]);
        }
        home.start(&["--name=other", "sleep", "1000"]);
        is_as_exec(&home, &["--pid=container:other", "--net=container:other"]);
        if has_range(who) {
            let maps = match who {
                Who::Root => ["--map-users=0:100000:65536", "--map-groups=0:100000:65536"],
                Who::User => ["--map-users=auto", "--map-groups=auto"],
            };
            is_as_exec(&home, &["--userns=new", maps[0], maps[1], "--user=5:7"]);
        }
    });
}

#[test]
fn a_check_that_cannot_be_run_says_why() {
    as_each(|who| {
        let home = Home::new(who);
        let check = r#"--health-cmd=["/nonexistent", "a b"]"#;
        home.start(&[
            "--name=c",
            check,
            "--health-interval=50ms",
            "--health-retries=1",
            "sleep",
            "1000",
        ]);
        becomes(&home, "c", "unhealthy");
        let check = checked(&home, "c");
        assert_eq!(check["exit_status"], 127);
        assert!(check["output"].as_str().unwrap().contains("cannot execute"), "{check}");
        for (wrong, why) in [
            ("--health-interval=soon", "soon"),
            ("--health-interval=0", "millisecond"),
            ("--health-timeout=-1s", "-1s"),
            ("--health-retries=0", "0"),
            ("--no-healthcheck", "--health-cmd"),
        ] {
            home.run(&["run", "-d", "--health-cmd=true", wrong, "true"]).expect_error(125, &[why]);
        }
        home.run(&["run", "-d", "--health-cmd=", "true"]).expect_error(125, &["--health-cmd"]);
        home.run(&["run", "-d", "--health-interval=1s", "true"])
            .expect_error(125, &["--health-cmd"]);
        assert_eq!(home.list().len(), 1);
    });
}

#[test]
fn who_starts_or_is_paused_is_not_called_ill() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&[
            "--name=c",
            "--health-cmd=false",
            "--health-interval=20ms",
            "--health-retries=1",
            "--health-start-period=1h",
            "--restart=always",
            "sleep",
            "1000",
        ]);
        let many = || {
            let checks = &state(&home, "c")["health_checks"]["checks"];
            checks.as_array().is_some_and(|all| all.len() == 5)
        };
        assert!(eventually(Duration::from_secs(20), many));
        assert_eq!(state(&home, "c")["health"], "starting");
        home.run(&["pause", "c"]).success();
        // One that ran when it was paused has ended by the time of the second look.
        std::thread::park_timeout(Duration::from_millis(300));
        let before = checked(&home, "c");
        std::thread::park_timeout(Duration::from_millis(300));
        assert_eq!(checked(&home, "c"), before);
        home.run(&["unpause", "c"]).success();
        assert!(eventually(Duration::from_secs(10), || checked(&home, "c") != before));
        home.run(&["kill", "-s", "TERM", "c"]).success();
        let again = || state(&home, "c")["restarts"] == 1 && home.status("c") == "running";
        assert!(eventually(Duration::from_secs(10), again));
        let before = checked(&home, "c");
        assert!(eventually(Duration::from_secs(10), || checked(&home, "c") != before));
    });
}
