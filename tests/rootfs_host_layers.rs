//! `--overlay` over the host's own root: everything is there, and every change vanishes.

use std::fs;

use super::common::{Who, as_each, have, nsctl, shell, tree, write_as};

/// The options for a container in the caller's user namespace or one below; only there the kernel
/// lets an overlay be over a directory with mounts in it. Inside of `unshare -r` the caller is
/// root of the mounts' user namespace.
const USERS: [&str; 2] = ["", "--userns new"];

/// Runs a script with mounts of its own. The caller is root of the namespace that they are in.
fn with_mounts(who: Who, script: &str) -> Option<String> {
    if !have("unshare") {
        return None;
    }
    let unshare = if who == Who::Root { "unshare -m" } else { "unshare -rm" };
    // Not among the directories of all tests: beside a mount each takes a descriptor.
    let script = format!("set -e; mount -t tmpfs none /mnt; export HOME=/mnt; cd /mnt\n{script}");
    let quoted = script.replace('\'', r"'\''");
    let ran = shell(who, &format!("exec {unshare} sh -c '{quoted}'")).run();
    assert!(!ran.stderr.contains("nsctl: cannot"), "{ran:?}");
    ran.expect_code(0);
    Some(ran.stdout + &ran.stderr)
}

#[test]
fn every_change_of_the_hosts_tree_vanishes() {
    as_each(|who| {
        let home = who.directory();
        write_as(who, home.join("kept"), "before");
        write_as(who, home.join("removed"), "x");
        let before = tree(&home);
        let unique = home.file_name().unwrap().to_str().unwrap();
        let script = format!(
            "cd {home}; echo after >kept; rm removed; mkdir new; cat kept; ls; \
             for place in / /tmp /var/tmp /home /run /etc; do \
                 touch $place/{unique}-new && ls $place | grep -c {unique}-new; done",
            home = home.display()
        );
        let ran = nsctl(who, ["run", "--overlay", "sh", "-c", &script]).env("TMPDIR", &home).run();
        let everywhere = "1\n".repeat(6);
        assert_eq!(ran.success(), format!("after\nkept\nnew\n{everywhere}").trim_end(), "{ran:?}");
        assert_eq!(fs::read_to_string(home.join("kept")).unwrap(), "before");
        assert_eq!(tree(&home), before);
        for place in ["/", "/tmp", "/var/tmp", "/home", "/run", "/etc"] {
            assert!(!fs::exists(format!("{place}/{unique}-new")).unwrap(), "{place}");
        }
    });
}

