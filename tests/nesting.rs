//! Containers inside containers: denied by default, possible by `--nesting`, impossible by
//! `--no-nested-userns`.

use super::common::{Ran, Who, as_each, have, nsctl, program, skip};

/// What `--nesting` needs besides: a root that is not the host's.
pub fn options(who: Who) -> &'static [&'static str] {
    match who {
        Who::Root => &["--map-users", "0:100000:65536", "--map-groups", "0:100000:65536"],
        Who::User => &[],
    }
}

fn nested(who: Who, flags: &[&str], command: &[&str]) -> Ran {
    nsctl(who, [&["run"], options(who), flags, command].concat()).run()
}

/// The program, as a word of a command.
fn inner() -> &'static str {
    program().to_str().unwrap()
}

#[test]
fn nsctl_runs_inside_nsctl() {
    as_each(|who| {
        let show =
            "id -u; cat /proc/1/comm; hostname; ls /sys/class/net; ls /proc | grep -c '^[0-9]'";
        let command = ["run", "--hostname", "inner", "sh", "-c", show];
        let ran = nested(who, &["--nesting"], &[&[inner()][..], &command].concat());
        let shown: Vec<&str> = ran.success().lines().collect();
        assert_eq!(shown[..4], ["0", "nsinit", "inner", "lo"], "{ran:?}");
        assert!(shown[4].parse::<u32>().unwrap() <= 5, "its own /proc: {ran:?}");
    });
}

#[test]
fn nesting_goes_on_as_deep_as_it_is_asked_for() {
    as_each(|who| {
        let inner = [inner(), "run", "--nesting"];
        let command = [&inner[..], &inner, &[inner[0], "run", "echo", "four"]].concat();
        assert_eq!(nested(who, &["--nesting"], &command).success(), "four");
        let refused = [&inner[..2], &inner[..2], &["true"]].concat();
        nested(who, &["--nesting"], &refused).expect_error(125, &["clone3", "--nesting"]);
    });
}

#[test]
fn without_the_flag_nsctl_inside_names_it() {
    as_each(|who| {
        let ran = nested(who, &[], &[inner(), "run", "true"]);
        let words = ["clone3", "a system-call filter", "nsctl run --nesting"];
        ran.expect_error(125, &words);
        // Only the masks are in the way.
        let ran = nested(who, &["--seccomp", "unconfined"], &[inner(), "run", "true"]);
        ran.expect_error(125, &["mount(\"proc\"", "hidden here by mounts", "--nesting"]);
    });
}

#[test]
fn bubblewrap_runs_inside() {
    if !have("bwrap") {
        return;
    }
    as_each(|who| {
        let sandbox = "bwrap --unshare-user --unshare-all --bind / / --proc /proc --dev /dev";
        let command: Vec<&str> =
            sandbox.split(' ').chain(["sh", "-c", "echo $$; ls /proc/2"]).collect();
        let ran = nested(who, &["--nesting"], &command);
        assert!(ran.success().starts_with("2\n"), "{ran:?}");
        assert_ne!(nested(who, &[], &command).code, Some(0));
    });
}

/// What Chromium's sandbox does: a user and a pid namespace by clone(2), then chroot into nothing.
#[test]
fn a_browsers_sandbox_can_be_made_inside() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        let script = "unshare --user --map-root-user --pid --net --fork sh -c \
                      'echo $$; exec chroot /proc/self/fdinfo /bin/true' 2>&1";
        let ran = nested(who, &["--nesting"], &["sh", "-c", script]);
        // The chroot worked when there is nothing to execute any more.
        assert!(ran.stdout.starts_with("1\n") && ran.stdout.contains("No such file"), "{ran:?}");
    });
}

#[test]
fn nesting_gives_no_right_outside_of_a_namespace_made_inside() {
    as_each(|who| {
        let script = "mount -t tmpfs none /mnt 2>&1; hostname x 2>&1; unshare -m true 2>&1; \
                      grep CapEff /proc/self/status; \
                      for f in kernel/core_pattern vm/drop_caches; do \
                        (echo x > /proc/sys/$f) 2>/dev/null && echo written $f; done; \
                      (echo b > /proc/sysrq-trigger) 2>/dev/null && echo written; \
                      (echo x > /sys/kernel/uevent_helper) 2>/dev/null && echo written; true";
        let ran = nested(who, &["--nesting"], &["sh", "-c", script]);
        let shown = ran.success();
        for denied in ["/mnt: permission denied", "to change the host name", "unshare failed"] {
            assert!(shown.contains(denied), "{ran:?}");
        }
        assert!(
            shown.contains("CapEff:\t00000000a80425fb") && !shown.contains("written"),
            "{ran:?}"
        );
    });
}

#[test]
fn the_hosts_root_gets_no_unhidden_kernel_files() {
    if !nix::unistd::geteuid().is_root() {
        return skip("only root can be root of the host");
    }
    for options in [&[][..], &["--userns", "new"], &["--map-users", "all", "--map-groups", "all"]] {
        let ran = nsctl(Who::Root, [&["run", "--nesting"], options, &["true"]].concat()).run();
        ran.expect_error(
            125,
            &["root would be the host's", "/proc/sys", "--map-users 0:100000:65536"],
        );
    }
    nsctl(Who::Root, ["run", "--nesting", "--privileged", "true"]).run().expect_code(0);
}

#[test]
fn no_user_namespace_is_made_inside_whatever_the_rights() {
    as_each(|who| {
        let rights: [&[&str]; 4] =
            [&[], &["--privileged"], &["--cap-add", "ALL"], &["--seccomp", "unconfined"]];
        for rights in rights {
            let script = "unshare -U true 2>/dev/null && echo made; \
                          unshare -Ur true 2>/dev/null && echo made; \
                          grep '^Seccomp:' /proc/self/status";
            let flags = [&["--no-nested-userns"], rights].concat();
            let ran = nested(who, &flags, &["sh", "-c", script]);
            assert_eq!(ran.success(), "Seccomp:\t2", "{rights:?}");
        }
        // Other namespaces are a right of their own.
        let flags = ["--no-nested-userns", "--privileged"];
        nested(who, &flags, &["unshare", "-m", "true"]).expect_code(0);
    });
}

#[test]
fn the_limit_of_user_namespaces_is_zero_in_the_containers_own_and_the_hosts_stays() {
    let before = std::fs::read_to_string("/proc/sys/user/max_user_namespaces").unwrap();
    as_each(|who| {
        let read = ["cat", "/proc/sys/user/max_user_namespaces"];
        assert_eq!(nested(who, &["--no-nested-userns"], &read).success(), "0");
        nsctl(who, ["run", "--no-nested-userns", "true"]).run().expect_code(0);
    });
    assert_eq!(std::fs::read_to_string("/proc/sys/user/max_user_namespaces").unwrap(), before);
}

#[test]
fn threads_are_made_where_user_namespaces_are_not() {
    if !have("python3") {
        return;
    }
    // A libc tries clone3, which is answered so that it goes back to clone.
    let script =
        "import threading; t = threading.Thread(target=print, args=('thread',)); t.start()";
    as_each(|who| {
        for flags in [&["--no-nested-userns", "--privileged"][..], &["--nesting"]] {
            assert_eq!(nested(who, flags, &["python3", "-c", script]).success(), "thread");
        }
    });
}

#[test]
fn both_flags_together_are_refused() {
    as_each(|who| {
        let ran = nsctl(who, ["run", "--nesting", "--no-nested-userns", "true"]).run();
        ran.expect_error(125, &["cannot be used with"]);
    });
}
