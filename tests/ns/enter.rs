//! A command in the namespaces of a process.

use std::process::Command;

use super::super::common::{Screen, Who, as_each, eventually, have, helper, nsctl, shell, skip};
use super::fixture::Fixture;

const LINKS: &str = "cd /proc/self/ns; readlink user cgroup ipc uts net pid time mnt";

/// A container called target with everything of its own: its state directory and host pid.
fn container(who: Who, options: &[&str]) -> (String, String) {
    let script = format!(
        r#""$NSCTL" run -d --name target --hostname bird --boottime 86400 {} \
            -- sh -c 'touch /dev/shm/mark; sleep 1000' > /dev/null
        "$NSCTL" inspect --pid target"#,
        options.join(" ")
    );
    let start = shell(who, &script);
    let state = state_of(&start.command);
    let (ran, _) = start.detached();
    (state, ran.success().trim().to_string())
}

fn state_of(command: &Command) -> String {
    let state = command.get_envs().find(|(name, _)| *name == "NSCTL_STATE_DIR");
    state.unwrap().1.unwrap().to_str().unwrap().to_string()
}

/// The links of a process, as those of LINKS.
fn links(pid: &str) -> Vec<String> {
    ["user", "cgroup", "ipc", "uts", "net", "pid", "time", "mnt"]
        .map(|kind| {
            let link = std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
            link.display().to_string()
        })
        .to_vec()
}

#[test]
fn all_eight_are_the_targets_without_a_flag() {
    as_each(|who| {
        let (state, pid) = container(who, &["--userns", "new"]);
        let pid = pid.as_str();
        for target in
            [&[pid][..], &["target"], &["container:target"], &[pid, "--"], &["-t", pid, "--"]]
        {
            let ran = nsctl(who, [&["enter"], target, &["sh", "-c", LINKS]].concat())
                .env("NSCTL_STATE_DIR", &state)
                .run();
            let inside: Vec<&str> = ran.success().lines().collect();
            assert_eq!(inside, links(pid), "{target:?}");
        }
        let see = "hostname; id -u; ls /dev/shm; cut -d. -f1 /proc/uptime; cat /proc/net/dev | tail -n +3 | cut -d: -f1; ls -d /proc/[0-9]* | wc -l";
        let ran =
            nsctl(who, ["enter", "target", "sh", "-c", see]).env("NSCTL_STATE_DIR", &state).run();
        let lines: Vec<&str> = ran.success().lines().collect();
        assert_eq!(lines[..3], ["bird", "0", "mark"], "{ran:?}");
        assert!(lines[3].parse::<u64>().unwrap() >= 86400, "{ran:?}");
        assert_eq!(lines[4].trim(), "lo");
        assert!(lines[5].parse::<u64>().unwrap() < 10, "{ran:?}");
        // All rights, unlike exec.
        let see = "grep -E 'CapEff|Seccomp:|NoNewPrivs' /proc/self/status; mount -t tmpfs t /mnt";
        let ran =
            nsctl(who, ["enter", "target", "sh", "-c", see]).env("NSCTL_STATE_DIR", &state).run();
        assert!(ran.success().contains("Seccomp:\t0"), "{ran:?}");
        assert!(ran.stdout.contains("NoNewPrivs:\t0"), "{ran:?}");
        nsctl(who, ["rm", "-f", "target"]).env("NSCTL_STATE_DIR", &state).run().success();
    });
}

#[test]
fn the_status_is_the_commands_and_signals_reach_it() {
    as_each(|who| {
        let fixture =
            Fixture::nsctl(who, ["run", "--pid", "host", "sh", "-c", "echo $$; read wait"]);
        let target = fixture.said[0].as_str();
        nsctl(who, ["enter", target, "sh", "-c", "exit 7"]).run().expect_code(7);
        nsctl(who, ["enter", target, "sh", "-c", "kill -9 $$"]).run().expect_code(137);
        nsctl(who, ["enter", target, "/nonexistent"]).run().expect_code(127);
        let mut command = nsctl(
            who,
            [
                "enter",
                target,
                "sh",
                "-c",
                "trap 'exit 9' TERM; echo up; while :; do sleep 0.01; done",
            ],
        );
        let mut child = command.spawn();
        let mut ready = [0; 3];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        // SAFETY: our own child.
        unsafe { libc::kill(child.id() as i32, libc::SIGTERM) };
        assert_eq!(child.wait().unwrap().code(), Some(9));
    });
}