#[test]
fn what_is_mounted_is_layered_too_and_forbids_what_it_forbade() {
    as_each(|who| {
        for users in USERS {
            let script = format!(
                "mkdir -p a/m n b/c
                 mount -t tmpfs -o noexec,nosuid,mode=1777 tmpfs a/m
                 mount -t tmpfs tmpfs n; mkdir n/deep; mount -t tmpfs tmpfs n/deep
                 for file in a/m/file n/deep/file b/c/file b/file; do echo old >$file; done
                 $NSCTL run {users} --overlay --workdir \"$PWD\" -- sh -c '
                     for file in a/m/file n/deep/file b/c/file; do
                         echo new >$file; touch ${{file%/*}}/other; cat $file
                     done
                     mkdir n/made b/made; rm b/file; stat -c %a a/m; ls b
                     grep -c \" $PWD/a/m .*nosuid.*noexec.* - overlay\" /proc/self/mountinfo' 2>messages || cat messages
                 cat a/m/file n/deep/file b/c/file b/file
                 ls n b a/m n/deep b/c"
            );
            let Some(shown) = with_mounts(who, &script) else { return };
            let inside = "new\nnew\nnew\n1777\nc\nmade\n1\n";
            let files = "old\n".repeat(4);
            let outside = "a/m:\nfile\n\nb:\nc\nfile\n\nb/c:\nfile\n\nn:\ndeep\n\nn/deep:\nfile\n";
            assert_eq!(shown, format!("{inside}{files}{outside}"), "{users}");
        }
    });
}

#[test]
fn what_no_layer_can_be_over_is_read_only_and_said_unless_it_is_asked_for() {
    as_each(|who| {
        for users in USERS {
            let script = format!(
                "mkdir -p a; echo old >source; : >a/file
                 mount --bind source a/file
                 $NSCTL run {users} --overlay --workdir \"$PWD\" -- sh -c '
                     cat a/file; echo new >a/file || echo refused; touch a/new && echo layered' \
                     2>messages || cat messages
                 cat source
                 grep \"warning: $HOME/a/file is read-only inside: it is a file\" messages >&2
                 grep -c -e \"-v $HOME/a/file:$HOME/a/file shows it as it is\" messages
                 $NSCTL run {users} --overlay -v \"$HOME/a/file:$HOME/a/file\" -- \
                     sh -c \"echo changed >$HOME/a/file\" 2>messages || cat messages
                 cat source; grep -c \"$HOME/a/file is read-only\" messages || true"
            );
            let Some(shown) = with_mounts(who, &script) else { return };
            assert!(shown.starts_with("old\nrefused\nlayered\nold\n1\nchanged\n0\n"), "{shown}");
        }
    });
}

#[test]
fn proc_dev_and_sys_are_as_without() {
    as_each(|who| {
        let shown = |options: &[&str], script: &str| -> Vec<String> {
            let ran = nsctl(who, [&["run"], options, &["sh", "-c", script]].concat()).run();
            ran.success().lines().map(String::from).collect()
        };
        let names = "ls /dev; ls -d /proc/[0-9]*; ls /proc /sys /sys/class/net";
        assert_eq!(shown(&["--overlay"], names), shown(&[], names));
        let mounts = "cut -d' ' -f 5- /proc/self/mountinfo | grep -E '^/(proc|dev|sys)[ /]'";
        // Without, those of the host are listed too, which the container's own cover.
        let (with, without) = (shown(&["--overlay"], mounts), shown(&[], mounts));
        let other: Vec<&String> = with.iter().filter(|line| !without.contains(line)).collect();
        assert!(other.is_empty(), "{other:#?} {without:#?}");
        for path in ["/proc", "/proc/sys", "/dev", "/dev/pts", "/dev/shm", "/sys"] {
            let there = |line: &&String| line.starts_with(&format!("{path} "));
            assert_eq!(with.iter().filter(there).count(), 1, "{path}: {with:#?}");
        }
    });
}

#[test]
fn what_is_placed_lies_over_the_layers_and_read_only_seals_them() {
    as_each(|who| {
        let home = who.directory();
        write_as(who, home.join("file"), "host");
        let volume = format!("{}:/opt/new/place", home.display());
        let script = "cat /opt/new/place/file; echo changed >/opt/new/place/file; \
                      touch /etc/new 2>/dev/null || touch /tmp/new 2>/dev/null || echo sealed; \
                      touch /var/tmp/new && df -P /var/tmp | tail -n 1 | cut -d' ' -f 1";
        let options = ["--overlay", "--read-only", "--tmpfs", "/var/tmp", "-v", &volume];
        let ran = nsctl(who, [&["run"][..], &options, &["sh", "-c", script]].concat()).run();
        assert_eq!(ran.success(), "hostsealed\ntmpfs", "{ran:?}");
        assert_eq!(fs::read_to_string(home.join("file")).unwrap(), "changed\n");
    });
}

#[test]
fn changes_to_the_hosts_own_root_cannot_be_kept() {
    as_each(|who| {
        let kept = format!("--overlay={}", who.directory().display());
        for (option, more) in
            [(&kept[..], "--overlay=DIR"), ("--overlay-lower=/usr", "--overlay-lower")]
        {
            let ran = nsctl(who, ["run", option, "true"]).run();
            let needs = format!("{more} needs --rootfs");
            ran.expect_error(125, &[&needs, "part of what is changed", "remedy: --overlay, which"]);
        }
    });
}

/// The marks of an overlay are the kernel's in the first user namespace only.
#[test]
fn an_overlay_made_in_a_user_namespace_replaces_directories() {
    as_each(|who| {
        if !have("unshare") {
            return;
        }
        let home = who.directory();
        let script = "mkdir -p low/a/b; exec unshare -rm \"$NSCTL\" run \
                      -v \"$PWD/low:/srv:O\" sh -c 'rm -r /srv/a && mkdir /srv/a && ls -A /srv/a'";
        let ran = shell(who, &format!("cd {}; {script}", home.display())).run();
        assert_eq!(ran.success(), "", "{ran:?}");
        assert!(home.join("low/a/b").exists());
    });
}

#[test]
fn an_overlay_looks_like_the_directory_that_it_is_over() {
    as_each(|who| {
        for options in [&["--overlay"][..], &["-v", "/tmp:/srv:O"]] {
            let place = if options.len() == 1 { "/tmp" } else { "/srv" };
            let all = [&["run"], options, &["stat", "-c", "%a", place]].concat();
            assert_eq!(nsctl(who, all).run().success(), "1777", "{options:?}");
        }
    });
}

/// Each entry beside a mount takes a descriptor until the root is put together.
#[test]
fn many_entries_beside_a_mount_need_no_higher_limit_of_descriptors() {
    as_each(|who| {
        let script = "
            for at in $(seq 300); do mkdir -p many/$at; done
            mkdir many/m; mount -t tmpfs tmpfs many/m
            ulimit -Sn 256
            for limit in '' '--rlimit nofile=100:200'; do
                $NSCTL run --userns new --overlay $limit --workdir \"$PWD\" -- sh -c '
                    touch many/7/new many/m/new; ls many | wc -l; ulimit -Sn' 2>messages || cat messages
            done
            ls many | wc -l; ls many/7 many/m; ulimit -Sn";
        let Some(shown) = with_mounts(who, script) else { return };
        assert_eq!(shown, "301\n256\n301\n100\n301\nmany/7:\n\nmany/m:\n256\n");
    });
}
