//! `nsctl explain` tells each step of a run, and turns other tools' lines into ones that do the same.

use super::common::{Ran, Who, as_each, have, nsctl, shell, skip};
use super::namespaces::{LINKS, links, not_the_hosts};

#[test]
fn every_step_of_a_run_is_explained_in_its_order() {
    as_each(|who| {
        for options in [
            &["--hostname", "bird"][..],
            &["--keep-id", "--boottime", "5", "--tty", "--net", "host"],
            &["--rootfs", "none", "-v", "/usr:/usr:ro", "--read-only", "--landlock", "ro=/"],
            &["--userns", "new", "--uts", "host", "--cap-drop", "ALL", "--no-init"],
        ] {
            let run = [&["run"], options, &["true"]].concat();
            let explained = nsctl(who, [&["explain"], &run[..]].concat()).run();
            let told = explained.success().to_string();
            let plan = [&["run", "--dry-run"], &run[1..]].concat();
            let plan = nsctl(who, plan).run();
            let mut rest: String = told.split_whitespace().collect();
            let mut count = 0;
            for line in plan.success().lines() {
                let (_, call) = line.split_at(9);
                let call: String = call.split_whitespace().collect();
                let at = rest.find(&call).unwrap_or_else(|| panic!("{call} is not in\n{told}"));
                rest = rest[at + call.len()..].to_string();
                count += 1;
            }
            assert!(told.contains(&format!("\n{count:>3}  inside: run the command\n")), "{told}");
            assert!(!told.contains(&format!("\n{:>3}  ", count + 1)), "{told}");
            // Each part ends in a man page.
            for part in told.trim_end().split("\n\n") {
                let end = part.trim_end().rsplit(' ').next().unwrap();
                assert!(end.contains('(') && end.ends_with(')'), "{part}");
            }
        }
    });
}

#[test]
fn nothing_is_done_for_it() {
    as_each(|who| {
        let file = who.directory().join("file");
        let name = file.to_str().unwrap();
        let run = ["explain", "run", "-d", "--name", "x", "--pid-file", name, "touch", name];
        nsctl(who, run).run().success();
        assert!(!file.exists());
        assert_eq!(nsctl(who, ["ps", "-aq"]).run().success(), "");
    });
}

#[test]
fn the_shell_form_is_that_of_a_dry_run() {
    as_each(|who| {
        let told = nsctl(who, ["explain", "--shell", "run", "--hostname", "bird", "true"]).run();
        let dry = nsctl(who, ["run", "--dry-run=shell", "--hostname", "bird", "true"]).run();
        assert_eq!(told.success(), dry.success());
        let told = nsctl(who, ["explain", "--shell", "unshare", "-Ur", "true"]).run();
        assert!(told.success().starts_with("#!/bin/sh"));
    });
}

#[test]
fn what_cannot_be_explained_says_what_can() {
    let ran = nsctl(Who::User, ["explain", "firejail", "ls"]).run();
    ran.expect_error(125, &["cannot explain firejail", "bwrap", "docker run"]);
    let ran = nsctl(Who::User, ["explain", "unshare", "--weather", "ls"]).run();
    ran.expect_error(125, &["no option --weather of unshare"]);
    let ran = nsctl(Who::User, ["explain", "docker", "run", "--rm=perhaps", "x"]).run();
    ran.expect_error(125, &["docker run --rm takes true or false", "perhaps"]);
    let ran = nsctl(Who::User, ["explain", "unshare", "-w", "\u{1b}[31mred", "ls"]).run();
    assert!(!ran.success().contains('\u{1b}'));
}

#[test]
fn a_command_of_several_lines_is_still_that_command() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        let script = "'echo one; echo \"it'\\''s \\$HOME\"\nprintf \"%s\\n\" \"$1\"'";
        let line = format!("unshare -Ur sh -c {script} x");
        let told = shell(who, &format!("exec \"$NSCTL\" explain {line} two")).run();
        let typed = told.success().split("\n\n").next().unwrap().to_string();
        let ours = typed.strip_prefix("nsctl ").unwrap();
        let ran = shell(who, &format!("exec \"$NSCTL\" {ours}")).run();
        assert_eq!(ran.success(), "one\nit's $HOME\ntwo");
    });
    let ran = nsctl(Who::User, ["explain", "unshare", "-w", "\u{1b}'red", "ls"]).run();
    assert!(ran.success().contains(r"--workdir $'\033\'red' "), "{ran:?}");
}

#[test]
fn a_line_that_needs_root_keeps_its_sudo() {
    let ran = nsctl(Who::User, ["explain", "sudo", "-E", "unshare", "-n", "ls"]).run();
    assert!(ran.success().starts_with("sudo -E nsctl run --share user,"), "{ran:?}");
    let ran = nsctl(Who::User, ["explain", "sudo", "docker", "run", "x", "ls"]).run();
    assert!(ran.success().starts_with("nsctl run --rootfs ./x"), "{ran:?}");
}

/// Our line for this one, with the program under test.
#[track_caller]
fn ours(who: Who, line: &str) -> Ran {
    let words = format!("exec \"$NSCTL\" explain {line}");
    let told = shell(who, &words).run();
    let first = told.success().lines().next().unwrap().to_string();
    shell(who, &format!("exec \"$NSCTL\" {}", first.strip_prefix("nsctl ").unwrap())).run()
}

