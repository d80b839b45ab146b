//! A failed start names its cause, which each test makes for real, inside namespaces
//! of its own; and no cause is named where there is none.
//!
//! Peers in the same cases: unshare, nsjail and hakoniwa print the bare errno, bwrap
//! blames a sysctl that the kernel may not even have.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::common::{Ran, Who, as_each, have, nsctl, program, skip};

/// Runs a shell's script as `who`, in which `$NSCTL` is the program.
pub(super) fn script(who: Who, text: &str) -> Ran {
    shell(who, who, text)
}

/// The script runs as `starter`; what it keeps private to `who` is `$HOME`.
fn shell(starter: Who, who: Who, text: &str) -> Ran {
    let mut command = Command::new("sh");
    command
        .args(["-ec", text])
        .env("NSCTL", program())
        .env("ID", who.uid().to_string())
        .env("GID", who.gid().to_string());
    nsctl(who, [""; 0]).started_by(starter, command).run()
}

/// A script that root runs and that starts nsctl as the user with `$AS_USER`.
pub(super) fn prepared_by_root(text: &str) -> Option<Ran> {
    if !nix::unistd::geteuid().is_root() {
        skip("root prepares the case, and the tests run as a user");
        return None;
    }
    let as_user = "AS_USER=\"setpriv --reuid $ID --regid $GID --clear-groups\"\n";
    Some(shell(Who::Root, Who::User, &format!("{as_user}{text}")))
}

#[test]
fn a_healthy_start_says_nothing() {
    as_each(|who| {
        let ran = nsctl(who, ["run", "--hostname", "bird", "true"]).run();
        ran.success();
        assert_eq!(ran.stderr, "");
    });
}

#[test]
fn a_system_call_filter_around_us_is_named() {
    as_each(|who| {
        let ran = script(who, "\"$NSCTL\" run \"$NSCTL\" run true");
        ran.expect_error(
            125,
            &[
                "cannot create the namespaces: clone3({flags=CLONE_NEWUSER|",
                "ENOSYS",
                "cause:  a system-call filter around nsctl answers clone3() with ENOSYS",
                "Seccomp: 2",
                "remedy: ",
                "nsctl run --nesting",
            ],
        );
    });
}

#[test]
fn the_named_remedy_for_the_filter_helps() {
    as_each(|who| {
        script(who, "\"$NSCTL\" run --privileged \"$NSCTL\" run true").success();
    });
}

#[test]
fn a_missing_capability_in_a_container_is_named() {
    as_each(|who| {
        let inner = "\"$NSCTL\" run --cap-add SYS_ADMIN \"$NSCTL\" run";
        let ran = script(who, &format!("{inner} true"));
        ran.expect_error(125, &["loopback", "needs CAP_NET_ADMIN", "remedy: --userns new"]);
    });
}

#[test]
fn a_chroot_is_named() {
    let copy = "cp \"$NSCTL\" $HOME/nsctl; mkdir $HOME/proc $HOME/dev $HOME/sys; \
                mount -t proc proc $HOME/proc";
    let as_user = "chroot --userspec=$ID:$GID $HOME /nsctl run /nsctl --version";
    if let Some(ran) = prepared_by_root(&format!("unshare -m sh -ec '{copy}; {as_user}'")) {
        ran.expect_error(125, &["EPERM", "cause:  nsctl runs in a chroot", "pivot_root(2)"]);
    }
    // Root may make namespaces there, and then has no / to make private.
    let as_root = "chroot $HOME /nsctl run /nsctl --version";
    if let Some(ran) = prepared_by_root(&format!("unshare -m sh -ec '{copy}; {as_root}'")) {
        ran.expect_error(125, &["EINVAL", "cause:  nsctl runs in a chroot"]);
    }
}

#[test]
fn a_chroot_into_a_mount_is_named_too() {
    let inside = "mkdir $HOME/r; mount --bind $HOME/r $HOME/r; cd $HOME/r; cp \"$NSCTL\" nsctl; \
                  mkdir proc; mount --rbind /proc proc; \
                  sh -c 'chroot . /nsctl run --userns new /nsctl --version; exit $?'";
    let ran = script(Who::User, &format!("unshare -Urm sh -ec {}", quoted(inside)));
    ran.expect_error(125, &["EPERM", "nsctl runs in a chroot", "the same mounts and another /"]);
}

/// A word for the shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[test]
fn a_caller_without_a_mapped_id_is_named() {
    as_each(|who| {
        let ran = script(who, "unshare -U \"$NSCTL\" run --userns new true");
        ran.expect_error(125, &["EPERM", "does not map its own uid", "--map-root-user"]);
    });
}

