//! A crowd: all are listed as they are, stopped and removed at once. NSCTL_TEST_CONTAINERS says how
//! many, a hundred otherwise.

use std::collections::HashMap;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Home;
use crate::common::{as_each, eventually};

const SOON: Duration = Duration::from_secs(10);

fn count() -> usize {
    let asked = std::env::var("NSCTL_TEST_CONTAINERS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(100)
}

/// Name to status.
fn statuses(home: &Home) -> HashMap<String, String> {
    let text = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap().to_string();
    home.list().iter().map(|one| (text(one, "name"), text(one, "status"))).collect()
}

#[test]
fn a_crowd_is_listed_as_it_is_and_goes_at_once() {
    as_each(|who| {
        let home = Home::new(who);
        let count = count();
        let names: Vec<String> = (0..count).map(|at| format!("c{at}")).collect();
        for name in &names {
            home.start(&["--name", name, "sleep", "1000"]);
        }
        let running = home.run(&["ps", "-q"]);
        assert_eq!(running.success().lines().count(), count);
        let listed = statuses(&home);
        assert!(names.iter().all(|name| listed[name] == "running"), "{listed:?}");

        // Every tenth is killed with its shim, and is never shown as alive after that.
        for (at, name) in names.iter().enumerate().step_by(10) {
            let shown = home.run(&["inspect", name]).success().to_string();
            let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
            let shim = Pid::from_raw(shown[0]["state"]["shim"].as_i64().unwrap() as i32);
            kill(shim, Signal::SIGKILL).unwrap();
            assert!(eventually(SOON, || home.status(name) == "dead"), "{at}");
        }
        let listed = statuses(&home);
        for (at, name) in names.iter().enumerate() {
            assert_eq!(listed[name], if at % 10 == 0 { "dead" } else { "running" }, "{name}");
        }

        let alive: Vec<&str> = (0..count).filter(|at| at % 10 != 0).map(|at| &*names[at]).collect();
        home.run(&[&["stop", "-t", "0"], &alive[..]].concat()).success();
        assert!(statuses(&home).values().all(|status| status == "exited" || status == "dead"));
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        home.run(&[&["rm"], &all[..]].concat()).success();
        assert_eq!(home.left(), [""; 0]);
    });
}

/// What the shim repeats is what it was told when it began.
#[test]
fn a_name_that_was_given_later_outlives_shim_and_start() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "old", "sleep", "1000"]);
        home.run(&["rename", "old", "new"]).success();
        let named = |status: &str| {
            assert_eq!(statuses(&home), HashMap::from([("new".into(), status.into())]));
        };
        named("running");
        home.run(&["pause", "new"]).success();
        named("paused");
        home.run(&["unpause", "new"]).success();
        named("running");
        home.run(&["stop", "-t", "0", "new"]).success();
        named("exited");
        home.run(&["start", "new"]).success();
        named("running");
        home.run(&["rename", "new", "newest"]).success();
        home.run(&["rm", "-f", "newest"]).success();
        assert_eq!(home.left(), [""; 0]);

        home.start(&["--rm", "--name", "old", "sleep", "1000"]);
        home.run(&["rename", "old", "new"]).success();
        home.run(&["kill", "new"]).success();
        assert!(eventually(SOON, || home.left().is_empty()), "{:?}", home.left());
    });
}

/// A command line that the shim has no room to repeat.
#[test]
fn a_long_command_line_is_listed_whole() {
    as_each(|who| {
        let home = Home::new(who);
        let long = "x".repeat(5000);
        home.start(&["--name", "c", "--", "sh", "-c", "exec sleep 1000", &long]);
        let listed = home.list();
        assert_eq!(listed[0]["command"][3], long);
        assert_eq!(listed[0]["status"], "running");
    });
}
