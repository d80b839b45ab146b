//! What each kind of namespace shows when it is new, and when it is the host's.

use std::collections::HashMap;
use std::net::TcpListener;

use super::common::{Who, as_each, have, nsctl, shell};

/// The eight links of /proc/PID/ns.
const KINDS: [&str; 8] = ["user", "cgroup", "ipc", "uts", "net", "pid", "time", "mnt"];

/// Prints the eight links, a line each.
pub const LINKS: &str =
    "for kind in user cgroup ipc uts net pid time mnt; do readlink /proc/self/ns/$kind; done";

/// Reads what `LINKS` printed.
pub fn links(text: &str) -> HashMap<String, String> {
    let pair = |line: &str| line.split_once(':').map(|(kind, id)| (kind.into(), id.into()));
    let links: HashMap<String, String> = text.lines().filter_map(pair).collect();
    assert_eq!(links.len(), KINDS.len(), "{text}");
    links
}

/// The links of the test itself, which are the host's.
pub fn own_links() -> HashMap<String, String> {
    let link = |kind: &str| std::fs::read_link(format!("/proc/self/ns/{kind}")).unwrap();
    links(&KINDS.map(|kind| link(kind).to_str().unwrap().to_string()).join("\n"))
}

/// The kinds of `links` that are not the host's.
pub fn not_the_hosts(links: &HashMap<String, String>) -> Vec<&'static str> {
    let host = own_links();
    KINDS.into_iter().filter(|kind| links[*kind] != host[*kind]).collect()
}

/// The kinds whose links differ from the host's.
fn new_kinds(who: Who, options: &[&str]) -> Vec<&'static str> {
    let ran = nsctl(who, [&["run"], options, &["sh", "-c", LINKS]].concat()).run();
    not_the_hosts(&links(ran.success()))
}

/// The output of a command inside.
fn inside(who: Who, options: &[&str], script: &str) -> String {
    nsctl(who, [&["run"], options, &["sh", "-c", script]].concat()).run().success().to_string()
}

#[test]
fn all_but_time_and_roots_user_namespace_are_new() {
    as_each(|who| {
        let mut expected = KINDS.to_vec();
        expected.retain(|kind| *kind != "time" && (*kind != "user" || who == Who::User));
        assert_eq!(new_kinds(who, &[]), expected);
        expected.retain(|kind| *kind != "user");
        expected.insert(0, "user");
        expected.insert(6, "time");
        assert_eq!(new_kinds(who, &["--userns", "new", "--timens", "new"]), expected);
    });
}

#[test]
fn each_kind_can_be_the_hosts_by_its_option_and_by_share() {
    as_each(|who| {
        for (kind, option) in [
            ("net", "--net"),
            ("pid", "--pid"),
            ("ipc", "--ipc"),
            ("uts", "--uts"),
            ("cgroup", "--cgroupns"),
            ("mnt", "--mntns"),
        ] {
            let without: Vec<&str> =
                new_kinds(who, &[]).into_iter().filter(|k| *k != kind).collect();
            assert_eq!(new_kinds(who, &[option, "host"]), without, "{option} host");
            assert_eq!(new_kinds(who, &["--share", kind]), without, "--share {kind}");
        }
        assert_eq!(
            new_kinds(Who::User, &["--share", "net,uts", "--share", "ipc"]),
            ["user", "cgroup", "pid", "mnt"]
        );
        assert!(new_kinds(who, &["--share", "user,cgroup,ipc,uts,net,pid,mnt,time"]).is_empty());
    });
}

#[test]
fn private_and_none_are_words_for_a_new_one() {
    as_each(|who| {
        assert_eq!(new_kinds(who, &["--net", "none", "--ipc", "private"]), new_kinds(who, &[]));
    });
}

#[test]
fn joining_the_callers_own_namespace_is_sharing_it() {
    as_each(|who| {
        let without: Vec<&str> = new_kinds(who, &[]).into_iter().filter(|k| *k != "net").collect();
        assert_eq!(new_kinds(who, &["--net", "path:/proc/self/ns/net"]), without);
    });
}

#[test]
fn uts_the_hostname_is_the_containers_only() {
    as_each(|who| {
        let shown = inside(
            who,
            &["--hostname", "myhost", "--domainname", "mydomain"],
            "hostname; uname -n; cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname",
        );
        assert_eq!(shown, "myhost\nmyhost\nmyhost\nmydomain");
        assert_ne!(nix::unistd::gethostname().unwrap(), "myhost");
        // With the right to, it can be changed inside, and still stays there.
        let shown = inside(who, &["--cap-add", "SYS_ADMIN"], "hostname changed; uname -n");
        assert_eq!(shown, "changed");
        assert_ne!(nix::unistd::gethostname().unwrap(), "changed");
    });
}

#[test]
fn uts_the_longest_name_is_64_bytes() {
    as_each(|who| {
        let longest = "x".repeat(64);
        assert_eq!(inside(who, &["--hostname", &longest], "uname -n"), longest);
        nsctl(who, ["run", "--hostname", &"x".repeat(65), "true"])
            .run()
            .expect_error(125, &["65 bytes", "64"]);
    });
}

