//! The verbs, one after the other and one by one.

use std::fs;
use std::time::Duration;

use super::Home;
use crate::common::{as_each, eventually};

/// Runs until it is told to end.
const SLEEP: [&str; 2] = ["sleep", "1000"];

#[test]
fn a_detached_container_lives_until_it_is_stopped_and_can_live_again() {
    as_each(|who| {
        let home = Home::new(who);
        let id = home.start(&["--name", "web", "sleep", "1000"]);
        assert_eq!(home.status("web"), "running");
        let pid = home.run(&["inspect", "--pid", "web"]).success().to_string();
        assert!(fs::read_to_string(format!("/proc/{pid}/comm")).unwrap().starts_with("nsinit"));
        assert_eq!(home.run(&["ps", "-q"]).success(), &id[..12]);
        assert_eq!(home.run(&["stop", "web"]).success(), "web");
        assert_eq!(home.status("web"), "exited");
        assert_eq!(home.run(&["ps", "-q"]).success(), "");
        assert_eq!(home.run(&["wait", "web"]).success(), "143");
        home.run(&["start", &id[..6]]).success();
        assert_eq!(home.status("web"), "running");
        home.run(&["rm", "-f", "web"]).success();
        assert_eq!(home.left(), [""; 0]);
    });
}

#[test]
fn what_cannot_start_says_so_and_leaves_nothing() {
    as_each(|who| {
        let home = Home::new(who);
        home.run(&["run", "-d", "--name", "a", "/nonexistent"])
            .expect_error(127, &["/nonexistent"]);
        home.run(&["run", "-d", "-w", "/nonexistent", "true"]).expect_error(125, &["/nonexistent"]);
        home.run(&["run", "-d", "--restart", "often", "true"]).expect_error(125, &["often"]);
        home.run(&["run", "-d", "--log-max-size", "0", "true"]).expect_error(125, &["size"]);
        assert_eq!(home.left(), [""; 0]);
        for verb in ["stop", "kill", "rm", "wait", "logs", "inspect", "start", "pause", "attach"] {
            home.run(&[verb, "nobody"]).expect_error(125, &["no such container: nobody"]);
        }
    });
}

#[test]
fn a_name_is_had_by_one_until_it_is_removed() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "one", "sleep", "1000"]);
        home.run(&["run", "-d", "--name", "one", "true"]).expect_error(125, &["taken", "nsctl rm"]);
        home.run(&["run", "--name", "one", "true"]).expect_error(125, &["taken"]);
        home.run(&["rename", "one", "two"]).success();
        home.start(&["--name", "one", "true"]);
        home.run(&["rename", "one", "two"]).expect_error(125, &["taken"]);
        home.run(&["rm", "-f", "one", "two"]).success();
        assert_eq!(home.left(), [""; 0]);
    });
}

#[test]
fn a_container_without_a_name_gets_one_that_can_be_said() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&SLEEP);
        let name = home.list()[0]["name"].as_str().unwrap().to_string();
        let vowel = |c: char| "aeio".contains(c);
        let (left, right) = name.split_once('-').unwrap();
        for word in [left, right] {
            let right = word.chars().enumerate().all(|(at, c)| vowel(c) == (at % 2 == 1));
            assert!(word.len() == 6 && right, "{name}");
        }
    });
}

#[test]
fn exec_is_in_every_namespace_with_the_containers_rights() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&[
            "--name",
            "c",
            "--hostname",
            "bird",
            "-e",
            "GREETING=hi",
            "-w",
            "/usr",
            "--cap-drop",
            "CHOWN",
            "sleep",
            "1000",
        ]);
        let report = "for kind in user mnt pid net uts ipc cgroup time; do
                readlink /proc/self/ns/$kind /proc/1/ns/$kind | uniq | wc -l; done
            uname -n; echo $GREETING; pwd; id -u
            sed -n '/^Cap/p;/^NoNew/p;/^Seccomp:/p' /proc/self/status";
        let inside = home.run(&["exec", "c", "sh", "-c", report]);
        let inside = inside.success();
        let rights = "sed -n '/^Cap/p;/^NoNew/p;/^Seccomp:/p' /proc/2/status";
        let first = home.run(&["exec", "c", "sh", "-c", rights]);
        let expected = format!("{}bird\nhi\n/usr\n0\n{}", "1\n".repeat(8), first.success());
        assert_eq!(inside, expected);
        home.run(&["exec", "c", "sh", "-c", "exit 7"]).expect_code(7);
        home.run(&["exec", "c", "sh", "-c", "kill -9 $$"]).expect_code(137);
        home.run(&["exec", "c", "/nonexistent"]).expect_error(127, &["/nonexistent"]);
        assert_eq!(
            home.run(&["exec", "-w", "/", "-e", "A=1", "c", "sh", "-c", "pwd; echo $A"]).success(),
            "/\n1"
        );
    });
}

