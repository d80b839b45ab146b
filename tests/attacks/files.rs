//! The files that every container is given, in a root that has a trap in their place.

use std::fs::{self, File};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::victim::Victim;
use crate::common::as_each;

const NAMES: [&str; 3] = ["hosts", "hostname", "resolv.conf"];

#[test]
fn cve_2025_24965_nothing_is_written_through_the_files_of_a_root() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let outside = victim.climbing().join("file");
        let check = "stat -c '%F' /dev/null /dev/zero; head -c 4096 /etc/hosts | head -n 3";
        for name in NAMES {
            let path = format!("etc/{name}");
            for target in [victim.file.as_path(), &outside] {
                victim.link(&path, target);
                victim.run(&[], check).success();
                victim.run(&["--overlay"], check).success();
            }
            for target in [
                "/dev/zero",
                "/dev/null",
                "/dev/full",
                "/proc/meminfo",
                "/proc/1/mem",
                "/proc/sys/kernel/core_pattern",
                "/proc/missing",
                "/sys/kernel/uevent_helper",
                "hosts",
                "hostname",
                "resolv.conf",
                "nowhere/at/all",
                ".",
                "/",
            ] {
                victim.link(&path, target);
                let shown = victim.run(&[], check);
                let kinds = "character special file\ncharacter special file";
                assert!(shown.success().starts_with(kinds), "{name} -> {target}: {shown:?}");
            }
            victim.clear(&path);
            mkfifo(&victim.at(&path), Mode::S_IRWXU).unwrap();
            victim.run(&[], check).success();
            victim.clear(&path);
            File::create(victim.at(&path)).unwrap().set_len(1 << 30).unwrap();
            victim.run(&[], check).success();
            victim.clear(&path);
            fs::create_dir(victim.at(&path)).unwrap();
            victim.run(&[], check).success();
            victim.clear(&path);
        }
    });
}

#[test]
fn cve_2018_15664_an_etc_that_leads_out_is_one_of_the_roots() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        for target in ["/", "/tmp", "../..", "/nowhere", "/proc", "/dev", "/sys", "etc"] {
            victim.link("etc", target);
            victim.run(&[], "true").success();
            victim.run(&["--read-only"], "true").success();
        }
        for target in [victim.directory.clone(), victim.climbing()] {
            victim.link("etc", target);
            victim.run(&[], "true").success();
            victim.run(&["--user", "robin"], "true").expect_code(125);
        }
    });
}

/// An engine that reads it to the end fills its memory, or waits for ever.
#[test]
fn cve_2026_47262_account_files_are_read_with_care() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        for name in ["passwd", "group"] {
            let path = format!("etc/{name}");
            let user = if name == "group" { "0:birds" } else { "robin" };
            let try_it = |what: &str| {
                let ran = victim.run(&["--user", user], "true");
                assert_eq!(ran.code, Some(125), "{name} is {what}: {ran:?}");
                // By number nothing of it is needed.
                let ran = victim.run(&["--user", "0:0"], "true");
                assert_eq!(ran.code, Some(0), "{name} is {what}: {ran:?}");
            };
            for target in
                ["/dev/zero", "/proc/self/mem", "/dev/tty", "passwd", "group", "/dev/stdin"]
            {
                victim.link(&path, target);
                try_it(target);
            }
            victim.link(&path, &victim.file);
            try_it("the host's");
            victim.clear(&path);
            mkfifo(&victim.at(&path), Mode::S_IRWXU).unwrap();
            try_it("a pipe");
            victim.clear(&path);
            File::create(victim.at(&path)).unwrap().set_len(1 << 30).unwrap();
            try_it("sparse");
            victim.clear(&path);
            fs::create_dir(victim.at(&path)).unwrap();
            try_it("a directory");
            victim.clear(&path);
            fs::write(victim.at(&path), "root:x:0:0::/:/bin/sh\nroot:x:0:\n").unwrap();
        }
    });
}
