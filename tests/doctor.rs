//! `nsctl doctor` names the causes that are there, made for real, and no others.
//!
//! unshare, nsjail and hakoniwa have no such verb; podman and docker print versions (`info`).

use std::collections::BTreeSet;

use serde_json::Value;

use super::causes::{helpers, prepared_by_root, quoted, script};
use super::common::{Ran, Who, as_each, have, nsctl, skip};

/// The names of all causes, or where they have none what was seen.
fn causes(ran: &Ran) -> BTreeSet<String> {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    let mut found = BTreeSet::new();
    for check in report["checks"].as_array().unwrap_or_else(|| panic!("{ran:?}")) {
        for cause in check["causes"].as_array().unwrap() {
            let name = cause["name"].as_str().or(cause["evidence"].as_str()).unwrap();
            found.insert(name.to_string());
        }
    }
    found
}

/// Fails unless the doctor says 1 and names exactly these.
#[track_caller]
fn expect(ran: &Ran, names: &[&str]) {
    ran.expect_code(1);
    let names: BTreeSet<String> = names.iter().map(ToString::to_string).collect();
    assert_eq!(causes(ran), names, "{}\n{}", ran.stdout, ran.stderr);
}

/// What a plain run needs.
const DOCTOR: &str = "\"$NSCTL\" doctor --json run";

fn result(ran: &Ran, name: &str) -> String {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let mut checks = report["checks"].as_array().unwrap().iter();
    let check = checks.find(|check| check["check"] == name).unwrap_or_else(|| panic!("{ran:?}"));
    check["result"].as_str().unwrap().to_string()
}

#[test]
fn a_healthy_machine_has_no_cause() {
    as_each(|who| {
        let ran = nsctl(who, ["doctor", "--json"]).run();
        ran.success();
        assert_eq!(ran.stderr, "");
        for name in ["start", "pidfd", "user", "net", "proc", "tty", "run", "overlay", "volume"] {
            assert_eq!(result(&ran, name), "works", "{who:?} {name}: {}", ran.stdout);
        }
        // What this machine has not is the machine's, not ours; root maps owners where it can.
        let idmap = if who == Who::Root { "works" } else { "not needed" };
        assert_eq!(result(&ran, "idmap"), idmap, "{}", ran.stdout);
        let ran = nsctl(who, ["doctor", "--json", "rootless", "network", "mounts"]).run();
        ran.success();
        assert!(causes(&ran).is_empty(), "{}", ran.stdout);
    });
}

#[test]
fn people_get_a_table() {
    as_each(|who| {
        let ran = nsctl(who, ["doctor", "network"]).run();
        let lines: Vec<&str> = ran.success().lines().collect();
        assert!(lines[0].starts_with("CHECK "), "{ran:?}");
        assert!(lines.iter().any(|line| line.starts_with("sys ") && line.contains(" works ")));
        // Only what it builds on comes along.
        assert!(!lines.iter().any(|line| line.starts_with("uts ")), "{ran:?}");
    });
}

#[test]
fn a_check_that_does_not_exist_is_named_with_those_that_do() {
    let ran = nsctl(Who::User, ["doctor", "weather"]).run();
    ran.expect_error(125, &["no such check: weather", "landlock", "rootless"]);
}

#[test]
fn what_is_asked_for_decides_the_status() {
    as_each(|who| {
        let zero = "echo 0 > /proc/sys/user/max_time_namespaces";
        let doctor = |what: &str| format!("{zero}; exec \"$NSCTL\" doctor --json {what}");
        let run =
            |what: &str| script(who, &format!("unshare -Ur sh -ec {}", quoted(&doctor(what))));
        run("run").success();
        run("").success();
        expect(&run("time"), &["namespace-limit"]);
        run("all").expect_code(1);
    });
}

#[test]
fn a_filter_around_us_is_named() {
    as_each(|who| {
        let open = "--security-opt systempaths=unconfined";
        let ran = script(who, &format!("\"$NSCTL\" run {open} {DOCTOR}"));
        expect(&ran, &["seccomp-filter"]);
        // The masks of the container are in the way as well, though they cannot be tried.
        let ran = script(who, &format!("\"$NSCTL\" run {DOCTOR}"));
        expect(&ran, &["seccomp-filter", "masked-proc", "masked-sys"]);
        // The remedy that is named helps.
        if who == Who::User {
            script(who, &format!("\"$NSCTL\" run --nesting {DOCTOR}")).success();
        }
    });
}

