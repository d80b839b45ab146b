//! What a root of the container's own is told: environment, directory, host files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::common::{Screen, Who, as_each, busybox_root, nsctl};

fn inside(who: Who, root: &Path, options: &[&str], script: &str) -> String {
    let rootfs = ["run", "--rootfs", root.to_str().unwrap()];
    let ran = nsctl(who, [&rootfs, options, &["sh", "-c", script]].concat()).env("MARK", "x").run();
    ran.success().to_string()
}

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[test]
fn the_callers_environment_stays_outside() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let variables = |options: &[&str]| -> Vec<String> {
            let own = |line: &&str| !line.starts_with("PWD=") && !line.starts_with("SHLVL=");
            let shown = inside(who, &root, options, "env | sort");
            shown.lines().filter(own).map(str::to_string).collect()
        };
        let host = nix::unistd::gethostname().unwrap().into_string().unwrap();
        let name = format!("HOSTNAME={host}");
        assert_eq!(variables(&[]), ["HOME=/home/root", &name, PATH, "container=nsctl"]);
        let options = ["--hostname", "bird", "-e", "A=1", "-e", "MARK", "-e", "HOME=/h"];
        let expected = ["A=1", "HOME=/h", "HOSTNAME=bird", "MARK=x", PATH, "container=nsctl"];
        assert_eq!(variables(&options), expected);
        let rootfs = ["run", "--rootfs", root.to_str().unwrap(), "--clear-env", "-e", "B=2", "env"];
        assert_eq!(nsctl(who, rootfs).run().success(), "B=2");
    });
}

#[test]
fn the_root_is_where_the_workload_starts() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        assert_eq!(inside(who, &root, &[], "pwd"), "/");
        assert_eq!(inside(who, &root, &["-w", "/etc"], "pwd"), "/etc");
        let ran = nsctl(who, ["run", "--rootfs", root.to_str().unwrap(), "-w", "/home", "true"]);
        ran.run().expect_error(125, &["/home", "ENOENT"]);
        // The host's root keeps what it had.
        let kept = nsctl(who, ["run", "--tmpfs", "/x", "sh", "-c", "echo $MARK; pwd"]);
        assert_eq!(kept.env("MARK", "kept").run().success(), "kept\n/");
    });
}

#[test]
fn a_terminal_has_a_name_that_every_root_knows() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let screen = Screen::nsctl(
            who,
            ["run", "--rootfs", root.to_str().unwrap(), "sh", "-c", "echo =$TERM="],
        );
        screen.expect("=xterm=");
    });
}

#[test]
fn host_files_are_laid_over_the_root() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        for name in ["hostname", "hosts", "resolv.conf"] {
            fs::write(root.join("etc").join(name), "the root's\n").unwrap();
        }
        let all = "cat /etc/hostname /etc/hosts /etc/resolv.conf";
        let shown = inside(who, &root, &["--hostname", "bird"], all);
        assert_eq!(
            shown,
            "bird\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n\
             127.0.1.1\tbird\n# The container's own network has no name server."
        );
        // Private: the root has its own again, and so has the host.
        inside(who, &root, &[], "echo x >/etc/hosts");
        assert_eq!(fs::read_to_string(root.join("etc/hosts")).unwrap(), "the root's\n");

        let none = ["--no-hosts", "--no-hostname", "--dns", "none"];
        assert_eq!(inside(who, &root, &none, all), ["the root's"; 3].join("\n"));
        let servers = ["--dns", "192.0.2.1", "--dns=2001:db8::1"];
        let lines = "nameserver 192.0.2.1\nnameserver 2001:db8::1";
        assert_eq!(inside(who, &root, &servers, "cat /etc/resolv.conf"), lines);
        // The user's own mounts win.
        let own = ["--file", "/etc/hosts=mine"];
        assert_eq!(inside(who, &root, &own, "cat /etc/hosts"), "mine");
    });
}

/// On a layer what is missing can be made; in the user's directory nothing is.
#[test]
fn a_root_without_host_files_gets_them_on_a_layer_or_goes_without() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        assert_eq!(inside(who, &root, &[], "ls /etc"), "group\npasswd");
        let layered = inside(who, &root, &["--overlay"], "ls /etc");
        assert_eq!(layered, "group\nhostname\nhosts\npasswd\nresolv.conf");
    });
}

#[test]
fn with_the_hosts_network_names_are_found_as_on_the_host() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        for file in ["/etc/hosts", "/etc/resolv.conf"] {
            let Ok(text) = fs::read_to_string(file) else { continue };
            fs::write(root.join(&file[1..]), "").unwrap();
            let shown = inside(who, &root, &["--net", "host"], &format!("cat {file}"));
            assert_eq!(shown, text.trim_end_matches('\n'), "{file}");
        }
    });
}

