//! Many at once.

use super::Home;
use crate::common::as_each;

/// A hundred where there is time for it (NSCTL_TEST_SECONDS).
fn many() -> usize {
    if std::env::var_os("NSCTL_TEST_SECONDS").is_some() { 100 } else { 12 }
}

#[test]
fn of_those_who_want_one_name_one_gets_it() {
    as_each(|who| {
        let home = Home::new(who);
        let mut all: Vec<_> = (0..many())
            .map(|_| home.nsctl(&["run", "-d", "--name", "same", "sleep", "1000"]))
            .collect();
        let children: Vec<_> = all.iter_mut().map(super::Nsctl::spawn).collect();
        let ran: Vec<_> =
            children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
        assert_eq!(ran.iter().filter(|ran| ran.status.success()).count(), 1);
        for lost in ran.iter().filter(|ran| !ran.status.success()) {
            let said = String::from_utf8_lossy(&lost.stderr);
            assert!(said.contains("the name same is taken"), "{said}");
        }
        assert_eq!(home.list().len(), 1);
    });
}

#[test]
fn many_are_started_stopped_and_removed_at_once() {
    as_each(|who| {
        let home = Home::new(who);
        let names: Vec<String> = (0..many()).map(|i| format!("c{i}")).collect();
        for words in [vec!["run", "-d", "--name"], vec!["stop", "-t", "5"], vec!["rm", "-f"]] {
            let mut all: Vec<_> = names
                .iter()
                .map(|name| {
                    let mut words = words.clone();
                    words.push(name);
                    if words[0] == "run" {
                        words.extend(["sleep", "1000"]);
                    }
                    home.nsctl(&words)
                })
                .collect();
            let children: Vec<_> = all.iter_mut().map(super::Nsctl::spawn).collect();
            // Whoever looks meanwhile sees each as it is or not at all.
            home.run(&["ps", "-a"]).success();
            for child in children {
                let ran = child.wait_with_output().unwrap();
                assert!(ran.status.success(), "{words:?}: {ran:?}");
            }
            home.run(&["ps", "-a"]).success();
        }
        assert_eq!(home.left(), [""; 0]);
    });
}

/// The caller of the first run may end while the second is being made.
#[test]
fn no_run_is_lost_when_the_caller_leaves() {
    as_each(|who| {
        let home = Home::new(who);
        for _ in 0..10 {
            home.start(&[
                "--name",
                "c",
                "--restart",
                "on-failure:2",
                "sh",
                "-c",
                "echo once; exit 3",
            ]);
            home.run(&["wait", "c"]).success();
            assert_eq!(home.run(&["logs", "c"]).success(), "once\nonce\nonce");
            home.run(&["rm", "c"]).success();
        }
    });
}

/// Whatever they do to each other, each does what it was asked for or says why not.
#[test]
fn verbs_that_meet_at_random_leave_order() {
    as_each(|who| {
        let home = Home::new(who);
        // Not the beginnings of ids.
        let names = ["x", "y", "z"];
        let verbs: [&[&str]; 8] = [
            &["run", "-d", "--name", "NAME", "sleep", "1000"],
            &["run", "-d", "--rm", "--name", "NAME", "true"],
            &["stop", "-t", "5", "NAME"],
            &["rm", "-f", "NAME"],
            &["rm", "NAME"],
            &["start", "NAME"],
            &["exec", "NAME", "true"],
            &["rename", "NAME", "OTHER"],
        ];
        let reasons = [
            "no such container",
            "is taken",
            "not running",
            "is running",
            "runs already",
            "ended meanwhile",
            "was removed",
        ];
        let directory = home.directory().clone();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let directory = &directory;
                scope.spawn(move || {
                    for round in 0..many() {
                        // Each in an order of its own, and every pair meets.
                        let verb = verbs[(round * (2 * thread + 1) + thread) % verbs.len()];
                        let name = names[(round + thread) % 3];
                        let other = names[(round + thread + 1) % 3];
                        let words = verb.iter().map(|&word| match word {
                            "NAME" => name,
                            "OTHER" => other,
                            word => word,
                        });
                        let mut nsctl =
                            crate::common::nsctl(who, words).env("NSCTL_STATE_DIR", directory);
                        let ran = nsctl.spawn().wait_with_output().unwrap();
                        let said = String::from_utf8_lossy(&ran.stderr);
                        let known = reasons.iter().any(|reason| said.contains(reason));
                        let fine = match ran.status.code() {
                            Some(0) => true,
                            Some(125) => known,
                            // Killed with its container.
                            Some(137 | 143) => verb[0] == "exec",
                            _ => false,
                        };
                        assert!(fine, "{verb:?}: {ran:?}");
                    }
                });
            }
        });
        for container in home.list() {
            let name = container["name"].as_str().unwrap().to_string();
            let ran = home.run(&["rm", "-f", &name]);
            assert!(ran.code == Some(0) || home.status(&name) == "none", "{ran:?}");
        }
        assert_eq!(home.left(), [""; 0]);
    });
}
