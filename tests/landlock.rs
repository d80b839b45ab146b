//! `--landlock`: what can be reached at all, also by root.

use std::fs;

use super::common::{Ran, Who, as_each, have, nsctl, program, skip};

/// Whether this kernel has what the rules need; skips aloud when not.
fn can(version: u32) -> bool {
    match nsshim_abi() {
        Some(found) if found >= version => true,
        found => {
            skip(&format!("the kernel's Landlock has version {found:?}, not {version}"));
            false
        }
    }
}

fn nsshim_abi() -> Option<u32> {
    nsshim::sys::landlock_abi().ok()
}

fn run(who: Who, rules: &str, options: &[&str], script: &str) -> Ran {
    let flags = [&["run", "--landlock", rules], options, &["sh", "-c", script]].concat();
    nsctl(who, flags).run()
}

/// What a shell needs to start, and to throw output away.
const BASE: &str = "exec=/usr,exec=/bin,exec=/lib,exec=/lib64,ro=/etc,rw=/dev,ro=/proc";

#[test]
fn files_are_read_written_and_executed_only_where_a_rule_says_so() {
    if !can(5) {
        return;
    }
    as_each(|who| {
        let home = who.directory();
        fs::write(home.join("outside"), "secret").unwrap();
        for name in ["ro", "rw"] {
            fs::create_dir(home.join(name)).unwrap();
            fs::write(home.join(name).join("file"), "text").unwrap();
            fs::copy("/bin/true", home.join(name).join("true")).unwrap();
            if nix::unistd::geteuid().is_root() {
                for path in [home.join(name), home.join(name).join("file")] {
                    std::os::unix::fs::chown(path, Some(who.uid()), Some(who.gid())).unwrap();
                }
            }
        }
        let home = home.to_str().unwrap();
        let rules = format!("{BASE},ro={home}/ro,rw={home}/rw");
        let script = format!(
            "try() {{ (eval \"$1\") >/dev/null 2>&1 && echo \"yes $1\" || echo \"no $1\"; }}; \
             cd {home}; for way in 'cat outside' 'ls .' 'cat ro/file' 'ls ro' 'echo x >> ro/file' \
             'touch ro/new' 'rm ro/file' 'ro/true' 'cat rw/file' 'echo x > rw/file' \
             'mkdir rw/new' 'rw/true' 'truncate -s 0 ro/file' 'mv rw/file rw/new/'; \
             do try \"$way\"; done"
        );
        for options in [&[][..], &["--no-init"], &["--allow-new-privileges"], &["--privileged"]] {
            let ran =
                run(who, &rules, options, &format!("{script}; mv rw/new/file rw; rmdir rw/new"));
            let yes: Vec<&str> =
                ran.stdout.lines().filter_map(|line| line.strip_prefix("yes ")).collect();
            let expected = [
                "cat ro/file",
                "ls ro",
                "cat rw/file",
                "echo x > rw/file",
                "mkdir rw/new",
                "mv rw/file rw/new/",
            ];
            assert_eq!(yes, expected, "{options:?}: {ran:?}");
            assert_eq!(ran.stdout.lines().count(), 14, "{ran:?}");
        }
    });
}

#[test]
fn what_is_executed_must_be_allowed_too() {
    if !can(5) {
        return;
    }
    as_each(|who| {
        let ran = nsctl(who, ["run", "--landlock", "ro=/usr", "/usr/bin/true"]).run();
        let cause = "no rule of --landlock lets /usr/bin/true be executed";
        ran.expect_error(126, &["EACCES", cause, "remedy: --landlock exec=/usr/bin"]);
        // Its loader is executed as well.
        let ran = nsctl(who, ["run", "--landlock", "exec=/usr/bin", "/usr/bin/true"]).run();
        ran.expect_error(126, &["EACCES", "no rule of --landlock lets /", "/ld-", "exec=/"]);
    });
}

#[test]
fn ports_are_connected_and_bound_only_where_a_rule_says_so() {
    if !can(4) || !have("python3") {
        return;
    }
    let script = "python3 -c \"
import socket
def way(name, call):
    try: call()
    except PermissionError: print(name, 'denied')
    except ConnectionRefusedError: print(name, 'refused')
    else: print(name, 'done')
for port in (4711, 4712):
    way('bind', lambda: socket.socket().bind(('127.0.0.1', port)))
    way('connect', lambda: socket.socket().connect(('127.0.0.1', port)))
\"";
    as_each(|who| {
        for (rules, expected) in [
            ("tcp-bind=4711", "bind done connect refused bind denied connect refused"),
            (
                "tcp-connect=4711,tcp-bind=none",
                "bind denied connect refused bind denied connect denied",
            ),
            (
                "tcp-connect=4711,tcp-connect=4712",
                "bind done connect refused bind done connect refused",
            ),
        ] {
            let ran = run(who, rules, &[], script);
            assert_eq!(ran.success().replace('\n', " "), expected, "{rules}");
        }
    });
}

#[test]
fn a_path_that_is_not_there_is_named() {
    if !can(5) {
        return;
    }
    as_each(|who| {
        let ran = run(who, &format!("{BASE},ro=/nowhere"), &[], "true");
        ran.expect_error(125, &["restrict what can be reached", "/nowhere", "ENOENT"]);
    });
}

#[test]
fn wrong_rules_are_refused_with_those_that_there_are() {
    as_each(|who| {
        for (rules, word) in [
            ("", "\"\""),
            ("ro", "ro: it has no ="),
            ("ro=etc", "the path is not absolute"),
            ("wr=/etc", "there is no such kind"),
            ("tcp-bind=65536", "a port is 0 to 65535"),
        ] {
            let ran = run(who, rules, &[], "true");
            ran.expect_error(125, &["cannot read the Landlock rule", word, "ro=PATH, exec=PATH"]);
        }
    });
}

/// A kernel without Landlock, played by a filter around nsctl.
#[test]
fn a_kernel_without_landlock_is_said_to_be_one() {
    as_each(|who| {
        for (errno, word) in [
            (libc::ENOSYS, "this kernel has no Landlock"),
            (libc::EOPNOTSUPP, "was not enabled at boot"),
        ] {
            let path = who.directory().join("profile.json");
            let profile = format!(
                r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                    {{"names": ["landlock_create_ruleset"], "action": "SCMP_ACT_ERRNO",
                      "errnoRet": {errno}}}]}}"#
            );
            fs::write(&path, profile).unwrap();
            let outer = ["run", "--privileged", "--seccomp", path.to_str().unwrap()];
            let inner = [program().to_str().unwrap(), "run", "--landlock", "ro=/usr", "true"];
            let ran = nsctl(who, [&outer[..], &inner].concat()).run();
            ran.expect_error(125, &["cannot restrict what can be reached", word, "remedy: "]);
        }
    });
}

#[test]
fn the_dry_run_shows_the_rules() {
    if !can(5) {
        return;
    }
    as_each(|who| {
        let ran =
            nsctl(who, ["run", "--dry-run", "--landlock", "ro=/usr,tcp-bind=80", "true"]).run();
        let line = "inside   landlock_restrict_self(ro=\"/usr\", tcp-bind=80)";
        assert!(ran.success().contains(line), "{ran:?}");
    });
}
