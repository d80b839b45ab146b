//! `--dry-run` prints what would be done; the script that it prints does the same.

use super::common::{Who, as_each, busybox_root, have, nsctl, shell, skip};
use super::namespaces::{LINKS, links, not_the_hosts};

/// All that a workload can see of how it was started.
const REPORT: &str = "uname -n; cat /proc/sys/kernel/domainname
    echo $$ /proc/[0-9]*; id -u; id -g; id -G
    cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups
    grep -E '^(Cap|NoNewPrivs)' /proc/self/status
    stat -c '%n %F %a %t:%T' /dev/* /dev/pts/* | sort
    cat /sys/class/net/lo/flags; ls /sys/class/net
    cut -d. -f1 /proc/uptime | sed 's/...$//'
    pwd; umask; ulimit -n; nice; echo $GREETING
    cut -d' ' -f5,6 /proc/self/mountinfo
    : > /dev/null && echo writable";

/// Runs both and compares.
#[track_caller]
fn same(who: Who, options: &[&str]) {
    let script = format!("{LINKS}\n{REPORT}");
    // In the script the command is PID 1 itself, as with --no-init.
    let command = ["--no-init", "sh", "-c", &script];
    let ran = nsctl(who, [&["run"], options, &command[..]].concat()).run();
    let words = [&["run", "--dry-run=shell"], options, &command[..]].concat();
    let commands = nsctl(who, words).run().success().to_string();
    let by_hand = shell(who, &commands).run();
    assert_eq!(by_hand.code, Some(0), "{options:?}: {by_hand:?}\n{commands}");
    let compared = |text: &str| {
        let (names, rest) = text.split_at(text.find("mnt:").unwrap());
        let (last, rest) = rest.split_once('\n').unwrap();
        let new = not_the_hosts(&links(&format!("{names}{last}")));
        format!("new: {new:?}\n{rest}")
    };
    assert_eq!(compared(&by_hand.stdout), compared(&ran.stdout), "{options:?}\n{commands}");
}

fn have_all() -> bool {
    ["unshare", "setpriv", "ip", "hostname", "prlimit", "findmnt"].into_iter().all(have)
}

#[test]
fn the_script_makes_the_same_container() {
    if !have_all() {
        return;
    }
    as_each(|who| {
        same(who, &[]);
        same(who, &["--hostname", "bird", "--domainname", "air"]);
        same(who, &["--keep-id"]);
        same(who, &["--userns", "new", "--map-user", "5", "--map-group", "7"]);
        same(who, &["--net", "host", "--ipc", "host"]);
        same(who, &["--share", "uts,cgroup"]);
        same(who, &["--boottime", "8640000"]);
        same(who, &["--privileged"]);
        same(who, &["--cap-drop", "ALL", "--cap-add", "CHOWN"]);
        same(who, &["--propagation", "slave"]);
    });
}

#[test]
fn the_script_makes_the_same_process() {
    if !have_all() {
        return;
    }
    as_each(|who| {
        same(who, &["-w", "/usr", "--umask", "077", "--nice", "7", "--rlimit", "nofile=64:128"]);
        same(who, &["-e", "GREETING=good 'day' $HOME"]);
        same(who, &["--clear-env", "-e", "PATH=/usr/bin:/bin", "-e", "GREETING=hi"]);
    });
    if nix::unistd::geteuid().is_root() {
        same(Who::Root, &["--user", "33:44", "--groups", "55,66"]);
    }
}

#[test]
fn the_script_maps_ranges() {
    if !have_all() {
        return;
    }
    if nix::unistd::geteuid().is_root() {
        let maps = ["--userns", "new", "--map-users", "0:100000:1000", "--map-groups"];
        same(Who::Root, &[&maps[..], &["0:100000:1000"]].concat());
        same(Who::Root, &["--map-users", "all", "--map-groups", "all"]);
    }
    if !have("newuidmap") || Who::User.name().is_none() {
        skip("no range in /etc/subuid for a user");
        return;
    }
    same(Who::User, &["--map-auto"]);
    same(Who::User, &["--map-auto", "--user", "33:33"]);
    same(Who::User, &["--map-auto", "--map-root-user"]);
}

#[test]
fn the_script_keeps_namespaces_as_root() {
    if !nix::unistd::geteuid().is_root() || !have_all() {
        skip("--persist needs root");
        return;
    }
    let script = r#"cd $HOME
        "$NSCTL" run --hostname kept --persist uts=u --dry-run=shell readlink /proc/self/ns/uts > script
        unshare -m sh -ec 'sh script; "$NSCTL" run --uts path:u sh -c "uname -n; readlink /proc/self/ns/uts"'"#;
    let ran = shell(Who::Root, script).run();
    let lines: Vec<&str> = ran.success().lines().collect();
    assert_eq!(lines[1], "kept", "{ran:?}");
    assert_eq!(lines[0], lines[2], "{ran:?}");
}

#[test]
fn the_script_makes_no_file_of_etc_in_a_root_that_has_none() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        for option in ["--no-init", "--read-only"] {
            let words =
                ["run", "--dry-run=shell", "--rootfs", root.to_str().unwrap(), option, "sh"];
            let script = nsctl(who, words).run();
            let ran = shell(who, script.success()).run();
            // It comes as far as to the tools that this root does not have.
            assert!(ran.stderr.contains("not found"), "{option}: {ran:?}");
            assert!(!root.join("etc/hostname").exists(), "{option}: {ran:?}");
        }
    });
}

#[test]
fn a_dry_run_makes_nothing_and_prints_the_order() {
    as_each(|who| {
        let ran = nsctl(who, ["run", "--dry-run", "--hostname", "bird", "echo", "STARTED"]).run();
        let text = ran.success();
        let at = |word: &str| text.find(word).unwrap_or_else(|| panic!("{word}: {text}"));
        assert!(at("clone3(") < at("MS_PRIVATE"));
        assert!(at("MS_PRIVATE") < at("sethostname(\"bird\")"));
        assert!(at("sethostname") < at("PR_SET_NO_NEW_PRIVS"));
        assert!(at("PR_SET_NO_NEW_PRIVS") < at("seccomp("));
        assert!(at("seccomp(") < at("execveat(nsinit"));
        assert!(text.ends_with("execve [\"echo\", \"STARTED\"]"), "{text}");
        assert_eq!(ran.stderr, "");
    });
}
