//! Many at once.

use super::Home;
use crate::common::as_each;

const MANY: usize = 12;

#[test]
fn of_those_who_want_one_name_one_gets_it() {
    as_each(|who| {
        let home = Home::new(who);
        let mut all: Vec<_> = (0..MANY)
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
        let names: Vec<String> = (0..MANY).map(|i| format!("c{i}")).collect();
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
