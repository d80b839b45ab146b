//! What is shown of namespaces, and what is chosen.

use super::super::common::{Who, as_each, have, nsctl, shell, skip};
use super::fixture::{Fixture, find, list};

/// The kernel takes any bytes as a host's name, and a program may call itself what it wants.
const HOSTILE: &str = r#"exec "$NSCTL" run --hostname "$(printf 'bad\033[31mhost\n2')" --pid host --no-init -- bash -c '
    exec -a "$(printf "evil\n\033]0;title\007")" sh -c \
        "echo \$(readlink /proc/self/ns/uts) \$\$; read wait"'"#;

#[test]
fn names_do_not_speak_to_the_terminal() {
    if !have("bash") {
        return;
    }
    as_each(|who| {
        let fixture = Fixture::shell(who, HOSTILE);
        let ran =
            nsctl(who, ["ns", "ls", "-p", &fixture.said[1], "-t", "uts", "-n", "--no-trunc"]).run();
        let table = ran.success();
        assert_eq!(table.lines().count(), 1, "{table:?}");
        assert!(!table.contains(['\x1b', '\x07']), "{table:?}");
        assert!(table.contains("evil\\n\\u{1b}]0;title\\u{7}"), "{table:?}");
        let found = find(who, &fixture.said[0]);
        assert!(found["command"].as_str().unwrap().starts_with("evil\n\x1b]0;title\x07"));
        assert_eq!(found["hostname"], "bad\x1b[31mhost\n2");
    });
}

#[test]
fn host_name_and_id_map_are_told() {
    as_each(|who| {
        let say = "echo $(readlink /proc/self/ns/uts /proc/self/ns/user); read wait";
        let fixture = Fixture::nsctl(
            who,
            ["run", "--userns", "new", "--hostname", "bird", "--", "sh", "-c", say],
        );
        assert_eq!(find(who, &fixture.said[0])["hostname"], "bird");
        let user = find(who, &fixture.said[1]);
        assert_eq!(user["map"], format!("0 {} 1", who.uid()));
        assert_eq!(user["uid"], who.uid());
    });
}

#[test]
fn what_cannot_be_read_is_counted() {
    if !nix::unistd::geteuid().is_root() {
        return skip("needs a process of another user");
    }
    let other = Fixture::shell(Who::Root, "echo ready; read wait");
    let ran = nsctl(Who::User, ["ns", "ls"]).run();
    ran.success();
    assert!(ran.stderr.contains("belong to other users") && ran.stderr.contains("sudo"));
    let ran = nsctl(Who::User, ["ns", "ls", "--json"]).run();
    let all: serde_json::Value = serde_json::from_str(ran.success()).unwrap();
    assert!(all["unread"]["others"].as_u64().unwrap() > 0);
    let pid = other.pid().to_string();
    nsctl(Who::User, ["ns", "ls", "-p", &pid]).run().expect_error(125, &["another user", "sudo"]);
}

#[test]
fn kinds_filters_and_order_choose() {
    as_each(|who| {
        let run = ["run", "--hostname", "chosen", "sh", "-c", "echo ready; read wait"];
        let _fixture = Fixture::nsctl(who, run);
        let ids = |options: &[&str]| {
            let ran = nsctl(who, [&["ns", "ls", "-n", "-o", "id"], options].concat()).run();
            let lines = ran.success().lines().map(|line| line.parse().unwrap());
            lines.collect::<Vec<u64>>()
        };
        let filter = "kind=uts && hostname=chosen && (procs>=1 || pid=1) && !(command='')";
        let chosen = ids(&["--filter", filter]);
        assert!(!chosen.is_empty());
        assert!(
            list(who, &["-t", "net,uts"])
                .iter()
                .all(|namespace| { namespace["kind"] == "net" || namespace["kind"] == "uts" })
        );
        let sorted = list(who, &["--sort=-procs"]);
        assert!(sorted.is_sorted_by_key(|namespace| -(namespace["procs"].as_i64().unwrap())));
        assert!(ids(&["--persistent", "-F", "procs>0"]).is_empty());
    });
}

#[test]
fn a_container_has_its_name() {
    as_each(|who| {
        let script = r#""$NSCTL" run -d --name robin sleep 1000 > /dev/null
            "$NSCTL" ns ls -n -t pid -o container | grep -x robin
            "$NSCTL" rm -f robin"#;
        let ran = shell(who, script).run();
        assert_eq!(ran.success(), "robin\nrobin");
    });
}

