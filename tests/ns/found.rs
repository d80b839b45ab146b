//! Every namespace is found, whatever keeps it.

use std::time::Duration;

use super::super::common::{Who, as_each, eventually, have, helper, nsctl, shell, skip};
use super::fixture::{Fixture, find, kept, list, number};

#[test]
fn one_of_a_single_thread_is_found() {
    as_each(|who| {
        let part = helper("thread-elsewhere");
        let run = ["run", "--privileged", "--pid", "host", "--"];
        let fixture = Fixture::nsctl(who, run.into_iter().chain(part.iter().map(String::as_str)));
        let found = find(who, &fixture.said[0]);
        assert_eq!((&found["kind"], &found["procs"]), (&"uts".into(), &0.into()));
        assert!(kept(&found).starts_with("thread "), "{found:#}");
    });
}

#[test]
fn one_that_only_a_descriptor_keeps_is_found() {
    as_each(|who| {
        let part = helper("descriptor");
        let fixture = Fixture::shell(who, &format!("exec {}", part.join(" ")));
        let found = find(who, &fixture.said[0]);
        assert_eq!((&found["kind"], &found["procs"]), (&"uts".into(), &0.into()));
        // Another test's nsctl may have it open for a moment, too.
        let descriptor = format!("/proc/{}/fd/7\n", fixture.pid());
        assert!(kept(&found).contains(&descriptor), "{found:#}");
        // Its owner has neither a process nor a descriptor.
        let owner = find(who, &found["owner"].to_string());
        assert_eq!(owner["uid"], who.uid());
        assert!(kept(&owner).contains(&format!("owner of {}\n", found["id"])), "{owner:#}");
    });
}

#[test]
fn one_whose_file_is_unmounted_while_it_is_open_is_found() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        let script = r#"exec unshare -Urm sh -ec '
            mount -t tmpfs t $HOME; touch $HOME/net; unshare --net=$HOME/net true
            exec 7<$HOME/net; umount -l $HOME/net
            stat -L -c %i /proc/$$/fd/7; read wait'"#;
        let fixture = Fixture::shell(who, script);
        let found = find(who, &fixture.said[0]);
        assert_eq!((&found["kind"], &found["procs"]), (&"net".into(), &0.into()));
        // Another test's nsctl may have it open for a moment, too.
        let descriptor = format!("/proc/{}/fd/7\n", fixture.pid());
        assert!(kept(&found).contains(&descriptor), "{found:#}");
        let owner = find(who, &found["owner"].to_string());
        assert_eq!(owner["pid"], fixture.pid(), "{owner:#}");
    });
}

/// Binds a UTS namespace on $HOME/a\ b in a mount namespace of its own and says where and what.
const BOUND: &str = r#"exec unshare -Urm sh -ec '
    mount -t tmpfs t $HOME; touch "$HOME/a b"
    unshare --uts="$HOME/a b" readlink /proc/self/ns/uts'"#;

#[test]
fn one_that_is_bound_in_another_mount_namespace_is_found() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        let fixture = Fixture::shell(who, &format!("{};read wait'", &BOUND[..BOUND.len() - 1]));
        let found = find(who, &fixture.said[0]);
        assert_eq!((&found["kind"], &found["procs"]), (&"uts".into(), &0.into()));
        let kept = kept(&found);
        // Another test's nsctl may have it open for a moment, too.
        let is_path = |line: &str| line.starts_with("/proc/") && line.contains("/root/");
        assert!(kept.lines().any(|line| is_path(line) && line.ends_with("/a b")), "{kept}");
        // Whose it is can be told though no process is in it.
        let owner = find(who, &found["owner"].to_string());
        assert_eq!(owner["pid"], fixture.pid(), "{owner:#}");
    });
}

