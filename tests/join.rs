//! Joining the namespaces of a container that runs.

use std::collections::HashMap;
use std::process::Child;
use std::time::Duration;

use super::common::{Who, as_each, eventually, have, nsctl, shell, skip};
use super::namespaces::{LINKS, links};
use super::share::refused;

/// A container that sleeps, and the host's pid of its first process.
struct Target {
    nsctl: Child,
    pid: String,
}

impl Target {
    fn start(who: Who, options: &[&str]) -> Target {
        let file = who.directory().join("pid");
        let path = file.to_str().unwrap().to_string();
        let arguments = [&["run", "--pid-file", &path], options, &["sleep", "1000"]].concat();
        let nsctl = nsctl(who, arguments).spawn();
        let mut target = Target { nsctl, pid: String::new() };
        let pid = || std::fs::read_to_string(&file).ok().filter(|text| !text.is_empty());
        assert!(eventually(Duration::from_secs(20), || pid().is_some()), "it did not start");
        target.pid = pid().unwrap().trim().to_string();
        target
    }

    fn links(&self) -> HashMap<String, String> {
        ["user", "cgroup", "ipc", "uts", "net", "pid", "time", "mnt"]
            .map(|kind| {
                let link = std::fs::read_link(format!("/proc/{}/ns/{kind}", self.pid)).unwrap();
                (kind.to_string(), link.to_str().unwrap().split_once(':').unwrap().1.to_string())
            })
            .into()
    }

    /// `pid:PID`, as each option takes it.
    fn of(&self) -> String {
        format!("pid:{}", self.pid)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // Our own child; the container ends with it.
        let _ = self.nsctl.kill();
        let _ = self.nsctl.wait();
    }
}

fn same(inside: &str, target: &Target) -> Vec<String> {
    let (inside, target) = (links(inside), target.links());
    let mut same: Vec<String> =
        inside.into_iter().filter(|(kind, id)| target[kind] == *id).map(|(kind, _)| kind).collect();
    same.retain(|kind| kind != "time");
    same.sort();
    same
}

fn inside(who: Who, options: &[&str], script: &str) -> String {
    nsctl(who, [&["run"], options, &["sh", "-c", script]].concat()).run().success().to_string()
}

#[test]
fn a_second_container_shares_the_net_of_the_first_and_not_its_name() {
    as_each(|who| {
        let target = Target::start(who, &["--hostname", "first"]);
        let see = format!("{LINKS}; uname -n >&2; cat /proc/net/dev | cut -d: -f1 >&2");
        let ran =
            nsctl(who, ["run", "--net", &target.of(), "--hostname", "second", "sh", "-c", &see])
                .run();
        // A user has its rights in the user namespace that owns the network.
        assert_eq!(same(ran.success(), &target), ["net", "user"]);
        assert!(ran.stderr.starts_with("second\n"), "{}", ran.stderr);
        assert!(ran.stderr.ends_with("lo\n"), "{}", ran.stderr);
    });
}

#[test]
fn a_path_joins_as_a_pid_does() {
    as_each(|who| {
        let target = Target::start(who, &[]);
        let path = format!("path:/proc/{}/ns/ipc", target.pid);
        assert_eq!(same(&inside(who, &["--ipc", &path], LINKS), &target), ["ipc", "user"]);
    });
}

#[test]
fn every_kind_can_be_joined_at_once() {
    as_each(|who| {
        for options in [&[][..], &["--userns", "new"], &["--map-auto", "--hostname", "first"]] {
            if who == Who::Root && options.contains(&"--map-auto") {
                continue;
            }
            let target = Target::start(who, options);
            let pid = target.of();
            let kinds = ["net", "pid", "ipc", "uts", "cgroupns", "mntns", "userns"];
            let joins: Vec<String> = kinds.map(|kind| format!("--{kind}={pid}")).into();
            let joins: Vec<&str> = joins.iter().map(String::as_str).collect();
            // The user namespace of a root without one is the host's, which sharing names.
            let see = format!("{LINKS}; id -u >&2; ls -d /proc/1 >&2");
            let ran = nsctl(who, [&["run"], &joins[..], &["sh", "-c", &see]].concat()).run();
            assert_eq!(
                same(ran.success(), &target),
                ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]
            );
            assert_eq!(ran.stderr, "0\n/proc/1\n");
        }
    });
}

