//! What people look at: top, stats, events; and what ends by itself.

use std::io::Read;
use std::time::Duration;

use super::Home;
use crate::common::{Watch, as_each, eventually};

#[test]
fn top_shows_each_process_from_both_sides() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sh", "-c", "sleep 1001 & exec sleep 1000"]);
        // The words of the shell, and of the init, hold those of both.
        let look = || -> Vec<serde_json::Value> {
            let text = home.run(&["top", "--json", "c"]).success().to_string();
            serde_json::from_str(&text).unwrap()
        };
        assert!(eventually(Duration::from_secs(10), || look().len() == 3));
        let all = look();
        let inside: Vec<_> = all.iter().map(|one| one["pid_inside"].as_i64().unwrap()).collect();
        assert_eq!(inside, [1, 2, 3]);
        let pid = home.run(&["inspect", "--pid", "c"]).success().to_string();
        assert_eq!(all[0]["pid"].to_string(), pid);
        assert!(all.iter().all(|one| one["user"] == 0), "{all:?}");
        home.run(&["stop", "c"]).success();
        home.run(&["top", "c"]).expect_error(125, &["not running"]);
    });
}

#[test]
fn a_process_that_calls_itself_something_does_not_speak_to_the_terminal() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "bash", "-c", "exec -a $'\\e[31mred' sleep 1000"]);
        let named = || home.run(&["top", "c"]).stdout.contains("31mred");
        assert!(eventually(Duration::from_secs(10), named));
        assert!(!home.run(&["top", "c"]).stdout.contains('\x1b'));
    });
}

#[test]
fn stats_tells_who_works() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "idle", "sleep", "1000"]);
        home.start(&["--name", "busy", "sh", "-c", "while :; do :; done"]);
        let text = home.run(&["stats", "--no-stream", "--json"]).success().to_string();
        let all: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        let of = |name: &str| all.iter().find(|one| one["name"] == name).unwrap();
        let percent = |name: &str| of(name)["cpu_percent"].as_f64().unwrap();
        assert!(percent("busy") > 5.0 && percent("idle") < 5.0, "{text}");
        assert!(of("idle")["memory_bytes"].as_u64().unwrap() > 100_000, "{text}");
        assert_eq!(of("idle")["processes"], 2);
        home.run(&["stats", "--no-stream", "nobody", "idle"]).expect_error(125, &["nobody"]);
    });
}

#[test]
fn stats_says_what_it_cannot_count() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "shared", "--pid", "host", "sleep", "1000"]);
        let ran = home.run(&["stats", "--no-stream", "shared"]);
        ran.expect_error(125, &["shared shares the host's process ids", "--cgroup-parent"]);
        home.start(&["--name", "own", "sleep", "1000"]);
        let words = ["stats", "--no-stream", "--format", "{{.Name}}"];
        let ran = home.run(&[&words[..], &["shared", "own"]].concat());
        ran.expect_error(125, &["shared shares the host's process ids"]);
        assert_eq!((ran.stdout.as_str(), ran.stderr.matches("nsctl:").count()), ("own\n", 1));
        // Who named none is not told of each that cannot be counted.
        let ran = home.run(&words);
        assert_eq!((ran.success(), ran.stderr.as_str()), ("own", ""));
    });
}

#[test]
fn stats_ends_with_the_last_of_those_it_was_asked_for() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "a", "sleep", "1000"]);
        home.start(&["--name", "b", "sleep", "1000"]);
        let names = ["stats", "--format", "{{.Name}}", "a", "nobody", "b"];
        let mut stats = Watch::start(home.nsctl(&names));
        let until = |name: &str| while stats.line() != name {};
        until("a");
        until("b");
        home.run(&["rm", "-f", "a"]).success();
        // Those in which it was still there, and one without it.
        (0..3).for_each(|_| until("b"));
        home.run(&["rm", "-f", "b"]).success();
        stats.rest();
        let status = stats.child.wait().unwrap();
        let mut said = String::new();
        stats.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(status.code(), Some(125), "{said}");
        for name in ["a", "b", "nobody"] {
            assert_eq!(said.matches(&format!("no such container: {name}")).count(), 1, "{said}");
        }
    });
}

#[test]
fn events_tell_what_happens() {
    as_each(|who| {
        let home = Home::new(who);
        let events = home.events(&["--json"]);
        let expect = |what: &[&str], name: &str| {
            for what in what {
                let event = events.json();
                assert_eq!((&event["event"], &event["name"]), (&(*what).into(), &name.into()));
            }
        };
        home.start(&["--name", "c", "sleep", "1000"]);
        expect(&["create", "start"], "c");
        home.run(&["pause", "c"]).success();
        expect(&["pause"], "c");
        home.run(&["unpause", "c"]).success();
        expect(&["unpause"], "c");
        home.run(&["rename", "c", "d"]).success();
        expect(&["rename"], "d");
        home.run(&["stop", "d"]).success();
        expect(&["die"], "d");
        home.run(&["rm", "d"]).success();
        expect(&["destroy"], "d");
    });
}

/// A name may look like a number, or like a truth.
#[test]
fn events_tell_names_as_they_are() {
    as_each(|who| {
        let home = Home::new(who);
        let events = home.events(&["--json", "--filter=event=rename"]);
        home.start(&["--name", "007", "sleep", "1000"]);
        for (old, new) in [("007", "true"), ("true", "a")] {
            home.run(&["rename", old, new]).success();
            let told = events.json();
            assert_eq!((&told["old_name"], &told["name"]), (&old.into(), &new.into()), "{told}");
        }
    });
}

#[test]
fn one_that_runs_too_long_is_killed() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "--timeout", "1", "sleep", "1000"]);
        assert_eq!(home.run(&["wait", "c"]).success(), "137");
        home.run(&["run", "--timeout", "1", "sleep", "1000"]).expect_code(137);
        home.run(&["run", "--timeout", "60", "sh", "-c", "exit 3"]).expect_code(3);
        home.run(&["run", "--timeout", "0", "true"]).expect_code(125);
    });
}

#[test]
fn a_command_of_exec_can_be_left_to_itself() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sleep", "1000"]);
        let ran = home.run(&["exec", "-d", "c", "sh", "-c", "echo unheard; exec sleep 1001"]);
        assert_eq!(ran.success(), "");
        let there = || home.run(&["top", "c"]).stdout.contains("sleep 1001");
        assert!(eventually(Duration::from_secs(10), there));
        home.run(&["exec", "-d", "c", "/nonexistent"]).expect_error(127, &["/nonexistent"]);
        assert_eq!(home.status("c"), "running");
        home.run(&["stop", "c"]).success();
        // Its command is gone with it, and so is who watched that.
    });
}

#[test]
fn a_log_that_is_followed_ends_with_its_container() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sh", "-c", "echo here; exec sleep 1000"]);
        let mut logs = Watch::start(home.nsctl(&["logs", "-f", "c"]));
        assert_eq!(logs.line(), "here");
        home.run(&["rm", "-f", "c"]).success();
        assert!(logs.rest().is_empty());
        assert_eq!(logs.child.wait().unwrap().code(), Some(0));
        home.run(&["run", "-d", "--log-driver", "syslog", "true"])
            .expect_error(125, &["writes files", "nsctl logs -f"]);
    });
}
