//! Groups that cannot be made or entered: what is wrong, why, and what helps.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::ground::on_each;
use crate::common::{Who, as_each, nsctl};

#[test]
fn a_parent_that_is_not_there_is_named() {
    on_each(&["unified"], |ground| {
        let path = format!("/{}/nothing", ground.parent);
        let whole = format!("/sys/fs/cgroup/unified{path}");
        let ran = ground.run(&["run", &format!("--cgroup-parent={path}"), "true"]);
        ran.expect_error(
            125,
            &["cannot make a control group in", "there is no control group", &whole, "mkdir"],
        );
        for strange in ["../x", "/a/../b"] {
            let option = format!("--cgroup-parent={strange}");
            ground
                .run(&["run", &option, "true"])
                .expect_error(125, &["no control group is called so"]);
        }
    });
}

#[test]
fn a_parent_that_is_not_delegated_is_named_with_its_owner() {
    on_each(&["unified", "freezer"], |ground| {
        if ground.who == Who::Root {
            return;
        }
        for parent in ["/", "/sys/fs/cgroup/freezer"] {
            let ran = ground.run(&["run", &format!("--cgroup-parent={parent}"), "true"]);
            let words =
                ["belongs to user 0", "not delegated to user", "systemd-run --user", "chown"];
            ran.expect_error(125, &words);
        }
        // Of two hierarchies one is enough.
        let freezer = ground.directory("freezer");
        std::os::unix::fs::chown(&freezer, Some(0), Some(0)).unwrap();
        ground.start(&["sleep", "1000"]);
        assert_eq!(ground.groups().len(), 1);
    });
}

#[test]
fn a_hierarchy_that_is_read_only_is_named() {
    on_each(&["unified"], |ground| {
        let script = "mount -o remount,ro,bind /sys/fs/cgroup/unified";
        let mounted = ground.host(script);
        assert!(mounted, "{script}");
        let ran = ground.run(&["run", &format!("--cgroup-parent=/{}", ground.parent), "true"]);
        assert!(ground.host("mount -o remount,rw,bind /sys/fs/cgroup/unified"));
        ran.expect_error(125, &["read-only", "remount,rw"]);
    });
}

#[test]
fn where_nothing_is_mounted_that_is_said() {
    on_each(&[], |ground| {
        let ran = ground.run(&["run", "--cgroup-parent=/x", "true"]);
        ran.expect_error(125, &["no control groups", "mount -t cgroup2"]);
    });
}

#[test]
fn who_is_outside_of_what_is_delegated_is_told_where() {
    on_each(&["unified"], |ground| {
        if ground.who == Who::Root {
            return;
        }
        // Moving a process needs the right to in the group around both.
        let parent = format!("--cgroup-parent=/{}", ground.parent);
        let outside = ground.outside(&["run", &parent, "true"]).detached().0;
        let procs = "/sys/fs/cgroup/unified/cgroup.procs";
        outside.expect_error(125, &["CLONE_INTO_CGROUP", "EACCES", procs, "systemd-run"]);
        ground.expect_no_group();
        ground.start(&["sleep", "1000"]);
        let exec = ground.outside(&["exec", "c", "true"]).detached().0;
        exec.expect_error(125, &["CLONE_INTO_CGROUP", procs, "systemd-run"]);
    });
}

#[test]
fn as_many_groups_as_there_may_be_is_a_cause() {
    on_each(&["unified"], |ground| {
        let file = ground.directory("unified").join("cgroup.max.descendants");
        fs::write(&file, "1").unwrap();
        ground
            .run_in_group(&["true"])
            .expect_error(125, &["mkdir", "as many groups", "cgroup.max.descendants"]);
        fs::write(&file, "max").unwrap();
        let file = ground.directory("unified").join("cgroup.max.depth");
        fs::write(&file, "0").unwrap();
        ground
            .run_in_group(&["true"])
            .expect_error(125, &["mkdir", "nested 0 deep", "cgroup.max.depth"]);
        fs::write(&file, "max").unwrap();
    });
}

#[test]
fn a_group_for_threads_is_refused() {
    on_each(&["unified"], |ground| {
        let own = ground.directory("unified").join("threads");
        let _ = ground.make(&ground.directory("unified"), "threads/in");
        fs::write(own.join("in/cgroup.type"), "threaded").unwrap();
        let option = format!("--cgroup-parent=/{}/threads/in", ground.parent);
        let ran = ground.run(&["run", &option, "true"]);
        fs::remove_dir(own.join("in")).unwrap();
        fs::remove_dir(&own).unwrap();
        ran.expect_error(125, &["CLONE_INTO_CGROUP", "EOPNOTSUPP", "for threads", "cgroup.type"]);
    });
}

#[test]
fn what_refuses_the_next_start_is_in_the_log() {
    on_each(&["pids"], |ground| {
        ground.start(&["--restart=on-failure:1", "sleep", "1000"]);
        // From now on there is room for the init alone.
        fs::write(ground.directory("pids").join("pids.max"), "1").unwrap();
        let init = ground.inspect()["state"]["pid"].as_i64().unwrap() as i32;
        kill(Pid::from_raw(init), Signal::SIGKILL).unwrap();
        assert_eq!(ground.run(&["wait", "c"]).success(), "125");
        let logs = ground.run(&["logs", "c"]).stderr;
        assert!(logs.contains("not started again: ") && logs.contains("vfork()"), "{logs}");
        ground.run(&["rm", "c"]).success();
    });
}

#[test]
fn without_a_group_nothing_is_looked_for() {
    as_each(|who| {
        // No hierarchy is read, none is missed.
        nsctl(who, ["run", "true"]).run().success();
    });
}