#[test]
fn a_joined_pid_namespace_shows_both_sides_processes() {
    as_each(|who| {
        let target = Target::start(who, &[]);
        let see = "tr '\\0' ' ' < /proc/2/cmdline; test $$ -gt 2 && echo later";
        assert_eq!(inside(who, &["--pid", &target.of()], see), "sleep 1000 later");
    });
}

#[test]
fn root_becomes_the_root_of_a_users_container_that_it_joins() {
    if !nix::unistd::geteuid().is_root() {
        super::common::skip("as root: the tests run as a user");
        return;
    }
    let target = Target::start(Who::User, &[]);
    let pid = target.of();
    let see = "id -u; id -g; id -G; grep -c . /proc/self/uid_map; echo > /dev/null; touch /dev/x && echo made";
    // The caller's groups are gone, though the namespace denies setgroups.
    let shown = inside(Who::Root, &["--userns", &pid, "--net", &pid], see);
    assert_eq!(shown, "0\n0\n0\n1\nmade");
    // Its network alone can be joined from outside of its user namespace.
    let shown = inside(Who::Root, &["--net", &pid], LINKS);
    assert_eq!(same(&shown, &target), ["net"]);
}

#[test]
fn the_script_of_a_dry_run_joins_what_the_run_does() {
    if !["nsenter", "unshare", "setpriv", "ip"].into_iter().all(have) {
        return;
    }
    as_each(|who| {
        let target = Target::start(who, &["--hostname", "first"]);
        let pid = target.of();
        for (kinds, expected) in [
            (&["--net"][..], &["net", "user"][..]),
            (&["--net", "--pid", "--uts"], &["net", "pid", "user", "uts"]),
            (&["--mntns", "--pid", "--ipc"], &["ipc", "mnt", "pid", "user"]),
        ] {
            let joins = kinds.iter().flat_map(|kind| [*kind, pid.as_str()]);
            let words = ["run", "--dry-run=shell"].into_iter().chain(joins);
            let script = nsctl(who, words.chain(["sh", "-c", LINKS])).run().success().to_string();
            let ran = shell(who, &script).run();
            assert_eq!(same(ran.success(), &target), expected, "{script}");
        }
    });
}

#[test]
fn a_new_clock_fits_what_is_joined() {
    as_each(|who| {
        let target = Target::start(who, &[]);
        for joined in ["--net", "--mntns", "--userns"] {
            if who == Who::Root && joined == "--userns" {
                continue;
            }
            let options = [joined, &target.of(), "--boottime", "8640000"];
            // The joined mount namespace has a /proc of another pid namespace: no uptime of ours.
            let see = "cut -d. -f1 /proc/uptime";
            let shown: u64 = inside(who, &options, see).parse().unwrap();
            assert!(shown > 8_640_000, "{joined}: {shown}");
        }
    });
}

#[test]
fn the_ids_of_joined_namespaces_are_reported() {
    as_each(|who| {
        let target = Target::start(who, &[]);
        let ran = nsctl(who, ["run", "--mntns", &target.of(), "--status-fd", "1", "true"]).run();
        let mnt = target.links()["mnt"].clone();
        let expected = format!("\"mnt\":{}", mnt.trim_matches(['[', ']']));
        assert!(ran.success().contains(&expected), "{ran:?}");
    });
}