/// CVE-2024-40635, CVE-2026-30892
#[test]
fn exec_shares_what_the_container_shares() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "--share", "net,uts,pid", "sleep", "1000"]);
        let see = "cd /proc/self/ns; readlink net uts pid ipc";
        let ran = home.run(&["exec", "c", "sh", "-c", see]);
        let inside: Vec<&str> = ran.success().lines().collect();
        let pid = home.run(&["inspect", "--pid", "c"]).success().to_string();
        for (kind, link) in ["net", "uts", "pid", "ipc"].into_iter().zip(inside) {
            let its = fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
            assert_eq!(its.to_str().unwrap(), link);
        }
        home.run(&["rm", "-f", "c"]).success();
    });
}

#[test]
fn exec_takes_no_user_that_is_none() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sleep", "1000"]);
        for user in ["4294967296", "-1", "4294967295", "0x0", ""] {
            let option = format!("--user={user}");
            let ran = home.run(&["exec", &option, "c", "id", "-u"]);
            assert_ne!(ran.code, Some(0), "{user}: {ran:?}");
        }
    });
}

/// CVE-2016-9962
#[test]
fn a_container_never_sees_a_descriptor_of_an_exec() {
    as_each(|who| {
        let home = Home::new(who);
        let spy = "while :; do for p in /proc/[0-9]*; do ls -l $p/fd 2> /dev/null; done; done";
        home.start(&["--name", "spy", "--log-max-size", "100m", "sh", "-c", spy]);
        for _ in 0..20 {
            home.run(&["exec", "spy", "true"]).success();
        }
        home.run(&["kill", "spy"]).success();
        let seen = home.run(&["logs", "spy"]).stdout;
        let state = home.directory().to_string_lossy().into_owned();
        for line in seen.lines().filter_map(|line| line.split(" -> ").nth(1)) {
            assert!(!line.starts_with(&state) && !line.contains("/containers/"), "{line}");
        }
    });
}

#[test]
fn signals_reach_the_workload() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "trap 'echo usr1; exit 4' USR1; echo ready; while :; do sleep 0.05; done";
        home.start(&["--name", "c", "sh", "-c", script]);
        assert!(eventually(Duration::from_secs(10), || home
            .run(&["logs", "c"])
            .stdout
            .contains("ready")));
        home.run(&["kill", "-s", "USR1", "c"]).success();
        assert_eq!(home.run(&["wait", "c"]).success(), "4");
        assert_eq!(home.run(&["logs", "c"]).success(), "ready\nusr1");
        home.run(&["kill", "c"]).expect_error(125, &["not running"]);
    });
}

#[test]
fn stop_sends_its_signal_and_kills_who_does_not_listen() {
    as_each(|who| {
        let home = Home::new(who);
        let deaf = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
        home.start(&["--name", "deaf", "--stop-timeout", "1", "sh", "-c", deaf]);
        assert!(eventually(Duration::from_secs(10), || home
            .run(&["logs", "deaf"])
            .stdout
            .contains("ready")));
        home.run(&["stop", "deaf"]).success();
        assert_eq!(home.run(&["wait", "deaf"]).success(), "137");
        let polite = "trap 'exit 9' QUIT; echo ready; while :; do sleep 0.05; done";
        home.start(&["--name", "polite", "--stop-signal", "QUIT", "sh", "-c", polite]);
        assert!(eventually(Duration::from_secs(10), || home
            .run(&["logs", "polite"])
            .stdout
            .contains("ready")));
        home.run(&["stop", "polite", "nobody", "deaf"])
            .expect_error(125, &["no such container: nobody"]);
        assert_eq!(home.run(&["wait", "polite"]).success(), "9");
    });
}

#[test]
fn a_paused_container_does_nothing_until_it_goes_on() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sh", "-c", "sleep 1000 & sleep 1001"]);
        home.run(&["pause", "c"]).success();
        assert_eq!(home.status("c"), "paused");
        home.run(&["exec", "c", "true"]).expect_error(125, &["paused", "nsctl unpause c"]);
        home.run(&["pause", "c"]).expect_error(125, &["paused already"]);
        home.run(&["unpause", "c"]).success();
        assert_eq!(
            home.run(&[
                "exec",
                "c",
                "sh",
                "-c",
                "grep -l '^State:.T' /proc/[0-9]*/status || echo none"
            ])
            .success(),
            "none"
        );
        home.run(&["pause", "c"]).success();
        // Nobody has to unpause it first.
        home.run(&["stop", "c"]).success();
        assert_eq!(home.status("c"), "exited");
    });
}

