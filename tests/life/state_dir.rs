//! `--state-dir`: where containers are kept.

use std::path::Path;
use std::time::Duration;

use super::Home;
use crate::common::{Who, as_each, eventually};

/// A home whose directory is not the one that NSCTL_STATE_DIR names.
fn elsewhere(who: Who) -> (Home, String) {
    let home = Home::new(who);
    let directory = who.directory().join("elsewhere");
    (home, directory.to_str().unwrap().to_string())
}

#[test]
fn before_and_after_the_verb_it_is_the_same_directory() {
    as_each(|who| {
        let (home, directory) = elsewhere(who);
        let option = format!("--state-dir={directory}");
        home.run(&["--state-dir", &directory, "run", "-d", "--name=a", "sleep", "1000"]).success();
        home.run(&["run", "--state-dir", &directory, "-d", "--name=b", "sleep", "1000"]).success();
        assert_eq!(home.list().len(), 0);
        for words in
            [["--state-dir", &directory, "ps", "-q"], ["ps", "-q", "--state-dir", &directory]]
        {
            assert_eq!(home.run(&words).success().lines().count(), 2);
        }
        let ran = home.run(&[&option, "exec", "a", "echo", "--state-dir", "kept"]);
        assert_eq!(ran.success(), "--state-dir kept");
        let see = "readlink /proc/self/ns/net";
        let joined = home.run(&["run", &option, "--net=container:a", "sh", "-c", see]);
        let inside = home.run(&["exec", &option, "a", "sh", "-c", see]);
        assert_eq!(joined.success(), inside.success());
        home.run(&["stop", &option, "a", "b"]).success();
        home.run(&["rm", "a", "b", &option]).success();
        assert_eq!(home.run(&[&option, "ps", "-a", "-q"]).success(), "");
    });
}

#[test]
fn a_relative_one_is_found_again_from_another_directory() {
    as_each(|who| {
        let (home, directory) = elsewhere(who);
        let above = Path::new(&directory).parent().unwrap();
        let script = "echo ${NSCTL_STATE_DIR##*/}; sleep 1000";
        let mut run = home.nsctl(&[
            "run",
            "--state-dir",
            "elsewhere",
            "-d",
            "--name",
            "c",
            "sh",
            "-c",
            script,
        ]);
        run.command.current_dir(above);
        run.detached().0.success();
        let says = |text: &str| {
            let logs = || home.run(&["logs", "--state-dir", &directory, "c"]).stdout;
            assert!(eventually(Duration::from_secs(10), || logs() == text), "{}", logs());
        };
        says("state\n");
        home.run(&["stop", "--state-dir", &directory, "c"]).success();
        home.run(&["start", "--state-dir", &directory, "c"]).success();
        says("state\nstate\n");
        home.run(&["rm", "-f", "--state-dir", &directory, "c"]).success();
    });
}

#[test]
fn what_happens_there_is_told_and_nothing_of_it_stays() {
    as_each(|who| {
        let (home, directory) = elsewhere(who);
        let events = home.events(&["--json", "--state-dir", &directory]);
        home.run(&["--state-dir", &directory, "run", "-d", "--rm", "--name=c", "true"]).success();
        events.find(|event| event["event"] == "destroy");
        drop(events);
        let names = std::fs::read_dir(Path::new(&directory).join("names")).unwrap().count();
        assert_eq!(names, 0);
        home.run(&["--state-dir", "/proc", "ps"]).expect_error(125, &["/proc", "--state-dir"]);
        home.run(&["--state-dir", "", "ps"]).expect_error(125, &["--state-dir"]);
    });
}