/// Both see the same of namespaces and ids.
#[track_caller]
fn same(who: Who, line: &str) {
    let line = format!("{line} sh -c '{}; id -u; id -g'", LINKS.replace('\n', ";"));
    let theirs = shell(who, &format!("exec {line}")).run();
    let theirs_code = theirs.code;
    assert_eq!(theirs_code, Some(0), "{line}: {theirs:?}");
    let compared = |text: &str| {
        let (names, ids): (Vec<&str>, Vec<&str>) =
            text.lines().partition(|line| line.contains(":["));
        let new = not_the_hosts(&links(&names.join("\n")));
        format!("{new:?} {ids:?}")
    };
    let ran = ours(who, &line);
    assert_eq!(compared(ran.success()), compared(&theirs.stdout), "{line}: {ran:?}");
}

#[test]
fn a_line_of_unshare_makes_the_same_namespaces() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        for line in [
            "unshare -Ur",
            "unshare -Uc -n",
            "unshare -Urpf --mount-proc",
            "unshare -Urm --propagation slave",
            "unshare --user --map-root-user --uts --ipc --cgroup",
            "unshare -U --map-user=5 --map-group=6",
            "unshare -UrT --boottime 100",
            "unshare -Ur --wd=/tmp",
        ] {
            same(who, line);
        }
    });
    if nix::unistd::geteuid().is_root() {
        same(Who::Root, "unshare -u");
        same(Who::Root, "unshare -mnp --fork --kill-child");
    }
}

#[test]
fn a_line_of_bwrap_makes_the_same_namespaces() {
    if !have("bwrap") {
        return;
    }
    // As root bwrap makes a user namespace only when it is asked to.
    for line in [
        "bwrap --bind / / --proc /proc --dev /dev",
        "bwrap --ro-bind / / --proc /proc --unshare-pid --unshare-net --die-with-parent",
        "bwrap --bind / / --proc /proc --unshare-all --share-net --uid 0 --gid 0 --new-session",
    ] {
        same(Who::User, line);
    }
}

#[test]
fn a_line_of_bwrap_shows_the_same_files() {
    if !have("bwrap") {
        return;
    }
    let line = "bwrap --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
                --symlink usr/bin /bin --proc /proc --dev /dev --tmpfs /tmp --dir /data \
                --setenv A 'b c' --chdir /data --unshare-all \
                sh -c 'pwd; echo \"$A\"; ls -d /usr /lib /tmp /data; stat -c %a /tmp; readlink /bin; \
                touch /usr/x 2>&1 | grep -o Read-only'";
    let theirs = shell(Who::User, line).run();
    if theirs.code != Some(0) {
        return skip("bwrap does not run here");
    }
    assert_eq!(ours(Who::User, line).success(), theirs.success());
}

#[test]
fn a_line_of_bwrap_has_the_same_rights_and_places() {
    if !have("bwrap") {
        return;
    }
    let rights = "grep -E 'Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs' /proc/self/status";
    let root =
        "--ro-bind /usr usr --symlink usr/lib lib --symlink usr/lib64 lib64 --symlink usr/bin bin";
    for line in [
        format!("bwrap --bind / / --unshare-user --cap-add CAP_NET_ADMIN {rights}"),
        format!("bwrap --bind / / --unshare-user --cap-add ALL --cap-drop CAP_KILL {rights}"),
        format!("bwrap --bind / / {rights}"),
        format!(
            "bwrap {root} --dir /tmp --dir var --symlink ../tmp var/tmp --perms 0700 --dir run/me \
             --chdir / stat -c '%n %a %N' /tmp /var /var/tmp /run/me"
        ),
        format!("bwrap {root} --perms 0700 --size 8192 --tmpfs a --tmpfs /b stat -fc %b /a"),
        "bwrap --bind / / --dir /usr test -d /usr/bin".into(),
    ] {
        let theirs = shell(Who::User, &line).run();
        if theirs.code != Some(0) {
            return skip("bwrap does not run here");
        }
        assert_eq!(ours(Who::User, &line).success(), theirs.success(), "{line}");
    }
}

#[test]
fn a_line_of_nsenter_joins_the_same_namespaces() {
    if !have("nsenter") || !have("unshare") {
        return;
    }
    as_each(|who| {
        let target = "unshare -Urun sh -c 'echo $$; read x' <&3 | { read PID; ";
        let words = "nsenter -t $PID -U -u -n --preserve-credentials";
        let script = format!(
            "mkfifo $HOME/f; exec 3<>$HOME/f; {target} \
             LINE=$(\"$NSCTL\" explain {words} readlink /proc/self/ns/user /proc/self/ns/uts \
             /proc/self/ns/net /proc/self/ns/mnt | head -1); \
             eval \"\\\"$NSCTL\\\" ${{LINE#nsctl}}\"; {words} readlink /proc/self/ns/user \
             /proc/self/ns/uts /proc/self/ns/net /proc/self/ns/mnt; echo >&3; }}"
        );
        let ran = shell(who, &script).run();
        let lines: Vec<&str> = ran.success().lines().collect();
        assert_eq!(lines.len(), 8, "{ran:?}");
        assert_eq!(lines[..4], lines[4..], "{ran:?}");
    });
}

#[test]
fn what_is_not_the_same_is_said() {
    let told = nsctl(Who::User, ["explain", "docker", "run", "-p", "80:80", "nginx"]).run();
    let told = told.success();
    assert!(told.starts_with("nsctl run --rootfs ./nginx --overlay sh\n"), "{told}");
    for word in ["not the same:", "-p: a new network", "docker export", "no daemon"] {
        assert!(told.contains(word), "{word}: {told}");
    }
}