/// One that denies what a root of its own needs, call by call, and nothing else.
#[test]
fn a_filter_that_denies_a_single_call_is_named() {
    as_each(|who| {
        for call in ["pivot_root", "umount2", "open_tree", "move_mount", "fsopen", "openat2"] {
            let profile = format!(
                r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                    {{"names": ["{call}"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}}]}}"#
            );
            let text = format!(
                "echo {} > $HOME/filter; exec \"$NSCTL\" run --privileged --seccomp $HOME/filter \
                 \"$NSCTL\" doctor --json rootfs",
                quoted(&profile)
            );
            let ran = script(who, &text);
            expect(&ran, &["seccomp-filter"]);
            assert!(ran.stdout.contains(&format!("answers {call}() with EPERM")), "{ran:?}");
        }
        // Not the kernel's age, which would answer the same.
        let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["pidfd_open"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}"#;
        let text = format!(
            "echo {} > $HOME/filter; exec \"$NSCTL\" run --privileged --seccomp $HOME/filter \
             \"$NSCTL\" doctor --json pidfd",
            quoted(profile)
        );
        let ran = script(who, &text);
        ran.expect_code(1);
        assert!(ran.stdout.contains("ENOSYS: a system-call filter around nsctl"), "{ran:?}");
    });
}

#[test]
fn a_chroot_is_named() {
    let prepare = "cp \"$NSCTL\" $HOME/nsctl; mkdir $HOME/proc $HOME/dev $HOME/sys; \
                   mount -t proc proc $HOME/proc; mount --rbind /sys $HOME/sys; \
                   mount --rbind /dev $HOME/dev";
    for chroot in ["chroot --userspec=$ID:$GID", "chroot"] {
        let doctor = format!("{chroot} $HOME /nsctl doctor --json run");
        let text = format!("unshare -m sh -ec '{prepare}; {doctor}'");
        let Some(ran) = prepared_by_root(&text) else { return };
        expect(&ran, &["chroot"]);
    }
}

#[test]
fn a_caller_without_a_mapped_id_is_named() {
    let ran = script(Who::User, &format!("unshare -U {DOCTOR}"));
    expect(&ran, &["unmapped-caller"]);
}

#[test]
fn a_limit_that_is_zero_is_named() {
    as_each(|who| {
        for kind in ["user", "cgroup", "ipc", "uts", "net", "pid", "mnt"] {
            let text = format!("echo 0 > /proc/sys/user/max_{kind}_namespaces; exec {DOCTOR}");
            // Root of a user namespace needs no other one.
            let ran = match kind {
                "user" => in_user_namespace(who, "echo 0 > /proc/sys/user/max_user_namespaces"),
                _ => script(who, &format!("unshare -Ur sh -ec {}", quoted(&text))),
            };
            expect(&ran, &["namespace-limit"]);
            let name = format!("user.max_{kind}_namespaces is 0");
            assert!(ran.stdout.contains(&name), "{}", ran.stdout);
        }
    });
}

#[test]
fn two_limits_at_once_are_named() {
    as_each(|who| {
        let text = "echo 0 > /proc/sys/user/max_net_namespaces; \
                    echo 0 > /proc/sys/user/max_pid_namespaces; exec \"$NSCTL\" doctor --json run";
        let ran = script(who, &format!("unshare -Ur sh -ec {}", quoted(text)));
        expect(&ran, &["namespace-limit"]);
        for kind in ["net", "pid"] {
            let name = format!("user.max_{kind}_namespaces is 0");
            assert!(ran.stdout.contains(&name), "{}", ran.stdout);
        }
    });
}

#[test]
fn the_limit_of_an_ancestor_and_the_depth_are_named() {
    as_each(|who| {
        let inner = format!("exec unshare -Ur {DOCTOR}");
        let text = format!("echo 0 > /proc/sys/user/max_net_namespaces; {inner}");
        let ran = script(who, &format!("unshare -Ur sh -ec {}", quoted(&text)));
        expect(&ran, &["namespace-limit"]);
        assert!(ran.stdout.contains("nested in has used up user.max_net_namespaces"));
        let deeper = format!(
            "cat > $HOME/deeper <<'END'\n\
             if unshare -pf true 2>/dev/null; then exec unshare -pf --kill-child sh $HOME/deeper; fi\n\
             exec {DOCTOR}\n\
             END\n\
             exec unshare -Ur sh $HOME/deeper"
        );
        let ran = script(who, &deeper);
        expect(&ran, &["namespace-limit"]);
        assert!(ran.stdout.contains("33 nested PID namespaces"), "{}", ran.stdout);
    });
}