/// Members of a pod share some namespaces, which so tell of none.
#[test]
fn a_process_is_shown_with_its_container() {
    as_each(|who| {
        let script = r#"
            for name in robin wren; do
                "$NSCTL" run -d --pod p --name $name sh -c 'sleep 1000; :' > /dev/null
            done
            for name in robin wren; do
                pid=$("$NSCTL" inspect --pid $name)
                "$NSCTL" ns show --format '{{.container}}' $pid
                "$NSCTL" ns show $pid | grep ^container
            done
            "$NSCTL" rm -f robin wren"#;
        let ran = shell(who, script).run();
        let told = "robin\ncontainer     robin\nwren\ncontainer     wren\nrobin\nwren";
        assert_eq!(ran.success(), told);
    });
}

/// What has ended is in no namespace of most kinds, as the first process of a container that ends.
#[test]
fn a_process_that_ended_is_in_no_container_that_ends() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        let script = r#"cd "$HOME"; mkfifo said
            sh -c "sh -c \"until grep -q sleep /proc/\$\$/comm; do :; done\" &
                echo \$! > said; exec sleep 1000" & keeper=$!
            read ended < said
            "$NSCTL" run -d --name robin --no-init sleep 1000 > /dev/null
            pid=$("$NSCTL" inspect --pid robin)
            shim=$(grep PPid /proc/$pid/status | tr -dc 0-9)
            kill -STOP $shim; kill -KILL $pid
            for one in $pid $ended; do
                until grep -q "^State:.Z" /proc/$one/status; do :; done
            done
            "$NSCTL" ns graph --dot > graph
            for one in $pid $ended; do grep "g.*note.*l$one " graph; done
            kill -CONT $shim; kill $keeper; "$NSCTL" rm -f robin"#;
        let words = format!("exec unshare -Urpf --mount-proc --kill-child sh -c '{script}'");
        let ran = shell(who, &words).run();
        let lines: Vec<&str> = ran.success().lines().collect();
        assert!(lines[0].contains("robin"), "{ran:?}");
        assert!(!lines[1].contains("robin"), "{ran:?}");
        assert_eq!(lines[2..], ["robin"], "{ran:?}");
    });
}

#[test]
fn what_is_wrong_is_named() {
    let wrong = |options: &[&str], words: &[&str]| {
        nsctl(Who::User, [&["ns", "ls"], options].concat()).run().expect_error(125, words);
    };
    wrong(&["-t", "nope"], &["no such kind", "nope"]);
    wrong(&["--sort", "nope"], &["no such column", "nope"]);
    wrong(&["-o", "nope"], &["no such column", "command"]);
    wrong(&["-F", "kind=net)"], &["--filter", "too much"]);
    wrong(&["-p", "4194304"], &["4194304", "no such process"]);
}

/// The same names, by every verb that prints some.
#[test]
fn no_verb_lets_a_name_speak() {
    if !have("bash") {
        return;
    }
    as_each(|who| {
        let fixture = Fixture::shell(who, HOSTILE);
        let (uts, pid) = (fixture.said[0].as_str(), fixture.said[1].as_str());
        let verbs: [&[&str]; 13] = [
            &["ls", "--no-trunc", "-o", "all"],
            &["ls", "--json"],
            &["tree", "--no-trunc"],
            &["tree", "--by", "parent"],
            &["tree", "--by", "process", "--no-trunc"],
            &["show", pid],
            &["show", "--json", pid],
            &["show", uts],
            &["diff", "self", pid],
            &["diff", "--json", "self", pid],
            &["can", pid, pid],
            &["can", "--json", pid, pid],
            &["graph"],
        ];
        for verb in verbs {
            let ran = nsctl(who, [&["ns"], verb].concat()).run();
            assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
            let said = format!("{}{}", ran.stdout, ran.stderr);
            let speaks = |c: char| c.is_control() && c != '\n';
            assert!(!said.contains(speaks), "{verb:?}: {said:?}");
            // A line end in a name ends no line.
            assert!(!said.contains("evil\n") && !said.contains("host\n2"), "{verb:?}: {said:?}");
            let named = ["evil", "bad"].iter().any(|name| said.contains(name));
            // Trees by nesting show neither.
            assert!(named || verb.contains(&"parent"), "{verb:?}: {said:?}");
        }
    });
}

#[test]
fn addresses_of_a_network_are_told() {
    if !have("unshare") || !have("ip") {
        return;
    }
    as_each(|who| {
        let script = "exec unshare -Urn sh -ec '
            ip link set lo up; ip addr add 10.1.2.3/24 dev lo
            ip -6 addr add fd00::7/64 dev lo || :
            echo $(readlink /proc/self/ns/net); read wait'";
        let fixture = Fixture::shell(who, script);
        let found = find(who, &fixture.said[0]);
        let addresses = found["addresses"].as_str().unwrap();
        let all: Vec<&str> = addresses.split(' ').collect();
        assert!(all.contains(&"10.1.2.3") && !all.contains(&"127.0.0.1"), "{found:#}");
        assert!(all.contains(&"fd00::7") || !std::path::Path::new("/proc/net/if_inet6").exists());
        assert_eq!(found["detail"], found["addresses"]);
        let chosen = list(who, &["-F", "addresses~10.1.2.3"]);
        assert!(chosen.iter().any(|namespace| namespace["id"] == found["id"]), "{chosen:#?}");
    });
}