#[test]
fn a_container_comes_back_as_its_policy_says() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "f", "--restart", "on-failure:2", "sh", "-c", "echo once; exit 3"]);
        assert_eq!(home.run(&["wait", "f"]).success(), "3");
        assert_eq!(home.run(&["logs", "f"]).success(), "once\nonce\nonce");
        assert_eq!(home.list()[0]["restarts"], 2);
        home.start(&["--name", "ok", "--restart", "on-failure", "sh", "-c", "echo once"]);
        assert_eq!(home.run(&["wait", "ok"]).success(), "0");
        assert_eq!(home.run(&["logs", "ok"]).success(), "once");
        home.start(&["--name", "always", "--restart", "always", "sh", "-c", "echo once"]);
        let twice = || home.run(&["logs", "always"]).stdout.matches("once").count() >= 2;
        assert!(eventually(Duration::from_secs(20), twice));
        home.run(&["stop", "always"]).success();
        assert_eq!(home.status("always"), "exited");
    });
}

#[test]
fn of_a_container_that_is_to_be_removed_nothing_stays() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--rm", "--name", "c", "sh", "-c", "sleep 0.2; exit 5"]);
        assert_eq!(home.run(&["wait", "c"]).success(), "5");
        assert!(eventually(Duration::from_secs(5), || home.left().is_empty()), "{:?}", home.left());
    });
}

#[test]
fn the_id_is_written_and_labels_choose() {
    as_each(|who| {
        let home = Home::new(who);
        let file = who.directory().join("cid");
        let path = file.to_str().unwrap();
        let id = home.start(&["--cidfile", path, "-l", "app=web", "-l", "blue", "sleep", "1000"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), id);
        home.run(&["run", "-d", "--cidfile", path, "true"]).expect_error(125, &[path]);
        assert_eq!(fs::read_to_string(&file).unwrap(), id);
        // What does not begin leaves no file, so that the next one can have it.
        let other = who.directory().join("other-cid");
        let path = other.to_str().unwrap();
        let name = &home.list()[0]["name"].as_str().unwrap().to_string();
        home.run(&["run", "-d", "--cidfile", path, "--name", name, "true"])
            .expect_error(125, &["taken"]);
        assert!(!other.exists(), "a name that is taken");
        home.run(&["run", "-d", "--cidfile", path, "/nonexistent"]).expect_code(127);
        assert!(!other.exists(), "a command that is none");
        home.start(&["-l", "app=db", "sleep", "1000"]);
        for (filter, count) in [
            ("label=app", 2),
            ("label=app=web", 1),
            ("label=blue", 1),
            ("label=red", 0),
            ("status=exited", 0),
        ] {
            let found = home
                .run(&["ps", "-q", "--filter", filter])
                .stdout
                .lines()
                .filter(|line| !line.is_empty())
                .count();
            assert_eq!(found, count, "{filter}");
        }
        home.run(&["ps", "--filter", "color=red"]).expect_error(125, &["color=red"]);
    });
}

#[test]
fn a_running_container_is_not_removed_by_accident() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sleep", "1000"]);
        home.run(&["rm", "c"]).expect_error(125, &["c is running", "nsctl rm -f c"]);
        home.run(&["start", "c"]).expect_error(125, &["runs already"]);
        assert_eq!(home.run(&["prune"]).success(), "");
        home.run(&["stop", "c"]).success();
        assert_eq!(home.run(&["prune"]).success(), "c");
        assert_eq!(home.left(), [""; 0]);
    });
}

/// docker's `--net container:db`.
#[test]
fn a_container_joins_another_by_its_name() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "db", "--hostname", "db", "sleep", "1000"]);
        let show = "readlink /proc/self/ns/net /proc/self/ns/uts; uname -n";
        let theirs = home.run(&["exec", "db", "sh", "-c", show]);
        let (net, uts) = theirs.success().split_once('\n').unwrap();
        let ran =
            home.run(&["run", "--net", "container:db", "--hostname", "web", "sh", "-c", show]);
        let ours = ran.success();
        assert!(ours.starts_with(net) && ours.ends_with("\nweb"), "{ours} {net}");
        assert!(!ours.contains(uts.split('\n').next().unwrap()));
        home.run(&["stop", "db"]).success();
        home.run(&["run", "--net", "container:db", "true"])
            .expect_error(125, &["not running", "nsctl start db"]);
    });
}