#[test]
fn name_servers_can_be_chosen_for_the_hosts_root() {
    as_each(|who| {
        let ran = nsctl(who, ["run", "--dns", "192.0.2.1", "cat", "/etc/resolv.conf"]).run();
        assert_eq!(ran.success(), "nameserver 192.0.2.1");
        for (options, word) in [
            (&["--dns", "localhost"][..], "neither an IP address nor none"),
            (&["--dns", "none", "--dns", "::1"], "contradict"),
            (&["--dns=::1", "--dns=::2", "--dns=::3", "--dns=::4"], "first three"),
        ] {
            let ran = nsctl(who, [&["run"], options, &["true"]].concat()).run();
            ran.expect_error(125, &[word]);
        }
    });
}

#[test]
fn cve_2025_24965_nothing_is_written_through_a_link_of_the_root() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let outside = who.directory().join("host-file");
        for name in ["hostname", "hosts", "resolv.conf"] {
            symlink(&outside, root.join("etc").join(name)).unwrap();
        }
        for content in [None, Some("unchanged")] {
            if let Some(content) = content {
                fs::write(&outside, content).unwrap();
            }
            let rootfs = ["run", "--rootfs", root.to_str().unwrap()];
            for options in [&[][..], &["--overlay"], &["--read-only"]] {
                let ran = nsctl(who, [&rootfs, options, &["true"]].concat()).run();
                assert!(ran.code == Some(0) || ran.code == Some(125), "{ran:?}");
                assert_eq!(fs::read_to_string(&outside).ok().as_deref(), content);
            }
        }
    });
}

#[test]
fn lines_of_hosts_and_resolv_conf_are_added_in_dockers_words() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let options = [
            "--add-host",
            "nest:10.0.0.1",
            "--add-host=six=[fe80::1]",
            "--dns",
            "10.0.0.2",
            "--dns-search",
            "a.org",
            "--dns-search=b.org",
            "--dns-option",
            "ndots:2",
            "--dns-opt=rotate",
        ];
        let resolver = "nameserver 10.0.0.2\nsearch a.org b.org\noptions ndots:2 rotate";
        let shown = inside(who, &root, &options, "tail -n 2 /etc/hosts; cat /etc/resolv.conf");
        assert_eq!(shown, format!("10.0.0.1\tnest\nfe80::1\tsix\n{resolver}"));
        // Over the host's root: what is in its own file stays.
        let script = "getent hosts nest six; grep -c localhost /etc/hosts; cat /etc/resolv.conf";
        let ran = nsctl(who, [&["run"], &options[..], &["sh", "-c", script]].concat()).run();
        assert!(
            ran.success().starts_with("10.0.0.1        nest\nfe80::1         six\n"),
            "{ran:?}"
        );
        assert!(ran.success().ends_with(resolver), "{ran:?}");
        let servers = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| line.starts_with("nameserver"));
            lines.map(String::from).collect()
        };
        let ran = nsctl(who, ["run", "--dns-search", "c.org", "cat", "/etc/resolv.conf"]).run();
        assert!(ran.success().ends_with("search c.org"), "{ran:?}");
        let host = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        assert_eq!(servers(&ran.stdout), servers(&host));
    });
}

#[test]
fn what_was_asked_for_is_there_also_where_the_root_has_no_etc() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        fs::remove_dir_all(root.join("etc")).unwrap();
        let before = super::common::tree(&root);
        let options = ["--add-host", "nest:10.0.0.1", "--dns-search", "a.org"];
        let shown =
            inside(who, &root, &options, "grep nest /etc/hosts; grep a.org /etc/resolv.conf");
        assert_eq!(shown, "10.0.0.1\tnest\nsearch a.org");
        assert_eq!(super::common::tree(&root), before);
    });
}

#[test]
fn a_wrong_line_is_refused_with_what_would_be_right() {
    as_each(|who| {
        for (options, words) in [
            (&["--add-host", "nest"][..], "NAME:ADDRESS"),
            (&["--add-host", "nest:host-gateway"], "no gateway to the host"),
            (&["--add-host", "a b:1.1.1.1"], "one word"),
            (&["--dns-search", "a b"], "one word"),
            (&["--dns-option", ""], "one word"),
            (&["--no-hosts", "--add-host", "a:1.1.1.1"], "cannot be used with"),
            (&["--dns", "none", "--dns-search", "a"], "--dns none and --dns-search contradict"),
        ] {
            let ran = nsctl(who, [&["run"], options, &["true"]].concat()).run();
            ran.expect_error(125, &[words]);
        }
    });
}