#[test]
fn only_the_kinds_that_are_named_are_entered() {
    as_each(|who| {
        let fixture = Fixture::nsctl(
            who,
            ["run", "--pid", "host", "--hostname", "bird", "sh", "-c", "echo $$; read wait"],
        );
        let target = fixture.said[0].as_str();
        let (its, ours) = (links(target), links("self"));
        let uts = format!("--uts=/proc/{target}/ns/uts");
        for options in [
            &["--uts", target][..],
            &["-u", "-t", target],
            &[&uts],
            &[&format!("/proc/{target}/ns/uts")],
            &[&its[3]],
        ] {
            let ran = nsctl(who, [&["enter"], options, &["sh", "-c", LINKS]].concat()).run();
            let inside: Vec<&str> = ran.success().lines().collect();
            assert_eq!(inside[3], its[3], "{options:?}");
            // A user has rights in its owner only.
            assert_eq!(inside[0], if who == Who::User { &its[0] } else { &ours[0] });
            assert_eq!(inside[4..6], ours[4..6], "{options:?}");
            assert_eq!(inside[7], ours[7], "{options:?}");
        }
    });
}

/// bwrap's: what it mounts and unshares belongs to a user namespace around the one that its
/// command is in.
#[test]
fn nested_user_namespaces_are_entered_in_the_right_order() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        let deep = "exec unshare -Urmnu unshare -Urpf --mount-proc sh -c '
            readlink /proc/self/ns/user; read wait'";
        let fixture = Fixture::shell(who, deep);
        let children = format!("/proc/{0}/task/{0}/children", fixture.pid());
        let target = std::fs::read_to_string(children).unwrap().trim().to_string();
        let ran = nsctl(who, ["enter", &target, "sh", "-c", LINKS]).run();
        assert_eq!(ran.success().lines().collect::<Vec<_>>(), links(&target));
        // The one around it instead.
        let ran = nsctl(
            who,
            ["enter", "--user-parent", "--user", &target, "readlink", "/proc/self/ns/user"],
        )
        .run();
        assert_ne!(ran.success(), links(&target)[0]);
        assert_ne!(ran.success(), links("self")[0]);
    });
}

#[test]
fn a_sandbox_of_bubblewrap_is_entered() {
    if !have("bwrap") {
        return;
    }
    as_each(|who| {
        let script = "exec bwrap --unshare-all --unshare-user --uid 1 --gid 1 --dev-bind / / --proc /proc \
            --hostname bird sh -c 'echo up; read wait'";
        let fixture = Fixture::shell(who, script);
        let target = innermost(fixture.pid());
        let ran =
            nsctl(who, ["enter", &target, "sh", "-c", &format!("{LINKS}; uname -n; id -u")]).run();
        let lines: Vec<&str> = ran.success().lines().collect();
        assert_eq!(lines[..8], links(&target));
        assert_eq!(lines[8..], ["bird", "1"]);
    });
}

/// The last of a line of only children.
fn innermost(pid: i32) -> String {
    let children = |pid: &str| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        text.split_whitespace().next().map(String::from)
    };
    let mut last = pid.to_string();
    while let Some(child) = children(&last) {
        last = child;
    }
    last
}

#[test]
fn ids_directory_and_environment_are_as_asked() {
    as_each(|who| {
        let script =
            r#"cd /usr; exec env MARK=its "$NSCTL" run --pid host sh -c 'echo $$; read wait'"#;
        let fixture = Fixture::shell(who, script);
        let target = fixture.said[0].as_str();
        let say = |options: &[&str]| {
            let see = "echo $(id -u) $(pwd) ${MARK-ours}";
            let words = [&["enter"], options, &[target, "sh", "-c", see]].concat();
            nsctl(who, words).run().success().to_string()
        };
        assert_eq!(say(&[]), "0 / ours");
        assert_eq!(say(&["--wd"]), "0 /usr ours");
        assert_eq!(say(&["--wd=/etc", "--env"]), "0 /etc its");
        let ran = nsctl(who, ["enter", "--root=/usr", target, "/bin/pwd"]).run();
        assert!(ran.code == Some(127) || ran.stdout == "/\n", "{ran:?}");
    });
}