#[test]
fn ipc_queues_of_the_host_are_not_seen_and_ours_are_not_seen_there() {
    if !have("ipcmk") {
        return;
    }
    as_each(|who| {
        // The host's queue, made and removed again.
        let script = "id=$(ipcmk -Q | tr -dc 0-9)
            key=$(awk -v id=$id '$2 == id { print $1 }' /proc/sysvipc/msg)
            echo host: $(awk -v key=$key '$1 == key' /proc/sysvipc/msg | wc -l)
            echo inside: $(\"$NSCTL\" run sh -c 'tail -n +2 /proc/sysvipc/msg | wc -l')
            echo shared: $(\"$NSCTL\" run --ipc host sh -c \"awk -v key=$key '\\$1 == key' /proc/sysvipc/msg | wc -l\")
            ipcrm -q $id
            echo made: $(\"$NSCTL\" run sh -c 'ipcmk -Q; tail -n +2 /proc/sysvipc/msg' | tr -s '\\n ' ' ')";
        let ran = shell(who, script).run();
        let text = ran.success();
        assert!(text.starts_with("host: 1\ninside: 0\nshared: 1\nmade: "), "{text}");
        let made: Vec<&str> = text.lines().last().unwrap().split(' ').collect();
        // made: Message queue id: 0 KEY ID …
        assert_eq!((made[4], made[6]), ("0", "0"), "{text}");
        let key = made[5];
        let host = std::fs::read_to_string("/proc/sysvipc/msg").unwrap();
        assert!(!host.lines().any(|line| line.split_whitespace().next() == Some(key)), "{host}");
    });
}

#[test]
fn ipc_message_queues_have_a_mount_of_their_own() {
    as_each(|who| {
        let shown = inside(
            who,
            &[],
            "ls /dev/mqueue; touch /dev/mqueue/bird; ls /dev/mqueue; grep -c ' mqueue ' /proc/mounts",
        );
        assert_eq!(shown, "bird\n1");
        assert_eq!(inside(who, &[], "ls /dev/mqueue"), "");
    });
}

#[test]
fn pid_the_workload_is_2_under_nsinit_and_1_without() {
    as_each(|who| {
        let see = "echo $$ $PPID; echo /proc/[0-9]*; tr '\\0' '\\n' < /proc/1/cmdline | head -1";
        assert_eq!(inside(who, &[], see), "2 1\n/proc/1 /proc/2\nnsinit");
        assert_eq!(inside(who, &["--no-init"], see), "1 0\n/proc/1\nsh");
    });
}

#[test]
fn pid_the_hosts_processes_are_seen_only_when_shared() {
    as_each(|who| {
        let own = std::process::id();
        let see = format!("test -d /proc/{own} && cat /proc/{own}/comm || echo none");
        let comm = std::fs::read_to_string("/proc/self/comm").unwrap();
        assert_eq!(inside(who, &["--pid", "host"], &see), comm.trim());
        assert_eq!(inside(who, &[], &see), "none");
    });
}

#[test]
fn net_there_is_only_lo_and_it_is_up() {
    as_each(|who| {
        let see = "ls /sys/class/net; tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '
            cat /sys/class/net/lo/flags; grep -c 127.0.0.1 /proc/net/fib_trie";
        // IFF_UP | IFF_LOOPBACK
        assert_eq!(inside(who, &[], see), "lo\nlo\n0x9\n2");
    });
}

#[test]
fn net_127_0_0_1_answers_but_no_listener_of_the_host_does() {
    if !have("bash") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    as_each(|who| {
        let connect = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
        let ran = |options: &[&str]| {
            nsctl(who, [&["run"], options, &["bash", "-c", &connect]].concat()).run()
        };
        ran(&["--net", "host"]).success();
        let refused = ran(&[]);
        refused.expect_code(1);
        // A loopback that is down would say "Network is unreachable".
        assert!(refused.stderr.contains("Connection refused"), "{}", refused.stderr);
    });
}

#[test]
fn user_the_caller_is_root_without_rights_on_the_host() {
    let see = "id -u; id -g; id -G; cat /proc/self/uid_map | tr -s ' '; stat -c %u:%g /etc/passwd";
    let uid = Who::User.uid();
    let shown = inside(Who::User, &[], see);
    assert_eq!(shown, format!("0\n0\n0\n 0 {uid} 1\n65534:65534"));
    let ran = nsctl(Who::User, ["run", "sh", "-c", "touch $HOME/f && chown 1:1 $HOME/f"]).run();
    ran.expect_error(1, &["Invalid argument"]);
}

#[test]
fn user_devices_and_the_clock_are_out_of_reach() {
    as_each(|who| {
        for options in [&[][..], &["--userns", "new"], &["--userns", "new", "--privileged"]] {
            if who == Who::Root && options.is_empty() {
                // A real root without a user namespace may make devices, as in docker.
                continue;
            }
            let make = "mknod $HOME/device c 1 3";
            nsctl(who, [&["run"], options, &["sh", "-c", make]].concat())
                .run()
                .expect_error(1, &["Operation not permitted"]);
        }
        nsctl(who, ["run", "date", "-s", "2001-01-01"])
            .run()
            .expect_error(1, &["Operation not permitted"]);
    });
}

#[test]
fn user_without_a_map_everybody_is_nobody() {
    as_each(|who| {
        let options = ["--userns", "new", "--map-users", "none", "--map-groups", "none"];
        assert_eq!(inside(who, &options, "id -u; id -g; cat /proc/self/uid_map"), "65534\n65534");
    });
}

#[test]
fn cgroup_every_path_is_the_root() {
    as_each(|who| {
        let shown = inside(who, &[], "cut -d: -f3 /proc/self/cgroup | sort -u");
        assert_eq!(shown, "/");
    });
}

#[test]
fn ps_calls_the_init_by_its_name() {
    as_each(|who| {
        assert_eq!(nsctl(who, ["run", "cat", "/proc/1/comm"]).run().success(), "nsinit");
    });
}