#[test]
fn the_limit_that_is_zero_here_is_named() {
    as_each(|who| {
        for kind in ["user", "cgroup", "ipc", "uts", "net", "pid", "mnt", "time"] {
            let ran = script(
                who,
                &format!(
                    "unshare -Ur sh -ec 'echo 0 > /proc/sys/user/max_{kind}_namespaces; \
                     exec \"$NSCTL\" run --userns new --timens new true'"
                ),
            );
            let name = format!("user.max_{kind}_namespaces is 0");
            let file = format!("/proc/sys/user/max_{kind}_namespaces");
            ran.expect_error(125, &["ENOSPC", &name, &file]);
        }
    });
}

#[test]
fn the_limit_of_an_ancestor_is_named_as_what_is_left() {
    as_each(|who| {
        let ran = script(
            who,
            "unshare -Ur sh -ec 'echo 0 > /proc/sys/user/max_net_namespaces; \
             exec unshare -Ur \"$NSCTL\" run true'",
        );
        ran.expect_error(
            125,
            &[
                "ENOSPC",
                "the limit of this user namespace is not it",
                "nested in has used up user.max_net_namespaces",
            ],
        );
    });
}

#[test]
fn a_limit_that_is_used_up_is_named() {
    as_each(|who| {
        let ran = script(
            who,
            "unshare -Urn sh -ec 'echo 1 > /proc/sys/user/max_net_namespaces; \
             exec \"$NSCTL\" run true'",
        );
        ran.expect_error(
            125,
            &["as many network namespaces exist as user.max_net_namespaces allows", "(1)"],
        );
    });
}

#[test]
fn the_depth_of_user_namespaces_is_named() {
    as_each(|who| {
        let ran = script(
            who,
            "cat > $HOME/deeper <<'END'\n\
             if unshare -Ur true 2>/dev/null; then exec unshare -Ur sh $HOME/deeper; fi\n\
             exec \"$NSCTL\" run --userns new true\n\
             END\n\
             exec sh $HOME/deeper",
        );
        ran.expect_error(125, &["ENOSPC", "33 user namespaces are nested"]);
    });
}

#[test]
fn the_depth_of_pid_namespaces_is_named() {
    as_each(|who| {
        let ran = script(
            who,
            "cat > $HOME/deeper <<'END'\n\
             if unshare -pf true 2>/dev/null; then exec unshare -pf --kill-child sh $HOME/deeper; fi\n\
             exec \"$NSCTL\" run true\n\
             END\n\
             exec unshare -Ur sh $HOME/deeper",
        );
        ran.expect_error(125, &["ENOSPC", "nsctl is in 33 nested PID namespaces"]);
    });
}

#[test]
fn what_hides_parts_of_proc_is_listed() {
    as_each(|who| {
        let masks = "mount -t tmpfs none /proc/fs; mount --bind /dev/null /proc/uptime";
        let ran = script(
            who,
            &format!("unshare -Urm sh -ec '{masks}; exec \"$NSCTL\" run --userns new true'"),
        );
        ran.expect_error(
            125,
            &["the container's /proc", "EPERM", "/proc/fs", "/proc/uptime", "remedy: --pid host"],
        );
        // The remedy holds what it says.
        script(
            who,
            &format!(
                "unshare -Urm sh -ec '{masks}; exec \"$NSCTL\" run --userns new --pid host true'"
            ),
        )
        .success();
    });
}

#[test]
fn what_hides_parts_of_sys_is_listed() {
    as_each(|who| {
        let ran = script(
            who,
            "unshare -Urm sh -ec 'mount -t tmpfs none /sys/kernel; \
             exec \"$NSCTL\" run --userns new true'",
        );
        ran.expect_error(125, &["the container's /sys", "/sys/kernel", "remedy: --net host"]);
    });
}

#[test]
fn no_entry_for_ranges_comes_with_the_line_to_add() {
    let Some(name) = Who::User.name() else { return skip("the user has no name") };
    let hide = "echo other:1:1 > $HOME/none; mount --bind $HOME/none /etc/subuid";
    let run = "$AS_USER \"$NSCTL\" run";
    for options in ["--map-auto", "--map-users 0:100000:10 --map-groups 0:$GID:1"] {
        let text = format!("export AS_USER; unshare -m sh -ec '{hide}; {run} {options} true'");
        let Some(ran) = prepared_by_root(&text) else { return };
        ran.expect_error(
            125,
            &[
                &format!("/etc/subuid has no entry for {name} (uid"),
                &format!("echo {name}:100000:65536 | sudo tee -a /etc/subuid"),
            ],
        );
    }
}

