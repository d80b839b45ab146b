//! Who is in the group of a container.

use std::fs;

use super::ground::{Ground, on_each};
use crate::common::{Who, as_each};

/// Of a process, in each hierarchy of the test: `CONTROLLERS:PATH`.
fn places(pid: &str, wanted: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let lines = text.lines().filter(|line| line.contains(wanted));
    lines.map(|line| line.split_once(':').unwrap().1.to_string()).collect()
}

#[test]
fn a_container_is_in_a_group_of_its_own_which_goes_with_it() {
    for hierarchies in [&["unified"][..], &["freezer", "memory"], &["unified", "pids", "cpuacct"]] {
        on_each(hierarchies, |ground| {
            ground.start(&["sleep", "1000"]);
            let groups = ground.groups();
            assert_eq!(groups.len(), hierarchies.len(), "{groups:?}");
            let pid = ground.run(&["inspect", "--pid", "c"]).success().to_string();
            let id = ground.inspect()["id"].as_str().unwrap().to_string();
            let name = format!("{}/nsctl-{id}", ground.parent);
            let places = places(&pid, &name);
            assert_eq!(places.len(), hierarchies.len(), "{places:?}");
            assert!(groups.iter().all(|path| path.ends_with(&name)), "{groups:?}");
            for group in &groups {
                // nsinit and the command; the shim is not in it.
                assert_eq!(ground.processes(group).len(), 2, "{group:?}");
            }
            ground.run(&["stop", "c"]).success();
            ground.expect_no_group();
            // As it was asked, again.
            ground.run(&["start", "c"]).success();
            assert_eq!(ground.groups(), groups);
            ground.run(&["rm", "-f", "c"]).success();
            ground.expect_no_group();
        });
    }
}

#[test]
fn a_container_in_the_foreground_has_a_group_and_leaves_none() {
    on_each(&["unified", "freezer"], |ground| {
        let script = format!("cat /proc/1/cgroup; ls -d {}", "/sys/fs/cgroup/unified");
        let ran = ground.run_in_group(&["sh", "-c", &script]);
        // In a cgroup namespace of its own, made in the group, its path is /.
        let inside = |line: &&str| line.starts_with("0::") || line.contains(":freezer:");
        let paths: Vec<&str> = ran.stdout.lines().filter(inside).collect();
        assert!(paths.len() == 2 && paths.iter().all(|line| line.ends_with(":/")), "{ran:?}");
        let host = ["--share", "cgroup,user", "cat", "/proc/self/cgroup"];
        let host = match ground.who {
            Who::Root => ground.run_in_group(&host),
            Who::User => ground.run_in_group(&["--cgroupns=host", "cat", "/proc/self/cgroup"]),
        };
        assert_eq!(host.success().matches(&format!("/{}/nsctl-", ground.parent)).count(), 2);
        ground.run_in_group(&["sh", "-c", "exit 7"]).expect_code(7);
        ground.run_in_group(&["/nonexistent"]).expect_error(127, &["/nonexistent"]);
        ground.expect_no_group();
        assert_eq!(ground.noted(), 0);
    });
}

#[test]
fn a_parent_is_named_by_path_of_either_kind_or_below_the_own_group() {
    on_each(&["unified"], |ground| {
        let show = ["--cgroupns=host", "cat", "/proc/self/cgroup"];
        let in_parent = |parent: &str| {
            let option = format!("--cgroup-parent={parent}");
            let ran = ground.run(&[&["run", &option], &show[..]].concat());
            let line = ran.success().lines().find(|line| line.starts_with("0::")).unwrap();
            line.rsplit_once("/nsctl-").unwrap().0.to_string()
        };
        let parent = &ground.parent;
        assert!(in_parent(&format!("/{parent}")).ends_with(parent));
        assert!(in_parent(&format!("/sys/fs/cgroup/unified/{parent}")).ends_with(parent));
        assert!(in_parent(".").ends_with(&format!("{parent}/own")));
    });
}

#[test]
fn each_start_of_a_container_has_a_new_group() {
    on_each(&["unified"], |ground| {
        let script = "cat /proc/1/cgroup | grep -c ^0::/$; exit 3";
        ground.start(&["--restart=on-failure:2", "sh", "-c", script]);
        assert_eq!(ground.run(&["wait", "c"]).success(), "3");
        assert_eq!(ground.run(&["logs", "c"]).success(), "1\n1\n1");
        ground.expect_no_group();
    });
}

#[test]
fn without_the_option_a_container_is_in_the_callers_group() {
    as_each(|who| {
        let Some(ground) = Ground::new(who, &["unified"]) else { return };
        let show = "grep ^0:: /proc/self/cgroup";
        let ran = ground.run(&["run", "--cgroupns=host", "sh", "-c", show]);
        assert!(ran.success().ends_with(&format!("/{}/own", ground.parent)), "{ran:?}");
    });
}

#[test]
fn the_plan_shows_how_a_group_is_made_and_entered() {
    on_each(&["unified", "freezer"], |ground| {
        let plan = ground.run_in_group(&["--dry-run", "true"]);
        let unified = format!("/sys/fs/cgroup/unified/{}/nsctl-ID", ground.parent);
        let freezer = format!("/sys/fs/cgroup/freezer/{}/nsctl-ID", ground.parent);
        for part in [
            format!("outside  mkdir(\"{unified}\", 0755)"),
            format!("CLONE_INTO_CGROUP, cgroup=\"{unified}\""),
            format!("outside  mkdir(\"{freezer}\", 0755)"),
            format!("inside   write(\"{freezer}/tasks\", \"0\")"),
            "inside   unshare(CLONE_NEWCGROUP)".into(),
        ] {
            assert!(plan.success().contains(&part), "{part} is not in:\n{}", plan.stdout);
        }
        ground.expect_no_group();
        let option = format!("--cgroup-parent=/{}", ground.parent);
        let explained = ground.run(&["explain", "run", &option, "true"]);
        assert!(explained.success().contains("cgroups(7)"), "{explained:?}");
    });
}
