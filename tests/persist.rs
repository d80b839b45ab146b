//! Keeping namespaces in files. As root only: inside a mount namespace that the
//! test makes, so that no mount of the machine changes.

use super::common::{Who, nsctl, shell, skip};
use super::share::refused;

/// A script in a mount namespace of its own, as root.
#[track_caller]
fn in_own_mounts(propagation: &str, script: &str) -> String {
    let quoted = script.replace('\'', "'\\''");
    // A kernel may number mount namespaces per processor (Linux 6.18) and then takes an
    // older one for a newer, which cannot be bound: EINVAL. So on one processor.
    let script =
        format!("exec taskset -c 0 unshare -m --propagation {propagation} sh -ec '{quoted}'");
    shell(Who::Root, &script).run().success().to_string()
}

fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        skip("--persist needs root");
    }
    root
}

#[test]
fn a_name_outlives_its_processes_until_it_is_dropped() {
    if !is_root() {
        return;
    }
    let shown = in_own_mounts(
        "private",
        r#"cd $HOME
        "$NSCTL" run --hostname kept --persist uts=u --persist net=n readlink /proc/self/ns/uts
        "$NSCTL" run --uts path:$HOME/u --net path:n sh -c 'uname -n; readlink /proc/self/ns/uts; ls /sys/class/net'
        grep -c " $HOME/" /proc/self/mountinfo
        "$NSCTL" ns drop u n
        ls; grep -c " $HOME/" /proc/self/mountinfo || true"#,
    );
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[1], "kept", "{shown}");
    assert_eq!(lines[0], lines[2], "{shown}");
    assert_eq!(lines[3..], ["lo", "2", "0"], "{shown}");
}

#[test]
fn every_kind_but_pid_can_be_kept_and_joined() {
    if !is_root() {
        return;
    }
    let shown = in_own_mounts(
        "private",
        r#"cd $HOME
        mount -t tmpfs t .; cd $HOME
        keep= join=
        for k in cgroup ipc mnt net time user uts; do
            case $k in (net|ipc|uts) o=$k;; (*) o=${k}ns;; esac
            keep="$keep --persist $k=$k"; join="$join --$o path:$k"
        done
        "$NSCTL" run --userns new --boottime 86400 $keep --status-fd 3 true 3> kept
        # The kept /proc is of a pid namespace that has ended: ask from outside.
        "$NSCTL" run $join --status-fd 3 true 3> joined
        for f in kept joined; do
            grep started $f | tr , '\n' | tr -d {} | sed s/.namespaces.:// | grep : | grep -v pid | sort > ids
            mv ids $f; grep -c . $f
        done
        cmp kept joined && echo the same
        "$NSCTL" ns drop cgroup ipc mnt net time user uts
        ls"#,
    );
    assert_eq!(shown, "8\n8\nthe same\njoined\nkept");
}

#[test]
fn a_dry_run_and_a_refused_run_leave_no_file() {
    if !is_root() {
        return;
    }
    let home = Who::Root.directory();
    let file = home.join("uts");
    let keep = format!("uts={}", file.display());
    nsctl(Who::Root, ["run", "--persist", &keep, "--dry-run", "true"]).run().success();
    assert!(!file.exists());
    refused(Who::Root, &["--persist", &keep, "--cap-add", "NOPE"], &["NOPE"]);
    assert!(!file.exists());
}

#[test]
fn what_did_not_start_keeps_nothing() {
    if !is_root() {
        return;
    }
    let shown = in_own_mounts(
        "private",
        r#"cd $HOME
        ended() { echo $?: $(ls): $(grep -c " $HOME/" /proc/self/mountinfo); }
        fails() { "$NSCTL" run "$@" 2> /dev/null || ended; }
        fails --persist uts=u --persist ipc=i /nonexistent
        fails --persist uts=u --no-init /nonexistent
        fails --persist uts=u -w /nonexistent true
        "$NSCTL" run --persist uts=u true; ended
        fails --persist uts=u /nonexistent
        fails --persist uts=u false
        "$NSCTL" ns drop u; "$NSCTL" ns drop u; ended"#,
    );
    assert_eq!(shown, "127: : 0\n127: : 0\n125: : 0\n0: u: 1\n127: u: 1\n1: u: 2\n0: : 0");
}

#[test]
fn what_cannot_be_kept_is_refused_with_the_reason() {
    refused(Who::User, &["--persist", "uts=/tmp/x"], &["CAP_SYS_ADMIN", "sudo"]);
    if !is_root() {
        return;
    }
    let root = |options: &[&str], words: &[&str]| refused(Who::Root, options, words);
    root(&["--persist", "pid=/tmp/x"], &["first process", "pid:PID"]);
    root(&["--persist", "uts=/tmp"], &["directory"]);
    root(&["--persist", "uts=/dev/null"], &["no regular file"]);
    root(&["--persist", "uts=/no/such/file"], &["/no/such"]);
    root(&["--persist", "user=/tmp/x"], &["--persist", "new user namespace"]);
    root(&["--uts", "host", "--persist", "uts=/tmp/x"], &["--persist", "new UTS namespace"]);
    let twice = ["--persist", "uts=/tmp/twice", "--persist", "ipc=/tmp/../tmp/twice"];
    root(&twice, &["another namespace"]);
    nsctl(Who::Root, ["ns", "drop", "/etc/passwd"]).run().expect_error(125, &["no namespace"]);
    nsctl(Who::Root, ["ns", "drop", "/no/such"]).run().expect_error(125, &["/no/such"]);
    nsctl(Who::User, ["ns", "drop", "/proc/self/ns/uts"]).run().expect_error(125, &["sudo"]);
}

#[test]
fn a_mount_namespace_with_a_smaller_number_is_named_as_the_cause() {
    if !is_root() {
        return;
    }
    let mut failed = 0;
    for (ours, its) in [(0, 1), (1, 0)] {
        let script = format!(
            r#"exec taskset -c {ours} unshare -m taskset -c {its} sh -ec '
            mount -t tmpfs t $HOME; "$NSCTL" run --persist mnt=$HOME/m true; ls $HOME'"#
        );
        let ran = shell(Who::Root, &script).run();
        if ran.code == Some(125) && ran.stderr.contains("EINVAL") {
            ran.expect_error(125, &["smaller number", "taskset"]);
            failed += 1;
        }
    }
    if failed == 0 {
        skip("no processor gives mount namespaces smaller numbers, or there is one processor");
    }
}

#[test]
fn a_mount_namespace_is_not_kept_on_a_shared_mount() {
    if !is_root() {
        return;
    }
    let shown = in_own_mounts(
        "shared",
        r#"cd $HOME
        "$NSCTL" run --persist mnt=m true 2>&1 || true
        mkdir d; mount -t tmpfs d d; mount --make-private d
        "$NSCTL" run --persist mnt=d/m true && "$NSCTL" ns drop d/m && ls d"#,
    );
    assert!(shown.contains("shared with others"), "{shown}");
    assert!(shown.contains("--make-private"), "{shown}");
}