#[test]
fn what_the_caller_has_no_rights_in_is_refused_with_the_reason() {
    let target = Target::start(Who::User, &[]);
    let pid = target.of();
    refused(Who::User, &["--net", &pid, "--userns", "new"], &["the new one", "leave"]);
    refused(Who::User, &["--net", &pid, "--keep-id"], &["the new one", "leave"]);
    refused(
        Who::User,
        &["--net", &pid, "--userns", "host", "--share", "uts,ipc,pid,cgroup,mnt"],
        &["CAP_SYS_ADMIN", "owns it"],
    );
    let other = Target::start(Who::User, &[]);
    refused(Who::User, &["--net", &pid, "--ipc", &other.of()], &["another user namespace"]);
    refused(Who::User, &["--net", &pid, "--hostname", "x", "--uts", &pid], &["--hostname", "UTS"]);
}

#[test]
fn a_new_user_namespace_takes_a_joined_one_without_mounting_what_shows_it() {
    if !nix::unistd::geteuid().is_root() {
        super::common::skip("as a user the joined namespace's owner is joined too");
        return;
    }
    let target = Target::start(Who::Root, &[]);
    for kind in ["net", "ipc", "uts"] {
        let options = ["--map-root-user", &format!("--{kind}"), &target.of()];
        let see = format!("{LINKS}; grep -c ' /sys ro' /proc/self/mountinfo >&2");
        let ran = nsctl(Who::Root, [&["run"], &options[..], &["sh", "-c", &see]].concat()).run();
        assert_eq!(same(ran.success(), &target), [kind]);
        assert_eq!(ran.stderr, "1\n");
    }
    nsctl(Who::Root, ["run", "--map-root-user", "--pid", &target.of(), "true"])
        .run()
        .expect_error(125, &["the PID namespace belongs to another", "--pid new"]);
}

/// A mount namespace that is joined has another /proc, which may name anybody as our child.
#[test]
fn a_joined_proc_that_lies_gets_nobody_killed() {
    // A user could only have his own processes killed, and joins only what is his.
    if !nix::unistd::geteuid().is_root() {
        return skip("joining a mount namespace of the same user namespace needs root");
    }
    if !have("unshare") {
        return;
    }
    let who = Who::Root;
    let script =
        "exec unshare -m sh -c 'mount -t tmpfs none /proc && echo ready && exec sleep 1000'";
    let mut liar = shell(who, script);
    let mut liar = Target { pid: String::new(), nsctl: liar.spawn() };
    let mut ready = [0; 6];
    std::io::Read::read_exact(liar.nsctl.stdout.as_mut().unwrap(), &mut ready).unwrap();
    liar.pid = liar.nsctl.id().to_string();
    let mut victim = shell(who, "exec sleep 1000");
    let mut victim = Target { nsctl: victim.spawn(), pid: String::new() };
    let lie = |path: std::path::PathBuf| {
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("children"), format!("{} ", victim.nsctl.id())).unwrap();
    };
    let root = std::path::PathBuf::from(format!("/proc/{}/root/proc", liar.pid));
    let last: u32 = victim.nsctl.id();
    lie(root.join("thread-self"));
    for pid in last..last + 3000 {
        lie(root.join(format!("{pid}/task/{pid}")));
    }
    let of = liar.of();
    let script = "setsid sleep 1000 & exit 3";
    let arguments = ["run", "--mntns", &of, "--pid", "host", "--", "sh", "-c", script];
    // That also waits until what it left is gone.
    nsctl(who, arguments).run().expect_code(3);
    assert_eq!(victim.nsctl.try_wait().unwrap(), None, "it was killed");
}

/// What it left running is the joined namespace's PID 1's, as with `docker exec`.
#[test]
fn the_command_in_a_joined_pid_namespace_is_killed_with_nsctl() {
    as_each(|who| {
        let target = Target::start(who, &[]);
        let of = target.of();
        let mut arguments = vec!["run", "--pid", &of];
        if who == Who::User {
            arguments.extend(["--userns", &of]);
        }
        arguments.extend(["sh", "-c", "echo ready; exec sleep 1000"]);
        let mut nsctl = nsctl(who, arguments);
        let mut child = nsctl.spawn();
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        nsctl.tag.expect_none_within(Duration::from_secs(1));
    });
}