#[test]
fn a_missing_helper_is_named() {
    let ran = nsctl(Who::User, ["run", "--map-auto", "/bin/true"]).env("PATH", "/nowhere").run();
    ran.expect_error(125, &["newuidmap is not installed", "apt install uidmap"]);
}

/// As `$HOME/bin` first in PATH: both helpers with this mode.
pub(super) fn helpers(mode: &str) -> String {
    format!(
        "mkdir -p $HOME/bin; cp /usr/bin/newuidmap /usr/bin/newgidmap $HOME/bin; \
         chmod {mode} $HOME/bin/new?idmap; export PATH=$HOME/bin:$PATH"
    )
}

#[test]
fn a_helper_without_rights_is_named() {
    if !have("newuidmap") {
        return;
    }
    let text = format!("{}; $AS_USER \"$NSCTL\" run --map-auto true", helpers("755"));
    if let Some(ran) = prepared_by_root(&text) {
        ran.expect_error(125, &["bin/newuidmap is not set-user-ID root", "chmod u+s"]);
    }
    let text = format!(
        "export AS_USER; unshare -m sh -ec 'mount -t tmpfs -o nosuid none $HOME; chmod 755 $HOME; \
         {}; $AS_USER \"$NSCTL\" run --map-auto true'",
        helpers("4755")
    );
    if let Some(ran) = prepared_by_root(&text) {
        ran.expect_error(125, &["mounted nosuid"]);
    }
}

#[test]
fn new_privileges_that_are_forbidden_are_named_when_a_helper_needs_them() {
    if !have("newuidmap") {
        return;
    }
    let text = "exec setpriv --no-new-privs \"$NSCTL\" run --map-auto true";
    script(Who::User, text).expect_error(125, &["no_new_privs is set"]);
}

#[test]
fn a_range_that_is_not_granted_comes_with_those_that_are() {
    let Some(name) = Who::User.name().filter(|_| have("newuidmap")) else {
        return skip("the user has no name, or there is no newuidmap");
    };
    let ran = nsctl(Who::User, ["run", "--map-users", "0:5000:1", "true"]).run();
    let words = [&*format!("/etc/subuid grants {name} "), "ids within that"];
    ran.expect_error(125, &words);
}

#[test]
fn a_container_in_a_container_starts_though_groups_cannot_be_set() {
    as_each(|who| {
        for options in ["", "--userns new", "--userns new --keep-id", "--user 0:0"] {
            let start = "unshare -Ur \"$NSCTL\" run";
            script(who, &format!("{start} {options} true")).success();
        }
        let ran = script(who, "unshare -Ur \"$NSCTL\" run --userns new --setgroups allow true");
        ran.expect_error(125, &["denied in the user namespace", "/proc/self/setgroups"]);
    });
}

#[test]
fn ids_that_do_not_exist_here_cannot_be_mapped() {
    as_each(|who| {
        let ran = script(
            who,
            "exec unshare -Ur \"$NSCTL\" run --map-users 0:7:5 --map-groups 0:0:1 true",
        );
        ran.expect_error(125, &["uids 7 to 11 do not all exist", "/proc/self/uid_map has 0 to 0"]);
    });
}

#[test]
fn a_limit_above_the_hard_one_is_named() {
    let text = "ulimit -n 256; exec \"$NSCTL\" run --rlimit nofile=1024 true";
    script(Who::User, text).expect_error(125, &["the hard limit here is 256", "up to 256"]);
    as_each(|who| {
        let ran = nsctl(who, ["run", "--rlimit", "nofile=unlimited", "true"]).run();
        ran.expect_error(125, &["above fs.nr_open", "--rlimit nofile="]);
    });
}

#[test]
fn a_nice_value_below_ours_needs_a_right() {
    let ran = nsctl(Who::User, ["run", "--nice", "-5", "true"]).run();
    ran.expect_error(125, &["cannot set the nice value -5", "CAP_SYS_NICE"]);
}

#[test]
fn a_working_directory_that_cannot_be_entered_says_which_part() {
    as_each(|who| {
        let ran = nsctl(who, ["run", "-w", "/no/such/directory", "true"]).run();
        ran.expect_error(125, &["working directory", "cause:  there is no /no\n"]);
        let ran = nsctl(who, ["run", "-w", "/etc/passwd", "true"]).run();
        ran.expect_error(125, &["ENOTDIR", "/etc/passwd is not a directory"]);
        let closed = who.directory();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        // For root it is open, until it becomes somebody else.
        let user = if who == Who::Root { "12345:12345" } else { "0:0" };
        let inner = closed.join("x");
        let ran = nsctl(who, ["run", "--user", user, "-w", inner.to_str().unwrap(), "true"]).run();
        ran.expect_error(125, &["ENOENT"]);
        // CAP_DAC_OVERRIDE opens it inside; outside the user cannot see what is missing there.
        let seen = format!("there is no {}", inner.display());
        assert_eq!(ran.stderr.contains(&seen), who == Who::Root, "{ran:?}");
        assert!(!ran.stderr.contains("may not be entered"), "{ran:?}");
    });
}