#[test]
fn one_that_is_bound_here_is_found_by_its_path() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        let script = BOUND.replace(
            "/proc/self/ns/uts'",
            r#"/proc/self/ns/uts; "$NSCTL" ns ls --persistent -t uts -n -o id,kept --no-trunc'"#,
        );
        let ran = shell(who, &script).run();
        let lines: Vec<&str> = ran.success().lines().collect();
        let line = lines[1..].iter().find(|line| line.starts_with(&number(lines[0]).to_string()));
        let line = line.unwrap_or_else(|| panic!("{ran:?}"));
        assert!(!line.contains("/proc/") && line.ends_with("/a b"), "{line}");
    });
}

#[test]
fn nesting_has_its_depth() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        let deep = "exec unshare -Urpf unshare -Urpf unshare -Urpf --mount-proc sh -c '
            echo $(readlink /proc/self/ns/user /proc/self/ns/pid); read wait'";
        let fixture = Fixture::shell(who, deep);
        let here = list(who, &["-p", "self", "-t", "user,pid"]);
        for (link, kind) in fixture.said.iter().zip(["user", "pid"]) {
            let mut found = find(who, link);
            let ours = here.iter().find(|namespace| namespace["kind"] == kind).unwrap();
            let depth = ours["depth"].as_u64().unwrap();
            for expected in (depth + 1..=depth + 3).rev() {
                assert_eq!((&found["kind"], &found["depth"]), (&kind.into(), &expected.into()));
                found = find(who, &found["parent"].to_string());
            }
            assert_eq!(found["id"], ours["id"]);
        }
    });
}

#[test]
fn one_for_the_next_child_is_found() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        // The kernel makes the offsets' namespace without anybody in it.
        let script = "exec unshare -Ur sh -c '
            exec unshare --time --boottime 86400 sh -c \"readlink /proc/self/ns/time; read wait\"'";
        let fixture = Fixture::shell(who, script);
        let found = find(who, &fixture.said[0]);
        assert_eq!(found["kind"], "time");
        assert_eq!(found["detail"], "boottime=86400s");
    });
}

#[test]
fn a_socket_keeps_its_network() {
    if !nix::unistd::geteuid().is_root() {
        return skip("looking at the sockets of others needs root");
    }
    let part = helper("socket");
    let fixture = Fixture::shell(Who::Root, &format!("exec {}", part.join(" ")));
    let found = find(Who::Root, &fixture.said[0]);
    assert_eq!((&found["kind"], &found["procs"]), (&"net".into(), &0.into()));
    assert!(kept(&found).starts_with(&format!("socket /proc/{}/fd/", fixture.pid())), "{found}");
}

#[test]
fn what_lsns_sees_is_seen_alike() {
    if !have("unshare") || !have("lsns") {
        return;
    }
    as_each(|who| {
        let fixture = Fixture::shell(
            who,
            "exec unshare -Urmuinp --fork sh -c 'echo $(readlink /proc/self/ns/net); read wait'",
        );
        let child = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", fixture.pid()));
        let child = child.unwrap().trim().to_string();
        // Another test's nsctl goes into a namespace for a moment, to ask for its host name.
        assert!(eventually(Duration::from_secs(20), || alike(who, &child)), "{}", child);
    });
}

/// Whether both show the same of the namespaces that only this process and its fixture are in.
fn alike(who: Who, child: &str) -> bool {
    let theirs = shell(who, &format!("lsns -J -p {child} -o NS,TYPE,NPROCS,PID,USER")).run();
    // lsns gives up when a process ends while it looks.
    if theirs.code != Some(0) {
        return false;
    }
    let theirs: serde_json::Value = serde_json::from_str(&theirs.stdout).unwrap();
    let (ours, machine) = (list(who, &["-p", child]), list(who, &["-p", "self"]));
    let text = |value: &serde_json::Value| value.to_string().trim_matches('"').to_string();
    let its =
        theirs["namespaces"].as_array().unwrap().iter().filter(|their| {
            !machine.iter().any(|shared| text(&shared["id"]) == text(&their["ns"]))
        });
    let same = its.filter(|their| {
        let our = ours.iter().find(|our| text(&our["id"]) == text(&their["ns"])).unwrap();
        [("kind", "type"), ("pid", "pid"), ("procs", "nprocs"), ("user", "user")]
            .iter()
            .all(|(our_name, name)| text(&our[our_name]) == text(&their[name]))
    });
    same.count() == 6
}

