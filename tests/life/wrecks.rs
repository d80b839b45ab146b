//! A state directory that cannot be written, and one that another boot left.

use std::fs;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use super::Home;
use crate::common::{Who, as_each, shell, skip};

/// Each verb, and the status and words that it ends with when nothing can be written. What only
/// looks, or asks the container itself, works.
const READ_ONLY: [(&str, &str, &str); 20] = [
    ("ps -a -q", "0", ""),
    ("inspect e", "0", ""),
    ("logs e", "0", ""),
    ("wait e", "0", ""),
    ("top c", "0", ""),
    ("stats --no-stream c", "0", ""),
    ("exec c true", "0", ""),
    ("enter c true", "0", ""),
    ("run true", "0", ""),
    ("run --name n true", "125", "claim the name n"),
    ("run -d true", "125", "cannot claim the name"),
    ("run -d --name n true", "125", "claim the name n"),
    ("start e", "125", "Read-only file system"),
    ("restart e", "125", "Read-only file system"),
    ("rename c d", "125", "Read-only file system"),
    ("pause c", "125", "Read-only file system"),
    ("rm e", "125", "Read-only file system"),
    ("prune", "125", "Read-only file system"),
    ("exec c sh -c 'exit 3'", "3", ""),
    ("kill c", "0", ""),
];

#[test]
fn where_nothing_can_be_written_each_verb_works_or_says_so() {
    if !geteuid().is_root() {
        return skip("root makes the directory read-only, and the tests run as a user");
    }
    as_each(|who| {
        let state = who.directory();
        let become_user = match who {
            Who::Root => String::new(),
            Who::User => {
                format!("setpriv --reuid {} --regid {} --clear-groups", who.uid(), who.gid())
            }
        };
        let verbs: String = READ_ONLY
            .iter()
            .map(|(verb, ..)| {
                format!("u $NSCTL {verb} > $O/out 2> $O/err; echo \"$? $(head -n 1 $O/err)\"\n")
            })
            .collect();
        let script = format!(
            "u() {{ {become_user} \"$@\"; }}
             cd /; O=$(mktemp -d); export NSCTL_STATE_DIR=$STATE/s
             u mkdir $STATE/s
             u $NSCTL run -d --name c sleep 1000 > /dev/null
             u $NSCTL run -d --name e true > /dev/null
             u $NSCTL wait e > /dev/null
             mount --bind $STATE $STATE; mount -o remount,bind,ro $STATE
             {verbs}
             umount $STATE; rm -r $O
             u $NSCTL ps -a -q --filter status=exited | wc -l
             u $NSCTL rm -f c e > /dev/null; u $NSCTL ps -a -q; ls $STATE/s/containers"
        );
        let script = format!("exec unshare -m sh -c '{}'", script.replace('\'', "'\\''"));
        let ran = shell(Who::Root, &script).env("STATE", &state).run();
        let said: Vec<&str> = ran.success().lines().collect();
        assert_eq!(said.len(), READ_ONLY.len() + 1, "{ran:?}");
        for ((verb, status, words), said) in READ_ONLY.iter().zip(&said) {
            let (code, line) = said.split_once(' ').unwrap();
            assert!(code == *status && line.contains(words), "{verb}: {said}");
            // Whoever failed names what could not be written.
            let named =
                *status != "125" || line.contains(state.to_str().unwrap()) || verb == &"pause c";
            assert!(named, "{verb}: {said}");
        }
        assert_eq!(said[READ_ONLY.len()], "2", "{ran:?}");
    });
}

/// After a boot, where the state directory is on a disk: nobody holds the lock, and the numbers of
/// the processes are those of others, even with the same time of start.
#[test]
fn what_another_boot_left_is_dead_and_its_pids_are_left_alone() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sh", "-c", "echo before; exec sleep 1000"]);
        home.start(&["--name", "p", "sleep", "1000"]);
        home.run(&["pause", "p"]).success();
        // Another's process gets the numbers.
        let mut bystander = Command::new("sleep");
        bystander.arg("1000").stdin(Stdio::null());
        who.apply(&mut bystander);
        let mut bystander = bystander.spawn().unwrap();
        let ticks = fs::read_to_string(format!("/proc/{}/stat", bystander.id())).unwrap();
        let ticks = ticks.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap();
        for container in home.list() {
            let path = home.directory().join("containers").join(container["id"].as_str().unwrap());
            let text = fs::read_to_string(path.join("state")).unwrap();
            let mut state: serde_json::Value = serde_json::from_str(&text).unwrap();
            let shim = state["shim"].as_i64().unwrap() as i32;
            for (pid, start) in [("pid", "start_ticks"), ("shim", "shim_start_ticks")] {
                state[pid] = bystander.id().into();
                state[start] = ticks.parse::<u64>().unwrap().into();
            }
            kill(Pid::from_raw(shim), Signal::SIGKILL).unwrap();
            // It is gone when its lock is.
            home.run(&["wait", container["name"].as_str().unwrap()]).expect_code(125);
            fs::write(path.join("state"), state.to_string()).unwrap();
        }
        for name in ["c", "p"] {
            assert_eq!(home.status(name), "dead");
            for verb in [&["kill", name][..], &["pause", name], &["exec", name, "true"]] {
                home.run(verb).expect_error(125, &["not running"]);
            }
            home.run(&["unpause", name]).expect_error(125, &["not paused"]);
            home.run(&["attach", name]).expect_error(125, &["not running"]);
            home.run(&["enter", name, "true"]).expect_error(125, &["not running"]);
            home.run(&["top", name]).expect_error(125, &["not running"]);
            home.run(&["run", "--net", &format!("container:{name}"), "true"])
                .expect_error(125, &["not running"]);
            home.run(&["stop", name]).success();
        }
        assert_eq!(home.run(&["logs", "c"]).success(), "before");
        home.run(&["start", "c"]).success();
        assert_eq!(home.status("c"), "running");
        home.run(&["rm", "-f", "c", "p"]).success();
        assert_eq!(home.left(), [""; 0]);
        assert!(bystander.try_wait().unwrap().is_none(), "somebody killed the bystander");
        bystander.kill().unwrap();
        bystander.wait().unwrap();
    });
}