#[test]
fn a_directory_closed_to_the_mapped_ids_is_named() {
    if !nix::unistd::geteuid().is_root() {
        return skip("only root can close a directory to the user who owns all else");
    }
    let closed = Who::Root.directory();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let path = closed.to_str().unwrap();
    let ran = nsctl(Who::User, ["run", "-w", path, "true"]).run();
    let uid = Who::User.uid();
    ran.expect_error(
        125,
        &["EACCES", &format!("the directory {path} (mode 0700, owner 0:0)"), &uid.to_string()],
    );
}

#[test]
fn a_read_only_proc_is_named() {
    let read_only = "mount --bind /proc /proc; mount -o remount,bind,ro /proc";
    let run = |options: &str| {
        prepared_by_root(&format!(
            "export AS_USER; unshare -m sh -ec '{read_only}; exec $AS_USER \"$NSCTL\" run {options} true'"
        ))
    };
    let words = ["/proc is mounted read-only", "remount,bind,rw"];
    for options in ["", "--boottime 5"] {
        let Some(ran) = run(options) else { return };
        ran.expect_error(125, &words);
    }
    if Who::User.name().is_some() && have("newuidmap") {
        run("--map-auto").unwrap().expect_error(125, &words);
    }
    // Who maps nothing writes nothing.
    let text = format!("unshare -m sh -ec '{read_only}; exec \"$NSCTL\" run true'");
    prepared_by_root(&text).unwrap().success();
}

#[test]
fn too_many_processes_are_named() {
    let ran = script(Who::User, "exec prlimit --nproc=1:1 \"$NSCTL\" run true");
    ran.expect_error(125, &["EAGAIN", "may have 1 (ulimit -u)"]);
}

#[test]
fn too_few_descriptors_are_named() {
    as_each(|who| {
        let ran = script(who, "ulimit -n 5; exec \"$NSCTL\" run true");
        ran.expect_error(125, &["EMFILE", "a process may have 5 open files here"]);
        // Nobody but root raises a hard limit; a soft one the shell does, and then it works.
        assert!(ran.stderr.contains("sudo prlimit --pid $$ --nofile=1024:1024"), "{ran:?}");
        let ran = script(who, "ulimit -Sn 5; exec \"$NSCTL\" run true");
        ran.expect_error(125, &["remedy: ulimit -Sn 1024"]);
        script(who, "ulimit -Sn 5; ulimit -Sn 1024; exec \"$NSCTL\" run true").success();
    });
}

#[test]
fn a_limit_of_the_size_of_files_is_named() {
    as_each(|who| {
        let ran = script(who, "ulimit -Sf 0; exec \"$NSCTL\" run true");
        let words = ["EFBIG", "a file may have 0 bytes here", "remedy: ulimit -Sf unlimited"];
        ran.expect_error(125, &words);
    });
}

#[test]
fn what_is_too_long_for_the_kernel_is_named() {
    as_each(|who| {
        let file = who.directory().join("variables");
        fs::write(&file, format!("LONG={}\n", "x".repeat(200_000))).unwrap();
        let ran = nsctl(who, ["run", "--env-file", file.to_str().unwrap(), "true"]).run();
        ran.expect_error(125, &["E2BIG", "the word LONG=xxx", "has 200005 bytes", "131071"]);

        let word = "y".repeat(100_000);
        let words = [&*word, &*word, &*word];
        let run = ["run", "--rlimit", "stack=524288", "true"];
        let ran = nsctl(who, run.into_iter().chain(words)).run();
        ran.expect_error(125, &["E2BIG", "with a stack limit of 524288", "131072"]);
    });
}

#[test]
fn a_restriction_by_apparmor_cannot_be_made_here() {
    let sysctl = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
    if fs::read_to_string(sysctl).is_ok_and(|text| text.trim() == "1") {
        let ran = nsctl(Who::User, ["run", "true"]).run();
        if ran.code != Some(0) {
            ran.expect_error(125, &["apparmor_restrict_unprivileged_userns", "sysctl -w"]);
        }
    } else {
        skip("AppArmor does not restrict user namespaces here; unit tests cover the finder");
    }
}
