//! Verbs that meet: who only looks hinders nobody, and who ends one meets it in any state.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Home, at_once, has_range};
use crate::common::{Who, as_each, eventually, nsctl, skip};

#[test]
fn who_only_looks_hinders_nobody() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "true"]);
        home.run(&["wait", "c"]).success();
        let done = AtomicBool::new(false);
        let directory = home.directory().clone();
        let run =
            |words: &[&str]| nsctl(who, words).env("NSCTL_STATE_DIR", &directory).detached().0;
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        run(&["ps", "-a", "-q"]).success();
                    }
                });
            }
            let both = |_| [run(&["start", "c"]), run(&["wait", "c"])];
            let ran = scope.spawn(move || (0..15).flat_map(both).collect::<Vec<_>>()).join();
            // Also when one of them hangs, or those who look would for ever.
            done.store(true, Ordering::Relaxed);
            for one in ran.unwrap() {
                one.success();
            }
        });
    });
}

/// The shim says how it ended before it ends itself.
#[test]
fn who_waited_for_the_end_may_remove_or_start() {
    as_each(|who| {
        let home = Home::new(who);
        for _ in 0..15 {
            home.start(&["--name", "c", "true"]);
            home.run(&["wait", "c"]).success();
            home.run(&["start", "c"]).success();
            home.run(&["wait", "c"]).success();
            home.run(&["rm", "c"]).success();
        }
        assert_eq!(home.left(), [""; 0]);
    });
}

#[test]
fn one_that_is_still_being_made_can_be_removed() {
    // Its ids are mapped by a helper that takes its time.
    let who = Who::User;
    if !has_range(who) {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        return skip("a helper of root's is made by root, and the tests run as a user");
    }
    let home = Home::new(who);
    let bin = who.directory();
    let slow = bin.join("newuidmap");
    let real =
        ["/usr/bin/newuidmap", "/bin/newuidmap"].into_iter().find(|p| fs::exists(p).unwrap());
    let Some(real) = real else { return skip("no newuidmap") };
    let mark = bin.join("called");
    let mark = mark.display();
    fs::write(&slow, format!("#!/bin/sh\n: > {mark}\nsleep 0.7\nexec {real} \"$@\"\n")).unwrap();
    // A script gains nothing by it, but it is looked for.
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o4755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    for verb in [&["rm", "-f", "c"][..], &["stop", "c"]] {
        let mut run = home.nsctl(&["run", "-d", "--map-auto", "--name", "c", "sleep", "1000"]);
        run.command.env("PATH", &path);
        let child = run.spawn();
        let made = || bin.join("called").exists();
        if !eventually(Duration::from_secs(10), made) {
            panic!("{:?}", child.wait_with_output());
        }
        home.run(verb).success();
        let ran = child.wait_with_output().unwrap();
        assert!(ran.status.code().is_some(), "{ran:?}");
        let _ = fs::remove_file(bin.join("called"));
        assert_ne!(home.status("c"), "running");
    }
}

#[test]
fn of_those_who_start_one_at_once_one_does() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sleep", "1000"]);
        home.run(&["stop", "c"]).success();
        let ran = at_once((0..6).map(|_| home.nsctl(&["start", "c"])));
        assert_eq!(ran.iter().filter(|ran| ran.code == Some(0)).count(), 1, "{ran:?}");
        assert_eq!(home.status("c"), "running");
    });
}

#[test]
fn one_that_fails_to_start_again_is_as_it_was() {
    as_each(|who| {
        let home = Home::new(who);
        let program = who.directory().join("program");
        crate::common::install("/bin/sh", &program, 0o755);
        home.start(&["--name", "c", program.to_str().unwrap(), "-c", "exit 4"]);
        home.run(&["wait", "c"]).success();
        fs::remove_file(&program).unwrap();
        home.run(&["start", "c"]).expect_error(127, &["program", "c was not started"]);
        assert_eq!(home.status("c"), "exited");
        assert_eq!(home.run(&["wait", "c"]).success(), "4");
    });
}

#[test]
fn one_that_was_killed_while_paused_is_not_paused_when_it_lives_again() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sleep", "1000"]);
        home.run(&["pause", "c"]).success();
        home.run(&["kill", "c"]).success();
        home.run(&["start", "c"]).success();
        assert_eq!(home.status("c"), "running");
    });
}

#[test]
fn one_that_got_another_name_is_removed_with_it() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--rm", "--name", "old", "sleep", "1000"]);
        home.run(&["rename", "old", "new"]).success();
        home.run(&["stop", "new"]).success();
        assert!(eventually(Duration::from_secs(5), || home.left().is_empty()), "{:?}", home.left());
    });
}
