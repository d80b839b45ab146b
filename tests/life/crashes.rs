//! Whatever is killed, `ps` does not lie, and what is left can be removed.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Home;
use crate::common::{as_each, helper};

fn number(home: &Home, of: &str) -> Pid {
    let text = home.run(&["inspect", "c"]).success().to_string();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    Pid::from_raw(all[0]["state"][of].as_i64().unwrap() as i32)
}

#[test]
fn a_container_killed_with_its_shim_is_dead_in_the_same_moment() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sh", "-c", "sleep 1000 & sleep 1001"]);
        kill(number(&home, "shim"), Signal::SIGKILL).unwrap();
        // The kernel lets go of the lock when the shim is gone; until then it runs.
        let first = home.status("c");
        assert!(["running", "dead"].contains(&first.as_str()), "{first}");
        home.run(&["wait", "c"]).expect_error(125, &["not known"]);
        assert_eq!(home.status("c"), "dead");
        home.run(&["exec", "c", "true"]).expect_error(125, &["not running"]);
        home.run(&["start", "c"]).success();
        assert_eq!(home.status("c"), "running");
        home.run(&["rm", "-f", "c"]).success();
        assert_eq!(home.left(), [""; 0]);
    });
}

#[test]
fn a_container_whose_init_is_killed_has_exited() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sh", "-c", "sleep 1000 & sleep 1001"]);
        kill(number(&home, "pid"), Signal::SIGKILL).unwrap();
        assert_eq!(home.run(&["wait", "c"]).success(), "137");
        assert_eq!(home.status("c"), "exited");
    });
}

#[test]
fn what_a_crash_left_half_made_is_no_container() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sleep", "1000"]);
        let containers = home.directory().join("containers");
        fs::create_dir(containers.join(format!(".{}", "a".repeat(64)))).unwrap();
        fs::create_dir(containers.join("b".repeat(64))).unwrap();
        fs::create_dir(containers.join("stranger")).unwrap();
        assert_eq!(home.list().len(), 1);
        let state = containers.join(home.list()[0]["id"].as_str().unwrap()).join("state");
        let whole = fs::read_to_string(&state).unwrap();
        for cut in ["", "{", &whole[..whole.trim_end().len() / 2], "[1,2]", "{\"version\":99}"] {
            fs::write(&state, cut).unwrap();
            assert_eq!(home.status("c"), "starting", "{cut}");
        }
        fs::write(&state, whole).unwrap();
        assert_eq!(home.status("c"), "running");
    });
}

#[test]
fn a_state_directory_that_cannot_be_written_is_named() {
    as_each(|who| {
        let home = Home::new(who);
        let file = who.directory().join("file");
        fs::write(&file, "").unwrap();
        let elsewhere =
            home.nsctl(&["run", "-d", "true"]).env("NSCTL_STATE_DIR", &file).detached().0;
        elsewhere.expect_error(125, &[file.to_str().unwrap(), "NSCTL_STATE_DIR"]);
        let others = home.nsctl(&["ps"]).env("NSCTL_STATE_DIR", "/proc").detached().0;
        others.expect_error(125, &["/proc"]);
    });
}

/// CVE-2021-41103, CVE-2024-25621
#[test]
fn nobody_else_reads_what_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "-e", "SECRET=1", "sleep", "1000"]);
        let mut directories = vec![home.directory().clone()];
        while let Some(directory) = directories.pop() {
            let mode = |path: &std::path::Path| {
                fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
            };
            assert_eq!(mode(&directory), 0o700, "{}", directory.display());
            for entry in fs::read_dir(&directory).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    directories.push(entry.path());
                } else if entry.file_type().unwrap().is_file() {
                    assert_eq!(mode(&entry.path()) & 0o077, 0, "{}", entry.path().display());
                }
            }
        }
        // CVE-2020-15257: no socket that another network namespace's owner could reach.
        let abstract_sockets = fs::read_to_string("/proc/net/unix").unwrap();
        assert!(!abstract_sockets.lines().any(|line| line.contains("@") && line.contains("nsctl")));
    });
}

/// Where no pid namespace ends all of it, its init does when the shim is gone.
#[test]
fn nothing_of_a_container_that_shares_process_ids_outlives_its_shim() {
    as_each(|who| {
        let hop = helper("hop");
        let hop = hop.each_ref().map(String::as_str);
        for start in [&["sh", "-c", "setsid sleep 1000 & sleep 1001 & sleep 1002"], &hop] {
            let home = Home::new(who);
            let (ran, tag) = home
                .nsctl(&[&["run", "-d", "--name=c", "--pid=host"][..], start].concat())
                .detached();
            ran.success();
            kill(number(&home, "shim"), Signal::SIGKILL).unwrap();
            tag.expect_none_within(Duration::from_secs(10));
        }
    });
}
