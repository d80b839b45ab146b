//! Pods: net, ipc and uts held for several containers.

use std::fs;
use std::time::Duration;

use super::{Home, at_once, has_range};
use crate::common::{Who, as_each, eventually};

const KINDS: &str = "cd /proc/self/ns; readlink net ipc uts user; readlink pid mnt";

fn gone(home: &Home, name: &str) -> bool {
    eventually(Duration::from_secs(10), || home.status(name) == "none")
}

#[test]
fn members_share_net_ipc_and_uts_and_have_the_rest_for_themselves() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--pod", "p", "--hostname", "bird", "--name", "a", "sleep", "1000"]);
        home.start(&["--pod", "p", "--name", "b", "sleep", "1000"]);
        let see = |name: &str| home.run(&["exec", name, "sh", "-c", KINDS]).success().to_string();
        let (a, b) = (see("a"), see("b"));
        let front = home.run(&["run", "--pod", "p", "sh", "-c", KINDS]);
        for other in [b.as_str(), front.success()] {
            let same: Vec<bool> = a.lines().zip(other.lines()).map(|(a, b)| a == b).collect();
            assert_eq!(same, [true, true, true, true, false, false]);
        }
        let pid = home.run(&["inspect", "--pid", "p"]).success().to_string();
        let net = fs::read_link(format!("/proc/{pid}/ns/net")).unwrap();
        assert_eq!(net.to_str(), a.lines().next());
        assert_ne!(fs::read_link("/proc/self/ns/net").unwrap(), net);
        for name in ["a", "b", "p"] {
            assert_eq!(home.run(&["exec", name, "uname", "-n"]).success(), "bird");
        }
        let shown = home.run(&["ps"]).success().to_string();
        assert!(shown.contains("POD") && shown.contains("(a pod)"), "{shown}");
    });
}

#[test]
fn a_pod_ends_with_its_last_member_however_that_ended() {
    as_each(|who| {
        let home = Home::new(who);
        home.run(&["run", "--pod", "front", "true"]).success();
        assert!(gone(&home, "front"));
        home.run(&["run", "--pod", "front", "/nonexistent"]).expect_error(127, &["/nonexistent"]);
        assert!(gone(&home, "front"));
        home.start(&["--pod", "p", "--name", "a", "sleep", "1000"]);
        home.start(&["--pod", "p", "--name", "b", "sleep", "1000"]);
        home.run(&["stop", "a"]).success();
        assert_eq!(home.status("p"), "running");
        let text = home.run(&["inspect", "b"]).success().to_string();
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        let shim = all[0]["state"]["shim"].as_i64().unwrap() as i32;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(shim), nix::sys::signal::Signal::SIGKILL)
            .unwrap();
        assert!(gone(&home, "p"));
        // Who is started again has its pod again.
        home.run(&["start", "a"]).success();
        assert_eq!(home.status("p"), "running");
        home.run(&["rm", "-f", "a", "b"]).success();
        assert!(gone(&home, "p"));
        assert_eq!(home.left(), [""; 0]);
    });
}

#[test]
fn a_member_that_rests_before_it_comes_back_keeps_its_pod() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "readlink /proc/self/ns/net; exit 3";
        home.start(&["--pod", "p", "--name", "a", "--restart=on-failure:2", "sh", "-c", script]);
        home.run(&["wait", "a"]).success();
        let said = home.run(&["logs", "a"]).stdout;
        let mut lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), 3, "{said}");
        lines.dedup();
        assert_eq!(lines.len(), 1, "{said}");
    });
}

#[test]
fn of_many_runs_at_once_one_makes_the_pod_and_all_are_in_it() {
    as_each(|who| {
        let home = Home::new(who);
        for round in 0..3 {
            let words = ["run", "--pod", "p", "readlink", "/proc/self/ns/net"];
            for ran in at_once((0..8).map(|_| home.nsctl(&words))) {
                assert_eq!(ran.code, Some(0), "{round}: {ran:?}");
            }
        }
        assert!(gone(&home, "p"));
        let words = ["run", "-d", "--pod", "p", "sleep", "1000"];
        for ran in at_once((0..8).map(|_| home.nsctl(&words))) {
            ran.success();
        }
        let list = home.list();
        assert_eq!(list.len(), 9);
        assert_eq!(list.iter().filter(|one| one["pod"] == "p").count(), 8);
        home.run(&["rm", "-f", "p"]).success();
        assert_eq!(home.left(), [""; 0]);
    });
}

#[test]
fn a_pod_in_use_is_not_ended_by_accident() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--pod", "p", "--name", "a", "--stop-timeout", "1", "sleep", "1000"]);
        for verb in ["stop", "kill", "rm"] {
            home.run(&[verb, "p"]).expect_error(125, &["nsctl stop"]);
        }
        home.run(&["rename", "p", "q"]).expect_error(125, &["keeps its name"]);
        assert_eq!(home.status("p"), "running");
        home.run(&["stop", "-f", "p"]).success();
        assert_eq!(home.status("a"), "exited");
        assert!(gone(&home, "p"));
        home.run(&["run", "--pod", "a", "true"])
            .expect_error(125, &["a is a container, not a pod"]);
        home.run(&["run", "--pod", "p", "--net", "host", "true"])
            .expect_error(125, &["--net", "--pod", "contradict"]);
        home.run(&["run", "--pod", "p", "--share", "uts", "true"])
            .expect_error(125, &["--uts", "--pod", "contradict"]);
        home.run(&["run", "--pod", "", "true"]).expect_error(125, &["name"]);
        home.run(&["run", "--pod", "new:x", "true"]).success();
        assert!(gone(&home, "x"));
        assert_eq!(home.status("p"), "none");
    });
}

#[test]
fn what_differs_from_the_pod_is_named() {
    as_each(|who| {
        if !has_range(who) {
            return;
        }
        let home = Home::new(who);
        let maps = match who {
            Who::Root => {
                ["--userns=new", "--map-users=0:100000:65536", "--map-groups=0:100000:65536"]
            }
            Who::User => ["--userns=new", "--map-users=auto", "--map-groups=auto"],
        };
        home.start(&[&["--pod=p", "--name=a"][..], &maps, &["sleep", "1000"]].concat());
        let see = "cat /proc/self/uid_map; readlink /proc/self/ns/user";
        let its = home.run(&["exec", "a", "sh", "-c", see]).success().to_string();
        let same = [&["run", "--pod=p"][..], &maps, &["sh", "-c", see]].concat();
        assert_eq!(home.run(&same).success(), its);
        assert_eq!(home.run(&["run", "--pod=p", "sh", "-c", see]).success(), its);
        home.run(&["run", "--pod=p", "--keep-id", "true"])
            .expect_error(125, &["--keep-id", "was made with --userns=new"]);
        home.run(&["run", "--pod=p", "--hostname=x", "true"])
            .expect_error(125, &["--hostname", "first run"]);
        home.run(&["run", "--pod=new:p", "true"]).expect_error(125, &["there is a pod p"]);
    });
}

#[test]
fn a_pod_that_cannot_be_made_leaves_nothing() {
    as_each(|who| {
        let home = Home::new(who);
        home.run(&["run", "--pod=p", "--hostname", &"x".repeat(99), "true"])
            .expect_error(125, &["too long", "the pod p was not made"]);
        home.run(&["run", "--pod=p", "-w", "/nonexistent", "true"])
            .expect_error(125, &["/nonexistent"]);
        assert!(gone(&home, "p"));
        home.run(&["run", "--dry-run", "--pod=p", "true"]).success();
        assert_eq!(home.left(), [""; 0]);
    });
}