/// In a user namespace of its own, with these commands before, as somebody who has to make
/// another one.
fn in_user_namespace(who: Who, commands: &str) -> Ran {
    let text = format!("{commands}; exec setpriv --bounding-set -all --inh-caps -all {DOCTOR}");
    script(who, &format!("unshare -Urm sh -ec {}", quoted(&text)))
}

#[test]
fn what_hides_parts_of_proc_and_sys_is_named() {
    as_each(|who| {
        let proc = "mount -t tmpfs none /proc/fs";
        let sys = "mount -t tmpfs none /sys/kernel";
        expect(&in_user_namespace(who, proc), &["masked-proc"]);
        expect(&in_user_namespace(who, sys), &["masked-sys"]);
        let ran = in_user_namespace(who, &format!("{proc}; {sys}"));
        expect(&ran, &["masked-proc", "masked-sys"]);
        assert!(ran.stdout.contains("/proc/fs") && ran.stdout.contains("/sys/kernel"));
    });
}

#[test]
fn a_limit_and_a_mask_at_once_are_named_though_one_is_behind_the_other() {
    as_each(|who| {
        let zero = "echo 0 > /proc/sys/user/max_user_namespaces";
        let ran = in_user_namespace(who, &format!("mount -t tmpfs none /proc/fs; {zero}"));
        expect(&ran, &["namespace-limit", "masked-proc"]);
        assert_eq!(result(&ran, "proc"), "does not");
    });
}

#[test]
fn ranges_that_are_not_there_are_named() {
    let Some(name) = Who::User.name().filter(|_| have("newuidmap")) else {
        return skip("the user has no name, or there is no newuidmap");
    };
    let doctor = "$AS_USER \"$NSCTL\" doctor --json ranges";
    let hide = "echo other:1:1 > $HOME/none; mount --bind $HOME/none /etc/subuid";
    let text = format!("export AS_USER; unshare -m sh -ec '{hide}; {doctor}'");
    let Some(ran) = prepared_by_root(&text) else { return };
    expect(&ran, &["range-missing"]);
    assert!(ran.stdout.contains(&format!("/etc/subuid has no entry for {name}")));
    assert!(ran.stdout.contains(&format!("echo {name}:100000:65536 | sudo tee -a /etc/subuid")));

    let ran = prepared_by_root(&format!("{}; {doctor}", helpers("755"))).unwrap();
    expect(&ran, &["helper-not-set-user-id"]);
    assert!(ran.stdout.contains("newuidmap is not set-user-ID root"), "{ran:?}");
    let nosuid = "mount -t tmpfs -o nosuid none $HOME; chmod 755 $HOME";
    let text =
        format!("export AS_USER; unshare -m sh -ec '{nosuid}; {}; {doctor}'", helpers("4755"));
    let ran = prepared_by_root(&text).unwrap();
    expect(&ran, &["helper-nosuid"]);
    assert!(ran.stdout.contains("mounted nosuid"), "{ran:?}");

    let ran = nsctl(Who::User, ["doctor", "--json", "ranges"]).env("PATH", "/nowhere").run();
    expect(&ran, &["helper-missing"]);
    assert!(ran.stdout.contains("newuidmap is not installed"), "{ran:?}");
    // Two at once: neither helpers nor user namespaces.
    let text = "unshare -Ur sh -ec 'echo 0 > /proc/sys/user/max_user_namespaces; \
                PATH=/nowhere exec \"$NSCTL\" doctor --json ranges'";
    let ran = script(Who::User, text);
    assert!(causes(&ran).contains("namespace-limit"), "{ran:?}");
}

#[test]
fn a_read_only_proc_is_named() {
    let read_only = "mount --bind /proc /proc; mount -o remount,bind,ro /proc";
    let text = format!("export AS_USER; unshare -m sh -ec '{read_only}; exec $AS_USER {DOCTOR}'");
    if let Some(ran) = prepared_by_root(&text) {
        expect(&ran, &["read-only-proc"]);
    }
}

#[test]
fn nothing_is_left_by_a_doctor_that_is_killed() {
    as_each(|who| {
        let mut doctor = nsctl(who, ["doctor"]);
        let mut child = doctor.spawn();
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let began = super::common::eventually(std::time::Duration::from_secs(20), || {
            std::fs::read_to_string(&children).is_ok_and(|children| !children.is_empty())
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(began);
        doctor.tag.expect_none_within(std::time::Duration::from_secs(1));
    });
}
