//! A state directory on a file system without room: the workload does not notice.

use std::fs;

use super::Home;
use crate::common::{Who, as_each, eventually, shell, skip};
use nix::unistd::geteuid;

/// Runs a script with $STATE a small tmpfs of its own.
fn on_small_disk(who: Who, script: &str) -> Option<String> {
    if !geteuid().is_root() {
        skip("root mounts the small file system, and the tests run as a user");
        return None;
    }
    let directory = who.directory();
    let become_user = match who {
        Who::Root => String::new(),
        Who::User => {
            format!("setpriv --reuid {} --regid {} --clear-groups", who.uid(), who.gid())
        }
    };
    let inner = who.directory().join("script");
    fs::write(&inner, script).unwrap();
    let outer = format!(
        "exec unshare -m sh -ec '
         mount -t tmpfs -o mode=777,size=128k none $STATE
         {become_user} mkdir $STATE/s
         NSCTL_STATE_DIR=$STATE/s exec {become_user} sh -e {}'",
        inner.display()
    );
    let ran = shell(Who::Root, &outer).env("STATE", &directory).run();
    Some(ran.success().to_string())
}

#[test]
fn output_that_finds_no_room_is_counted_and_stops_nobody() {
    as_each(|who| {
        let script = "
            $NSCTL run -d --name c sh -c 'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo done >&2; exec sleep 1000' > /dev/null
            while [ $($NSCTL exec c cat /proc/2/comm) != sleep ]; do sleep 0.05; done
            $NSCTL ps --json
            $NSCTL stop -t 1 c > /dev/null
            $NSCTL inspect c | grep log_lost
            $NSCTL logs c 2> /dev/null | head -n 1
            $NSCTL logs c 2> /dev/null | grep -vc '^line [0-9]*$' || true
            $NSCTL rm c
            ";
        let Some(said) = on_small_disk(who, script) else { return };
        assert!(said.contains("\"running\""), "{said}");
        let lost = said.lines().find(|line| line.contains("log_lost")).unwrap_or_default();
        let lost: u64 =
            lost.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0);
        assert!(lost > 1000, "{said}");
        assert!(said.contains("\nline 0\n0\nc"), "{said}");
    });
}

#[test]
fn one_that_begins_or_ends_without_room_is_shown_as_it_is() {
    as_each(|who| {
        let script = "
            id=$($NSCTL run -d --name c sh -c 'while [ ! -L '$STATE'/s/full ]; do sleep 0.05; done; exit 6')
            $NSCTL run -d --name d --restart on-failure:1 sh -c 'while [ ! -L '$STATE'/s/full ]; do sleep 0.05; done; exit 7' > /dev/null
            dd if=/dev/zero of=$STATE/s/filled bs=1k 2> /dev/null || true
            ln -s x $STATE/s/full
            $NSCTL wait c d
            $NSCTL ps -a --filter status=exited -q | wc -l
            $NSCTL rm c d
            ";
        let Some(said) = on_small_disk(who, script) else { return };
        assert_eq!(said, "6\n7\n2\nc\nd");
    });
}

/// What a crash cut is no reason to lose what comes after it.
#[test]
fn a_line_that_a_crash_cut_spoils_no_other() {
    as_each(|who| {
        let home = Home::new(who);
        home.start(&["--name", "c", "sh", "-c", "echo whole"]);
        home.run(&["wait", "c"]).success();
        let id = home.list()[0]["id"].as_str().unwrap().to_string();
        let log = home.directory().join("containers").join(id).join("log");
        let text = fs::read_to_string(&log).unwrap();
        fs::write(&log, format!("{text}{{\"log\":\"hal")).unwrap();
        home.run(&["start", "c"]).success();
        home.run(&["wait", "c"]).success();
        assert!(eventually(std::time::Duration::from_secs(5), || home.status("c") == "exited"));
        assert_eq!(home.run(&["logs", "c"]).stdout, "whole\nwhole\n");
    });
}
