//! Contradictions and bad values are refused with the reason, before anything is made.

use super::common::{Who, as_each, nsctl};

/// Runs with the options; must fail with all of the words and never start the workload.
#[track_caller]
pub fn refused(who: Who, options: &[&str], words: &[&str]) {
    let ran = nsctl(who, [&["run"], options, &["echo", "STARTED"]].concat()).run();
    ran.expect_error(125, words);
    assert_eq!(ran.stdout, "", "{options:?}");
    // Found by looking, not by a failed call.
    assert!(!ran.stderr.contains("clone3("), "{options:?}: {}", ran.stderr);
}

#[test]
fn settings_of_a_shared_namespace_are_refused() {
    as_each(|who| {
        for (options, words) in [
            (&["--uts", "host", "--hostname", "x"][..], ["--hostname", "UTS"]),
            (&["--share", "uts", "--hostname", "x"], ["--hostname", "UTS"]),
            (&["--uts", "host", "--domainname", "x"], ["--domainname", "UTS"]),
            (&["--timens", "host", "--time-offset", "boottime=1"], ["--time-offset", "time"]),
            (&["--share", "time", "--boottime", "1"], ["--time-offset", "time"]),
            (&["--mntns", "host", "--propagation", "slave"], ["--propagation", "mount"]),
            (&["--userns", "host", "--keep-id"], ["map ids", "--userns"]),
            (&["--share", "user", "--map-auto"], ["map ids", "user namespace"]),
            (&["--userns", "host", "--map-users", "0:1:1"], ["map ids", "--userns"]),
            (&["--userns", "host", "--setgroups", "deny"], ["map ids", "--userns"]),
            (&["--net", "host", "--share", "net"], ["--net", "--share"]),
            (&["--net", "new", "--share", "net"], ["--net", "--share"]),
        ] {
            refused(who, options, &words);
        }
    });
}

#[test]
fn unknown_words_are_refused_and_the_known_ones_named() {
    as_each(|who| {
        for (options, words) in [
            (&["--share", "nett"][..], ["nett", "user, cgroup"]),
            (&["--share", ""], ["no such kind", "user, cgroup"]),
            (&["--net", "hosts"], ["--net hosts", "path:FILE"]),
            (&["--net", ""], ["--net", "path:FILE"]),
            (&["--pid", "none"], ["--pid none", "pid:PID"]),
            (&["--net", "pid:"], ["--net pid:", "no process id"]),
            (&["--net", "pid:0"], ["--net pid:0", "no process id"]),
            (&["--net", "pid:-1"], ["--net pid:-1", "no process id"]),
            (&["--net", "pid:1x"], ["--net pid:1x", "no process id"]),
            (&["--net", "pid:99999999"], ["99999999", "no such process"]),
            (&["--net", "pid:4294967296"], ["4294967296", "no process id"]),
            (&["--net", "container:nobody"], ["no such container: nobody", "nsctl ps"]),
            (&["--persist", "uts"], ["--persist uts", "KIND=FILE"]),
            (&["--persist", "nope=/tmp/x"], ["nope", "user, cgroup"]),
            (&["--time-offset", "realtime=1"], ["realtime", "monotonic and boottime"]),
            (&["--time-offset", "boottime=x"], ["boottime=x", "SECONDS"]),
            (&["--time-offset", "boottime"], ["boottime", "SECONDS"]),
        ] {
            refused(who, options, &words);
        }
    });
}

#[test]
fn files_that_are_no_such_namespace_are_refused() {
    as_each(|who| {
        refused(who, &["--net", "path:/etc/passwd"], &["/etc/passwd", "no namespace file"]);
        refused(who, &["--net", "path:/etc"], &["/etc", "no namespace file"]);
        refused(who, &["--net", "path:/no/such"], &["/no/such", "No such file"]);
        refused(who, &["--net", "path:/proc/self/ns/uts"], &["a UTS namespace", "network"]);
        refused(who, &["--userns", "path:/proc/self/ns/mnt"], &["a mount namespace", "user"]);
        refused(who, &["--timens", "path:/proc/self/status"], &["no namespace file"]);
    });
}

#[test]
fn the_namespaces_of_others_are_refused_to_a_user() {
    let own = std::process::id();
    if Who::User.uid() != nix::unistd::geteuid().as_raw() {
        refused(
            Who::User,
            &["--net", &format!("pid:{own}")],
            &["the process belongs to another user", "sudo nsctl"],
        );
    }
}

#[test]
fn without_root_the_hosts_user_namespace_gives_no_new_ones() {
    refused(
        Who::User,
        &["--userns", "host"],
        &["cgroup, ipc, uts, net, pid, mnt", "CAP_SYS_ADMIN", "--share user,cgroup"],
    );
    refused(Who::User, &["--share", "user,net"], &["cgroup, ipc, uts, pid, mnt"]);
}

#[test]
fn an_offset_that_the_clock_cannot_have_is_refused_with_the_range() {
    as_each(|who| {
        let far = "9300000000";
        refused(
            who,
            &["--boottime", far],
            &["out of range", "must stay between 0 and 4611686018 s"],
        );
        let past = format!("monotonic=-{far}");
        refused(who, &["--time-offset", &past], &["out of range", "can be added"]);
    });
}
