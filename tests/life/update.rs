//! What can be changed of a container, also while it lives.

use std::fs;
use std::time::Duration;

use super::Home;
use crate::common::{as_each, eventually};

fn inspected(home: &Home, name: &str) -> serde_json::Value {
    let text = home.run(&["inspect", name]).success().to_string();
    let all: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    all[0].clone()
}

#[test]
fn a_policy_that_was_changed_holds_at_once() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sleep", "1000"]);
        assert_eq!(home.run(&["update", "--restart=always", "c"]).success(), "c");
        home.run(&["kill", "-s", "TERM", "c"]).success();
        let back = || {
            let state = &inspected(&home, "c")["state"];
            state["restarts"] == 1 && state["status"] == "running"
        };
        assert!(eventually(Duration::from_secs(10), back));
        home.run(&["update", "--restart=no", "c"]).success();
        home.run(&["kill", "-s", "TERM", "c"]).success();
        assert_eq!(home.run(&["wait", "c"]).success(), "143");
        assert_eq!(home.status("c"), "exited");
        home.run(&["update", "--restart=on-failure:1", "c"]).success();
        home.run(&["start", "c"]).success();
        home.run(&["kill", "-s", "TERM", "c"]).success();
        assert!(eventually(Duration::from_secs(10), back));
    });
}

/// Its rests get longer and longer, up to a minute.
#[test]
fn one_that_rests_hears_that_it_is_not_to_come_back() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "--restart", "always", "sh", "-c", "exit 3"]);
        let rests = || inspected(&home, "c")["state"]["restarts"].as_u64() >= Some(3);
        assert!(eventually(Duration::from_secs(20), rests));
        home.run(&["update", "--restart", "no", "c"]).success();
        assert_eq!(home.run(&["wait", "c"]).success(), "3");
        assert_eq!(home.status("c"), "exited");
    });
}

#[test]
fn limits_of_the_log_that_were_changed_hold_at_once() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "while read count; do seq $count; done; exit 4";
        let id = home.start(&["--name=c", "-i", "--log-max-files=9", "sh", "-c", script]);
        let files = || {
            let directory = home.directory().join("containers").join(&id);
            let all = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
            all.filter(|entry| entry.file_name().to_str().unwrap().starts_with("log"))
                .map(|entry| (entry.file_name(), entry.metadata().unwrap().len()))
                .collect::<Vec<_>>()
        };
        home.run(&["update", "--log-max-size=1k", "c"]).success();
        let (writer, _) = home.nsctl(&["attach", "c"]).input("1000\n").detached();
        writer.expect_code(4);
        let sizes = files();
        assert!(sizes.len() == 9 && sizes.iter().all(|(_, size)| *size <= 1024), "{sizes:?}");
        home.run(&["update", "--log-max-files=3", "c"]).success();
        home.run(&["start", "c"]).success();
        home.run(&["update", "--log-max-files=2", "c"]).success();
        assert!(files().len() <= 2, "{:?}", files());
        let (writer, _) = home.nsctl(&["attach", "c"]).input("1000\n").detached();
        writer.expect_code(4);
        assert_eq!(files().len(), 2);
    });
}

#[test]
fn notes_and_stopping_are_changed_for_several_and_what_fails_is_told() {
    as_each(|who| {
        let home = Home::new(who);
        let script = "trap 'exit 9' QUIT; echo ready; while :; do sleep 0.05; done";
        home.start(&["--name=a", "-l", "app=web", "-l", "old", "sh", "-c", script]);
        home.start(&["--name=b", "true"]);
        home.run(&["wait", "b"]).success();
        let ran = home.run(&[
            "update",
            "-l",
            "app=db",
            "-l",
            "blue",
            "--label-rm",
            "old",
            "--stop-signal",
            "QUIT",
            "--stop-timeout",
            "60",
            "a",
            "nobody",
            "b",
        ]);
        ran.expect_error(125, &["no such container: nobody"]);
        assert_eq!(ran.stdout, "a\nb\n");
        for name in ["a", "b"] {
            let config = &inspected(&home, name)["config"];
            assert_eq!(config["labels"], serde_json::json!(["app=db", "blue"]));
            assert_eq!(config["stop_timeout"], 60);
        }
        let ready = || home.run(&["logs", "a"]).stdout.contains("ready");
        assert!(eventually(Duration::from_secs(10), ready));
        home.run(&["stop", "a"]).success();
        assert_eq!(home.run(&["wait", "a"]).success(), "9");
    });
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name=c", "--rm", "--log-driver=none", "sleep", "1000"]);
        let before = inspected(&home, "c")["config"].clone();
        home.run(&["update", "c"]).expect_error(125, &["nothing to change", "--restart"]);
        for (wrong, why) in [
            ("--restart=often", "often"),
            ("--restart=always", "removed"),
            ("--log-max-size=1m", "no log files"),
            ("--log-max-size=0", "no size"),
            ("--log-max-files=0", "0"),
            ("--stop-signal=LOUD", "LOUD"),
        ] {
            home.run(&["update", "--stop-timeout=3", wrong, "c"]).expect_error(125, &[why]);
        }
        assert_eq!(inspected(&home, "c")["config"], before);
    });
}

#[test]
fn a_change_is_an_event() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name=c", "sleep", "1000"]);
        let events = home.events(&["--json"]);
        home.run(&["update", "--stop-timeout=3", "c"]).success();
        assert_eq!(events.json()["event"], "update");
    });
}