#[test]
fn another_user_is_become_with_or_without_capabilities() {
    if !nix::unistd::geteuid().is_root() {
        return skip("becoming another user needs root, or a range of ids");
    }
    let fixture =
        Fixture::nsctl(Who::Root, ["run", "--pid", "host", "sh", "-c", "echo $$; read wait"]);
    let target = fixture.said[0].as_str();
    let see = "id -u; id -g; grep CapEff /proc/self/status | tr -d 'CapEf:\t0'";
    let say = |options: &[&str]| {
        let words = [&["enter"], options, &[target, "sh", "-c", see]].concat();
        nsctl(Who::Root, words).run().success().to_string()
    };
    assert_eq!(say(&["-S", "5", "-G", "6"]), "5\n6");
    assert!(say(&["--setuid=5", "--setgid=6", "--keep-caps"]).len() > "5\n6\n".len());
    assert!(say(&["--preserve-credentials"]).len() > "0\n0\n".len());
}

#[test]
fn a_terminal_of_its_own_is_given() {
    as_each(|who| {
        let fixture = Fixture::nsctl(who, ["run", "sh", "-c", "echo up; read wait"]);
        let target = innermost(fixture.pid());
        let screen = Screen::nsctl(who, ["enter", &target, "sh", "-c", "tty; stty size; echo end"]);
        screen.expect("/dev/pts/0");
        screen.expect("24 80");
        screen.expect("end");
    });
}

#[test]
fn the_shell_is_the_default_command() {
    as_each(|who| {
        let fixture =
            Fixture::nsctl(who, ["run", "--pid", "host", "sh", "-c", "echo $$; read wait"]);
        let target = fixture.said[0].as_str();
        for shell in ["/bin/sh", "/nonexistent"] {
            let ran =
                nsctl(who, ["enter", target]).env("SHELL", shell).input("echo $((6*7))\n").run();
            assert_eq!(ran.success(), "42");
        }
    });
}

#[test]
fn what_cannot_be_entered_is_named() {
    let wrong = |arguments: &[&str], words: &[&str]| {
        nsctl(Who::User, [&["enter"], arguments].concat()).run().expect_error(125, words);
    };
    wrong(&[], &["nothing to enter"]);
    wrong(&["nobody", "true"], &["no such process, container or namespace"]);
    wrong(&["4194304", "true"], &["no process 4194304"]);
    wrong(&["--env", "/proc/self/ns/uts", "true"], &["--env"]);
    wrong(&["--net", "/proc/self/ns/uts", "true"], &["network", "UTS"]);
    if !nix::unistd::geteuid().is_root() {
        return skip("needs a process of another user");
    }
    let part = helper("thread-elsewhere");
    let root = ["run", "--privileged", "--pid", "host", "--"];
    let other = Fixture::nsctl(Who::Root, root.into_iter().chain(part.iter().map(String::as_str)));
    wrong(&[&other.pid().to_string(), "true"], &["another user", "sudo"]);
}

#[test]
fn a_zombie_is_said_to_be_one() {
    as_each(|who| {
        // Its parent never waits: cat(1) got the child from the shell before it.
        let script = "(until grep -q cat /proc/$$/comm; do :; done) & echo $!; exec cat";
        let fixture = Fixture::shell(who, script);
        let zombie = fixture.said[0].as_str();
        let ended = || {
            let status = std::fs::read_to_string(format!("/proc/{zombie}/status"));
            status.is_ok_and(|status| status.contains("State:\tZ"))
        };
        assert!(eventually(std::time::Duration::from_secs(20), ended));
        let parent = format!("a zombie, in no namespace any more: process {}", fixture.pid());
        for options in [&[][..], &["--net"], &["--env", "--uts"]] {
            let ran = nsctl(who, [&["enter"], options, &[zombie, "true"]].concat()).run();
            ran.expect_error(125, &["has ended", &parent]);
            assert!(!ran.stderr.contains("sudo"), "{ran:?}");
        }
    });
}