#[test]
fn a_thousand_are_found() {
    if !nix::unistd::geteuid().is_root() || !have("unshare") {
        return skip("a user may not have the descriptors");
    }
    let part = helper("thousand");
    let fixture = Fixture::shell(Who::Root, &format!("ulimit -n 2048; exec {}", part.join(" ")));
    let descriptor = format!("/proc/{}/fd/", fixture.pid());
    let all = list(Who::Root, &["--persistent", "-t", "uts"]);
    let is_its = |namespace: &&serde_json::Value| kept(namespace).starts_with(&descriptor);
    let its: Vec<_> = all.iter().filter(is_its).map(|namespace| &namespace["id"]).collect();
    assert_eq!(its.len(), 1000);
    // They belong to no process, and those are all that quick looks at.
    let quick = list(Who::Root, &["--quick", "-t", "uts"]);
    assert!(quick.iter().all(|namespace| !its.contains(&&namespace["id"])));
}

/// So many that several look at a time; who enters one of them is alone again.
#[test]
fn a_crowd_is_counted_whole() {
    as_each(|who| {
        // What tells the number is waited for before the others begin.
        let script = "pid=$(readlink /proc/self/ns/pid); \
                      for at in $(seq 400); do sleep 1000 & done; \
                      echo $pid; read wait; kill $(jobs -p)";
        let fixture = Fixture::nsctl(who, ["run", "--", "sh", "-c", script]);
        for options in [&["--type", "pid"][..], &["--quick", "--type", "pid"]] {
            let all = list(who, options);
            let found = all.iter().find(|one| one["id"] == number(&fixture.said[0])).unwrap();
            // nsinit, sh and all that it left.
            assert_eq!(found["procs"], 402, "{found:#}");
            // Numbers of processes begin anew some time: the lowest may be any of them.
            let link = format!("/proc/{}/ns/pid", found["pid"]);
            assert_eq!(std::fs::read_link(link).unwrap().to_str(), Some(&*fixture.said[0]));
        }
        let its_id = number(&fixture.said[0]).to_string();
        for _ in 0..10 {
            nsctl(who, ["enter", &its_id, "true"]).run().expect_code(0);
        }
    });
}

/// So many that several look at a time, each with descriptors of its own.
#[test]
fn a_crowd_that_only_mounts_keep_is_told_whole() {
    if !have("unshare") {
        return;
    }
    const COUNT: usize = 160;
    as_each(|who| {
        let script = r#"exec unshare -Urm sh -ec '
            mount -t tmpfs t $HOME; mkfifo $HOME/ready; exec 9<>$HOME/ready
            for at in $(seq COUNT); do
                unshare -m sh -ec "
                    touch $HOME/crowd-$at; unshare --uts=$HOME/crowd-$at hostname crowd-$at
                    echo >&9; exec sleep 1000" &
                all="$all $!"
            done
            for at in $(seq COUNT); do read one <&9; done
            readlink /proc/self/ns/user; read wait || kill $all'"#;
        let fixture = Fixture::shell(who, &script.replace("COUNT", &COUNT.to_string()));
        let owner = number(&fixture.said[0]);
        // Few descriptors let fewer be open at once.
        let few = r#"ulimit -n 24; exec "$NSCTL" ns ls --json --persistent -t uts"#;
        let all: serde_json::Value = serde_json::from_str(shell(who, few).run().success()).unwrap();
        let is_its = |one: &&serde_json::Value| kept(one).contains("/crowd-");
        let its: Vec<_> = all["namespaces"].as_array().unwrap().iter().filter(is_its).collect();
        let whole = its.iter().filter(|one| {
            let name = one["hostname"].as_str().unwrap_or_default();
            one["owner"] == owner && !name.is_empty() && kept(one).contains(&format!("/{name}\n"))
        });
        assert_eq!((its.len(), whole.count()), (COUNT, COUNT));
    });
}