#[test]
fn templates_show_what_they_name() {
    as_each(|who| {
        let say = "echo $(readlink /proc/self/ns/uts) $$; read wait";
        let run = ["run", "--hostname", "wren", "--pid", "host", "--", "sh", "-c", say];
        let fixture = Fixture::nsctl(who, run);
        let id = fixture.said[0].trim_start_matches("uts:[").trim_end_matches(']');
        let of =
            |options: &[&str]| nsctl(who, [&["ns"], options].concat()).run().success().to_string();
        let filter = format!("id={id}");
        let ls = |template: &str| of(&["ls", "-F", &filter, "--format", template]);
        assert_eq!(ls("{{.ID}} {{.Kind}} {{.Hostname}}"), format!("{id} uts wren"));
        assert_eq!(ls("{{json .Kind}}"), "\"uts\"");
        assert!(ls("table {{.Kind}}\\t{{.Hostname}}").starts_with("KIND   HOSTNAME\nuts    wren"));
        assert_eq!(of(&["show", "--format", "{{.Hostname}}", id]), "wren");
        let pid = &fixture.said[1];
        assert_eq!(of(&["show", "--format", "{{.Pid}}", pid]), *pid);
    });
    let wrong = nsctl(Who::User, ["ns", "ls", "--format", "{{.Nope}}"]).run();
    wrong.expect_error(125, &["no field .Nope", ".hostname"]);
}

/// proc_pid_status(5) has all groups before what may be done.
#[test]
fn a_process_of_many_groups_is_read_whole() {
    if !nix::unistd::geteuid().is_root() {
        return skip("many groups need root");
    }
    if !have("setpriv") {
        return;
    }
    let groups: Vec<String> = (100_000..101_000).map(|group| group.to_string()).collect();
    let groups = groups.join(",");
    as_each(|who| {
        let run = |verb: &str| {
            let (uid, gid) = (who.uid(), who.gid());
            let as_who = format!("setpriv --reuid {uid} --regid {gid} --groups {groups}");
            let script = format!("exec {as_who} \"$NSCTL\" ns {verb}");
            shell(Who::Root, &script).env("NSCTL_STATE_DIR", who.directory()).run()
        };
        let ran = run("can --json self self");
        let said: serde_json::Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        assert_eq!(said["uid"], who.uid(), "{ran:?}");
        let root = who == Who::Root;
        assert_eq!(!said["effective"].as_array().unwrap().is_empty(), root, "{ran:?}");
        let said: serde_json::Value =
            serde_json::from_str(run("show --json self").success()).unwrap();
        let pid = said["pid"].to_string();
        let inside = said["pids_inside"].as_str().unwrap();
        assert!(inside.split(' ').any(|number| number == pid), "{said:#}");
    });
}

#[test]
fn a_map_of_many_lines_is_shown_whole() {
    if !nix::unistd::geteuid().is_root() {
        return skip("a map of many lines needs root");
    }
    if !have("unshare") {
        return;
    }
    // The kernel takes 340 lines, and no more than a page of them.
    let lines: Vec<String> = (0..300).map(|id| format!("{id} {} 1", 2 * id + 7)).collect();
    let fixture = Fixture::shell(
        Who::Root,
        "exec unshare -U sh -c 'echo $(readlink /proc/self/ns/user); read wait'",
    );
    std::fs::write(format!("/proc/{}/uid_map", fixture.pid()), lines.join("\n")).unwrap();
    assert_eq!(find(Who::Root, &fixture.said[0])["map"], lines.join(", "));
}

#[test]
fn a_proc_that_hides_others_is_told_beside_a_name_that_is_no_text() {
    if !nix::unistd::geteuid().is_root() {
        return skip("mounting needs root");
    }
    let (uid, gid) = (Who::User.uid(), Who::User.gid());
    let script = format!(
        r#"exec unshare -m --propagation private sh -ec 'cd $HOME
        odd=$(printf "odd\377"); mkdir "$odd"; mount -t tmpfs t "$odd"
        mount -t proc -o hidepid=invisible proc /proc
        setpriv --reuid {uid} --regid {gid} --clear-groups "$NSCTL" ns ls --quick
        umount "$odd"; rmdir "$odd"'"#
    );
    let ran = shell(Who::Root, &script).env("NSCTL_STATE_DIR", Who::User.directory()).run();
    ran.success();
    assert!(ran.stderr.contains("mounted with hidepid"), "{ran:?}");
}
