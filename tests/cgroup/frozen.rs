//! Pausing by a freezer, and by signals where there is none.

use std::fs;
use std::time::Duration;

use super::ground::{Ground, on_each};
use crate::common::eventually;

/// What it writes shows whether it goes on.
const COUNTS: &str = "i=0; while :; do i=$((i+1)); echo $i > $HOME/count; done";

fn count(ground: &Ground) -> String {
    fs::read_to_string(ground.home().join("count")).unwrap_or_default()
}

/// Starts one that counts.
fn start(ground: &Ground, options: &[&str]) {
    let home = format!("HOME={}", ground.home().display());
    ground.start(&[options, &["-e", &home, "sh", "-c", COUNTS]].concat());
    assert!(eventually(Duration::from_secs(10), || !count(ground).is_empty()));
}

#[test]
fn a_paused_container_is_frozen_as_a_whole_and_thawed() {
    for (hierarchies, by) in [
        (&["unified"][..], "cgroup.freeze"),
        (&["freezer"], "freezer.state"),
        (&["pids"], "SIGSTOP"),
    ] {
        on_each(hierarchies, |ground| {
            start(ground, &[]);
            ground.run(&["pause", "c"]).success();
            let state = ground.inspect()["state"].clone();
            assert_eq!((&state["status"], &state["paused_by"]), (&"paused".into(), &by.into()));
            let group = ground.groups()[0].clone();
            match by {
                "cgroup.freeze" => {
                    let events = fs::read_to_string(group.join("cgroup.events")).unwrap();
                    assert!(events.contains("frozen 1"), "{events}");
                }
                "freezer.state" => {
                    let state = fs::read_to_string(group.join("freezer.state")).unwrap();
                    assert_eq!(state, "FROZEN\n");
                }
                _ => {}
            }
            let before = count(ground);
            ground.run(&["pause", "c"]).expect_error(125, &["paused already"]);
            ground.run(&["exec", "c", "true"]).expect_error(125, &["paused", "nsctl unpause c"]);
            assert_eq!(count(ground), before);
            ground.run(&["unpause", "c"]).success();
            assert!(ground.inspect()["state"]["paused_by"].is_null());
            assert!(eventually(Duration::from_secs(10), || count(ground) != before));
            ground.run(&["unpause", "c"]).expect_error(125, &["not paused"]);
        });
    }
}

#[test]
fn a_frozen_container_can_be_ended_at_once() {
    for hierarchies in [&["unified"][..], &["freezer"]] {
        for end in [&["stop", "c"][..], &["kill", "c"], &["rm", "-f", "c"]] {
            on_each(hierarchies, |ground| {
                start(ground, &["--pid=host"]);
                ground.run(&["pause", "c"]).success();
                ground.run(end).success();
                ground.expect_no_group();
            });
        }
    }
}

#[test]
fn what_is_frozen_does_not_outlive_its_shim_for_long() {
    use nix::sys::signal::{Signal, kill};
    for hierarchies in [&["unified"][..], &["freezer"]] {
        on_each(hierarchies, |ground| {
            start(ground, &[]);
            ground.run(&["pause", "c"]).success();
            let shim = ground.inspect()["state"]["shim"].as_i64().unwrap() as i32;
            kill(nix::unistd::Pid::from_raw(shim), Signal::SIGKILL).unwrap();
            let dead = || ground.inspect()["state"]["status"] == "dead";
            assert!(eventually(Duration::from_secs(10), dead));
            ground.run(&["rm", "c"]).success();
            ground.expect_no_group();
        });
    }
}

/// In a frozen group of version 1 nobody dies, not by SIGKILL either.
#[test]
fn a_frozen_container_ends_when_its_time_is_over() {
    for hierarchies in [&["unified"][..], &["freezer"]] {
        on_each(hierarchies, |ground| {
            start(ground, &["--timeout=2"]);
            // It may be over before.
            let paused = ground.run(&["pause", "c"]);
            assert_eq!(ground.run(&["wait", "c"]).success(), "137", "{paused:?}");
            ground.expect_no_group();
        });
    }
}
