//! Whatever ends, fails or is killed: no group is left that nobody knows.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::ground::{Ground, on_each};
use crate::common::{Who, eventually, helper};

fn number(ground: &Ground, of: &str) -> Pid {
    Pid::from_raw(ground.inspect()["state"][of].as_i64().unwrap() as i32)
}

#[test]
fn a_start_that_fails_leaves_no_group() {
    on_each(&["unified", "freezer"], |ground| {
        for side in ["outside", "inside"] {
            for step in [1, 2, 3, 5] {
                let parent = format!("--cgroup-parent=/{}", ground.parent);
                for words in [&["run", &parent, "true"][..], &["run", "-d", &parent, "true"]] {
                    let ran = ground.nsctl(words).env("NSCTL_TEST_FAIL", format!("{side}:{step}"));
                    let (ran, tag) = ran.detached();
                    tag.expect_none_within(Duration::from_secs(5));
                    // There are only two steps outside.
                    if side == "inside" || step <= 2 {
                        ran.expect_code(125);
                    }
                    ground.expect_no_group();
                    assert_eq!(ground.noted(), 0, "{side} {step}");
                }
            }
        }
    });
}

#[test]
fn a_group_that_a_crash_left_is_made_anew() {
    on_each(&["unified"], |ground| {
        ground.start(&["sleep", "1000"]);
        ground.run(&["stop", "c"]).success();
        let id = ground.inspect()["id"].as_str().unwrap().to_string();
        let left = ground.directory("unified").join(format!("nsctl-{id}"));
        let group = ground.make(&left, "below");
        ground.run(&["start", "c"]).success();
        assert!(!group.exists());
        assert_eq!(ground.groups().len(), 1);
    });
}

#[test]
fn groups_that_were_made_in_a_group_go_with_it() {
    on_each(&["unified", "pids"], |ground| {
        ground.start(&["sleep", "1000"]);
        for group in ground.groups() {
            ground.make(&group, "a/b");
            ground.make(&group, "c");
        }
        ground.run(&["stop", "c"]).success();
        ground.expect_no_group();
    });
}

#[test]
fn what_is_left_of_a_container_killed_with_its_shim_goes_with_the_next_command() {
    for verb in [&["stop", "c"][..], &["rm", "c"], &["rm", "-f", "c"], &["prune"], &["start", "c"]]
    {
        for hierarchies in [&["unified"][..], &["freezer"], &["pids"]] {
            on_each(hierarchies, |ground| {
                // What forks survives where no pid namespace ends all.
                let script = "setsid sleep 1000 & sleep 1001";
                ground.start(&["--pid=host", "sh", "-c", script]);
                let group = ground.groups()[0].clone();
                assert!(eventually(Duration::from_secs(10), || ground.processes(&group).len() == 4));
                // The init would end all, were it not killed first; the shim, did it not sleep.
                let (shim, init) = (number(ground, "shim"), number(ground, "pid"));
                for (process, signal) in
                    [(shim, Signal::SIGSTOP), (init, Signal::SIGKILL), (shim, Signal::SIGKILL)]
                {
                    kill(process, signal).unwrap();
                }
                let dead = || ground.inspect()["state"]["status"] == "dead";
                assert!(eventually(Duration::from_secs(10), dead));
                let before = ground.processes(&group);
                assert!(!before.is_empty());
                ground.run(verb).success();
                let expected = if verb[0] == "start" { 1 } else { 0 };
                assert_eq!(ground.groups().len(), expected, "{verb:?} {hierarchies:?}");
                for pid in before {
                    let is_gone = || {
                        let state = fs::read_to_string(format!("/proc/{pid}/stat"));
                        state.is_err() || state.is_ok_and(|text| text.contains(") Z "))
                    };
                    assert!(eventually(Duration::from_secs(5), is_gone), "{pid} lives");
                }
            });
        }
    }
}

#[test]
fn whoever_is_killed_in_the_foreground_the_group_goes() {
    on_each(&["unified"], |ground| {
        let parent = format!("--cgroup-parent=/{}", ground.parent);
        for victims in [&["nsctl"][..], &["shim"], &["shim", "nsctl"]] {
            let words = ["run", &parent, "--pid=host", "sh", "-c", "sleep 1000 & sleep 1001"];
            let mut command = ground.nsctl(&words);
            let mut child = command.spawn();
            let group = || ground.groups().first().cloned();
            let runs = || group().is_some_and(|group| ground.processes(&group).len() == 4);
            assert!(eventually(Duration::from_secs(10), runs));
            let init = ground.processes(&group().unwrap())[0];
            let parent_of = |pid: i32| -> i32 {
                let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
                text.rsplit_once(')').unwrap().1.split_whitespace().nth(1).unwrap().parse().unwrap()
            };
            let shim = parent_of(init);
            for victim in victims {
                let pid = if *victim == "shim" { shim } else { child.id() as i32 };
                kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
            }
            child.wait().unwrap();
            let gone = || {
                if victims.len() == 2 {
                    // Nobody was left to do it: the next one does, once they have ended.
                    ground.run_in_group(&["true"]).success();
                }
                ground.groups().is_empty()
            };
            let is_gone = eventually(Duration::from_secs(10), gone);
            assert!(is_gone, "{victims:?}: {:?}", ground.groups());
            command.tag.expect_none_within(Duration::from_secs(5));
        }
        // One that was killed as its nsctl was leaves its note to the next.
        ground.run_in_group(&["true"]).success();
        assert_eq!(ground.noted(), 0);
    });
}

/// Where no pid namespace ends all of it, its init does when the shim is gone: at once, by the
/// group. Not even processes that never stay escape.
#[test]
fn all_in_the_group_ends_with_the_shim() {
    let hop = helper("hop");
    let hop = hop.each_ref().map(String::as_str);
    for start in [&["sh", "-c", "setsid sleep 1000 & sleep 1001 & sleep 1002"], &hop] {
        on_each(&["unified"], |ground| {
            ground.start(&[&["--pid=host"][..], start].concat());
            ground.run(&["exec", "-d", "c", "sleep", "1000"]).success();
            let group = ground.groups()[0].clone();
            kill(number(ground, "shim"), Signal::SIGKILL).unwrap();
            let empty = || ground.processes(&group).is_empty();
            assert!(eventually(Duration::from_secs(10), empty), "{:?}", ground.processes(&group));
            ground.run(&["rm", "c"]).success();
            ground.expect_no_group();
        });
    }
}

#[test]
fn a_container_whose_group_cannot_be_removed_stays_known() {
    on_each(&["unified"], |ground| {
        if ground.who == Who::Root {
            // Nobody can keep root from it.
            return;
        }
        ground.start(&["--rm", "sleep", "1000"]);
        let group = ground.groups()[0].clone();
        let strangers = ground.make(&group, "a/b");
        std::os::unix::fs::chown(strangers.parent().unwrap(), Some(0), Some(0)).unwrap();
        ground.run(&["kill", "c"]).expect_code(125);
        ground
            .run(&["rm", "c"])
            .expect_error(125, &["cannot remove the control group of c", "EACCES"]);
        assert_eq!(ground.inspect()["state"]["status"], "exited");
        fs::remove_dir(strangers).unwrap();
        ground.run(&["rm", "c"]).success();
        ground.expect_no_group();
    });
}
