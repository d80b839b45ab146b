//! Containers of every kind on their own: without an init, in shared and joined namespaces, with
//! ranges of ids, as other users.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Home, has_range};
use crate::common::{Who, as_each, busybox_root, eventually};

#[test]
fn without_an_init_it_lives_and_ends_likewise() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&[
            "--no-init",
            "--name",
            "c",
            "sh",
            "-c",
            "trap 'exit 3' TERM; while :; do sleep 0.05; done",
        ]);
        assert_eq!(home.status("c"), "running");
        assert_eq!(home.run(&["exec", "c", "sh", "-c", "exit 5"]).code, Some(5));
        // As PID 1 it gets no signal that it has no handler for; its handler comes with time.
        std::thread::park_timeout(Duration::from_millis(200));
        home.run(&["stop", "c"]).success();
        assert_eq!(home.run(&["wait", "c"]).success(), "3");
        home.run(&["run", "-d", "--no-init", "/nonexistent"]).expect_error(127, &["/nonexistent"]);
        home.run(&["run", "-d", "--no-init", "/etc/passwd"]).expect_error(126, &["/etc/passwd"]);
        home.run(&["run", "-d", "/etc/passwd"]).expect_error(126, &["/etc/passwd"]);
        home.run(&["rm", "c"]).success();
        assert_eq!(home.left(), [""; 0]);
    });
}

#[test]
fn with_the_hosts_processes_in_sight_nothing_of_it_stays() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--pid", "host", "--name", "c", "sh", "-c", "setsid sleep 1000 & sleep 1001"]);
        assert_eq!(home.status("c"), "running");
        home.run(&["exec", "c", "true"]).success();
        home.run(&["pause", "c"]).expect_error(125, &["shares the host's process ids"]);
        home.run(&["stop", "c"]).success();
        assert_eq!(home.status("c"), "exited");
        // What is left is found when the test ends.
    });
}

#[test]
fn it_ends_with_its_command_whatever_that_left_running() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sh", "-c", "setsid sleep 1000 & echo on; exit 4"]);
        assert_eq!(home.run(&["wait", "c"]).success(), "4");
        assert_eq!(home.run(&["logs", "c"]).success(), "on");
    });
}

#[test]
fn with_ranges_of_ids_it_is_entered_and_ended_by_its_owner() {
    as_each(|who| {
        if !has_range(who) {
            return;
        }
        let home = Home::new(who);
        let script = "trap '' TERM; while :; do sleep 0.05; done";
        let maps = match who {
            Who::Root => ["--map-users=0:100000:65536", "--map-groups=0:100000:65536"],
            Who::User => ["--map-users=auto", "--map-groups=auto"],
        };
        home.start(&[
            "--userns",
            "new",
            maps[0],
            maps[1],
            "--user",
            "5:7",
            "--stop-timeout",
            "0",
            "--name",
            "c",
            "sh",
            "-c",
            script,
        ]);
        assert_eq!(home.run(&["exec", "c", "sh", "-c", "id -u; id -g"]).success(), "5\n7");
        assert_eq!(home.run(&["exec", "-u", "9", "c", "id", "-u"]).success(), "9");
        home.run(&["pause", "c"]).success();
        home.run(&["unpause", "c"]).success();
        home.run(&["stop", "c"]).success();
        assert_eq!(home.run(&["wait", "c"]).success(), "137");
    });
}

#[test]
fn exec_is_the_containers_user() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--keep-id", "--userns", "new", "--name", "c", "sleep", "1000"]);
        let uid = who.uid().to_string();
        assert_eq!(home.run(&["exec", "c", "id", "-u"]).success(), uid);
        let rights = "grep ^CapEff /proc/self/status; grep ^CapEff /proc/2/status";
        let ran = home.run(&["exec", "c", "sh", "-c", rights]);
        let (own, first) = ran.success().split_once('\n').unwrap();
        assert_eq!(own, first);
    });
}

/// What was taken once is there for every run: volumes, a root, joined namespaces.
#[test]
fn one_that_comes_back_has_all_that_it_had() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let home = Home::new(who);
        let volume = who.directory();
        crate::common::write_as(who, volume.join("word"), "word\n");
        home.start(&["--name", "db", "--hostname", "db", "sleep", "1000"]);
        let volume = format!("{}:/v:ro", volume.display());
        for more in [
            &["--rootfs", root.to_str().unwrap()][..],
            &["--rootfs", root.to_str().unwrap(), "--overlay"],
            &["--uts", "container:db", "--net", "container:db", "-v", &volume],
        ] {
            let mut words = vec![
                "--name",
                "c",
                "--restart",
                "on-failure:2",
                "--log-max-size",
                "1k",
                "--log-max-files",
                "9",
            ];
            words.extend(more);
            let volumes = !more.contains(&"--uts");
            if volumes {
                words.extend(["-v", &volume]);
            }
            words.extend([
                "--",
                "sh",
                "-c",
                if volumes { "cat /v/word; exit 3" } else { "cat /v/word; uname -n; exit 3" },
            ]);
            home.start(&words);
            assert_eq!(home.run(&["wait", "c"]).success(), "3");
            let once = if volumes { "word\n" } else { "word\ndb\n" };
            assert_eq!(home.run(&["logs", "c"]).stdout, once.repeat(3), "{more:?}");
            home.run(&["rm", "c"]).success();
        }
    });
}

#[test]
fn one_whose_program_is_gone_when_it_comes_back_has_exited() {
    as_each(|who| {
        let home = Home::new(who);
        let program = who.directory().join("program");
        crate::common::install("/bin/sh", &program, 0o755);
        let script = "rm $0; exit 3";
        let path = program.to_str().unwrap();
        home.start(&["--name", "c", "--restart", "on-failure:2", path, "-c", script, path]);
        let gone = || home.status("c") == "exited";
        assert!(eventually(Duration::from_secs(20), gone), "{}", home.status("c"));
        assert_eq!(home.run(&["wait", "c"]).success(), "127");
    });
}

/// Who knows only the shim reaches the workload.
#[test]
fn a_signal_to_the_shim_reaches_the_workload() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sleep", "1000"]);
        let text = home.run(&["inspect", "c"]).success().to_string();
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        let shim = Pid::from_raw(all[0]["state"]["shim"].as_i64().unwrap() as i32);
        kill(shim, Signal::SIGTERM).unwrap();
        assert_eq!(home.run(&["wait", "c"]).success(), "143");
    });
}

/// CVE-2024-21626
#[test]
fn no_descriptor_of_ours_is_a_working_directory() {
    as_each(|who| {
        let home = Home::new(who);
        let outside = fs::read_dir("/").unwrap().count();
        assert!(outside > 3);
        home.start(&["--name", "c", "sleep", "1000"]);
        for number in 3..20 {
            let path = format!("/proc/self/fd/{number}");
            let ran = home.run(&["run", "-d", "-w", &path, "sleep", "1000"]);
            assert_eq!(ran.code, Some(125), "{path}: {ran:?}");
            let ran = home.run(&["exec", "-w", &path, "c", "true"]);
            assert_eq!(ran.code, Some(125), "{path}: {ran:?}");
        }
        assert_eq!(home.list().len(), 1);
    });
}
