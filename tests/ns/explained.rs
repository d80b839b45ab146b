//! Trees, one in full, and what differs.

use super::super::common::{Who, as_each, have, nsctl, shell, skip};
use super::fixture::{Fixture, number};

/// A host name, a clock and an empty network of its own; says its pid.
const BIRD: [&str; 7] = ["run", "--hostname", "bird", "--boottime", "86400", "--pid", "host"];

fn bird(who: Who) -> Fixture {
    Fixture::nsctl(who, BIRD.into_iter().chain(["--", "sh", "-c", "echo $$; read wait"]))
}

#[test]
fn a_difference_is_told_with_what_it_shows() {
    as_each(|who| {
        let fixture = bird(who);
        let ran = nsctl(who, ["ns", "diff", "self", &fixture.said[0]]).run();
        ran.expect_code(1);
        for line in ["+ host name bird", "+ clock boottime 86400 0", "pid     same"] {
            assert!(ran.stdout.contains(line), "{line}:\n{}", ran.stdout);
        }
        assert!(ran.stdout.contains("+ mount "), "{}", ran.stdout);
        let mine = format!("+ id map users 0 {} 1\n", who.uid());
        assert_eq!(ran.stdout.contains(&mine), who == Who::User, "{}", ran.stdout);
        let ran = nsctl(who, ["ns", "diff", "--json", &fixture.said[0], &fixture.said[0]]).run();
        let all: serde_json::Value = serde_json::from_str(ran.success()).unwrap();
        let rows = all["namespaces"].as_array().unwrap();
        assert!(rows.len() >= 7 && rows.iter().all(|row| row["same"] == true), "{all:#}");
    });
}

#[test]
fn files_are_compared_by_kind() {
    as_each(|who| {
        let fixture = bird(who);
        let (ours, its) = ("/proc/self/ns/uts", format!("/proc/{}/ns/uts", fixture.said[0]));
        nsctl(who, ["ns", "diff", ours, &its]).run().expect_code(1);
        nsctl(who, ["ns", "diff", &its, &its]).run().expect_code(0);
        nsctl(who, ["ns", "diff", "/proc/self/ns/net", &its])
            .run()
            .expect_error(125, &["not of one kind"]);
    });
}

#[test]
fn files_without_a_process_are_compared_too() {
    if !have("unshare") || !have("ip") {
        return;
    }
    as_each(|who| {
        let script = r#"exec unshare -Urm sh -ec '
            mount -t tmpfs t $HOME
            for name in robin wren; do touch $HOME/$name; unshare --uts=$HOME/$name hostname $name; done
            touch $HOME/up $HOME/down; unshare --net=$HOME/down true
            unshare --net=$HOME/up sh -ec "ip link set lo up; ip address add 192.0.2.77/32 dev lo"
            echo /proc/$$/root$HOME; read wait'"#;
        let fixture = Fixture::shell(who, script);
        let [robin, wren] = ["robin", "wren"].map(|name| format!("{}/{name}", fixture.said[0]));
        let ran = nsctl(who, ["ns", "diff", &robin, &wren]).run();
        ran.expect_code(1);
        for line in ["- host name robin\n", "+ host name wren\n"] {
            assert!(ran.stdout.contains(line), "{line}:\n{}", ran.stdout);
        }
        let [up, down] = ["up", "down"].map(|name| format!("{}/{name}", fixture.said[0]));
        let ran = nsctl(who, ["ns", "diff", &up, &down]).run();
        ran.expect_code(1);
        assert!(ran.stdout.contains("- address 192.0.2.77\n"), "{}", ran.stdout);
        let ran = nsctl(who, ["ns", "diff", &down, "self"]).run();
        assert!(!ran.stdout.contains("+ interface lo\n"), "{}", ran.stdout);
        let addresses = ["ns", "ls", "-n", "-o", "addresses", "-P", "-F", "kept~/up"];
        assert!(nsctl(who, addresses).run().success().contains("192.0.2.77"));
    });
}

#[test]
fn a_look_does_not_keep_what_it_looks_at() {
    as_each(|who| {
        let fixture = bird(who);
        let file = format!("/proc/{}/ns/uts", fixture.said[0]);
        let script = format!(r#"echo $$; exec "$NSCTL" ns show {file}"#);
        let ran = shell(who, &script).run();
        let (pid, text) = ran.success().split_once('\n').unwrap();
        assert!(!text.contains(&format!("/proc/{pid}/fd/")), "{text}");
        // A command may be longer than a line.
        assert!(text.contains("\n  PID ") && text.contains(" COMMAND\n"), "{text}");
    });
}

#[test]
fn one_process_is_shown_with_its_numbers_inside() {
    as_each(|who| {
        let script = r#""$NSCTL" run -d --name wren --hostname bird sleep 1000 > /dev/null
            "$NSCTL" ns show wren; "$NSCTL" ns show --json wren > $HOME/json
            "$NSCTL" ns show "$("$NSCTL" ns ls -n -t uts -F container=wren -o id)"
            "$NSCTL" rm -f wren"#;
        let ran = shell(who, script).run();
        let text = ran.success();
        assert!(text.contains("pids inside"), "{text}");
        assert!(text.contains("hostname      bird"), "{text}");
        assert!(text.contains("container     wren"), "{text}");
    });
}

#[test]
fn trees_lead_from_owners_to_what_they_own() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        let deep = "exec unshare -Ur unshare -Un sh -c '
            echo $(readlink /proc/self/ns/user /proc/self/ns/net) $$; read wait'";
        let fixture = Fixture::shell(who, deep);
        let tree = |options: &[&str]| {
            nsctl(who, [&["ns", "tree"], options].concat()).run().success().to_string()
        };
        let depth = |text: &str, word: &str| {
            let line = text.lines().find(|line| line.contains(word));
            let line = line.unwrap_or_else(|| panic!("{word} is not in:\n{text}"));
            line.chars().take_while(|c| " │├└─".contains(*c)).count() / 3
        };
        let user = format!("user {}", number(&fixture.said[0]));
        let net = format!("net {}", number(&fixture.said[1]));
        let text = tree(&["-t", "net"]);
        assert_eq!(depth(&text, &user), 2, "{text}");
        assert_eq!(depth(&text, &net), 3, "{text}");
        assert_eq!(depth(&tree(&["--by", "parent"]), &user), 2);
        let text = tree(&["--by", "process"]);
        let its = format!("{} sh -c", fixture.said[2]);
        assert!(text.lines().any(|line| line.contains(&its) && line.contains("net:")), "{text}");
    });
}

#[test]
fn who_is_not_there_is_said() {
    let wrong = |arguments: &[&str], words: &[&str]| {
        nsctl(Who::User, [&["ns"], arguments].concat()).run().expect_error(125, words);
    };
    wrong(&["show", "nobody"], &["no such process, container or namespace", "nobody"]);
    wrong(&["show", "4194304"], &["no process 4194304"]);
    wrong(&["show", "9999999999"], &["no namespace 9999999999"]);
    wrong(&["show", "/etc/passwd"], &["no namespace file"]);
    if !nix::unistd::geteuid().is_root() {
        return skip("needs a process of another user");
    }
    let other = Fixture::shell(Who::Root, "echo ready; read wait");
    wrong(&["show", &other.pid().to_string()], &["another user", "sudo"]);
    wrong(&["diff", "self", &other.pid().to_string()], &["another user", "sudo"]);
}
