//! Entering what other tools made, and only what was meant.

use super::super::common::{Who, as_each, busybox_root, have, helper, nsctl, shell, skip};
use super::fixture::{Fixture, list, number};

const KINDS: [&str; 8] = ["user", "cgroup", "ipc", "uts", "net", "pid", "time", "mnt"];

/// As busybox has it: one link at a time.
const LINKS: &str = "for kind in user cgroup ipc uts net pid time mnt; do
    readlink /proc/self/ns/$kind; done";

fn links(pid: &str) -> Vec<String> {
    let link = |kind: &str| std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
    KINDS.map(|kind| link(kind).display().to_string()).to_vec()
}

/// The process that is in the pid namespace with this link, as `who` finds it.
fn first_of(who: Who, link: &str) -> String {
    let of_kind = list(who, &["-t", "pid"]);
    let found = of_kind.iter().find(|namespace| namespace["id"] == number(link));
    found.unwrap_or_else(|| panic!("{link} is not listed"))["pid"].to_string()
}

/// Fails unless entering by `target` leads where the process is, as root of it.
#[track_caller]
fn enters(who: Who, target: &str) {
    let ran = nsctl(who, ["enter", target, "sh", "-c", &format!("{LINKS}; id -u")]).run();
    let inside: Vec<&str> = ran.success().lines().collect();
    assert_eq!(inside[..8], links(target), "{who:?}: {target}");
    assert_eq!(inside[8], "0");
}

#[test]
fn a_container_of_podman_is_entered() {
    if !have("podman") || !have("busybox") {
        return;
    }
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        // crun refuses control groups of both versions at once, runc what podman asks of it
        // elsewhere: whichever runs here is the peer.
        let podman = |command: &str| {
            format!(
                "podman --root $HOME/store --runroot $HOME/run --cgroup-manager=cgroupfs \
                 --events-backend=none --runtime $runtime {command}"
            )
        };
        let run = podman(&format!(
            "run -i --rm --ulimit nofile=512 --ulimit nproc=512 --network none --rootfs {}",
            root.display()
        ));
        let script = format!(
            "export TMPDIR=$HOME; for runtime in crun runc; do
                 {run} /bin/true > /dev/null 2>&1 && break; runtime=
             done
             if [ \"$runtime\" ]; then
                 {run} /bin/sh -c 'echo $(readlink /proc/self/ns/pid); read wait'
                 {}
             else echo none; fi",
            podman("system migrate")
        );
        // podman mounts its store onto itself, and root's would stay on the host.
        let script = match who {
            Who::Root => format!("exec unshare -m sh -c '{}'", script.replace('\'', r"'\''")),
            Who::User => script,
        };
        let fixture = Fixture::shell(who, &script);
        if fixture.said[0] == "none" {
            return skip("podman starts no container here, neither by crun nor by runc");
        }
        enters(who, &first_of(who, &fixture.said[0]));
    });
}

#[test]
fn containers_in_a_container_are_entered_from_outside() {
    as_each(|who| {
        // Root, too, has a user namespace in each: the inner one is nested in the outer.
        let options: &[&str] = match who {
            Who::Root => &["--map-users", "0:100000:65536", "--map-groups", "0:100000:65536"],
            Who::User => &[],
        };
        let inner = r#""$NSCTL" run sh -c 'echo $(readlink /proc/self/ns/pid); read wait'"#;
        let script = format!(
            r#"cp "$NSCTL" $HOME/nsctl; chmod -R a+rX $HOME; export NSCTL=$HOME/nsctl
            exec "$NSCTL" run --nesting {} -e HOME=/tmp -e NSCTL_STATE_DIR=/tmp/s -e NSCTL=$HOME/nsctl -- sh -c '{}'"#,
            options.join(" "),
            inner.replace('\'', r"'\''")
        );
        let fixture = Fixture::shell(who, &script);
        let target = first_of(who, &fixture.said[0]);
        enters(who, &target);
        // As deep as it is, its own user namespace owns what it made.
        let ran =
            nsctl(who, ["enter", &target, "sh", "-c", "mount -t tmpfs t /mnt && echo mounted"]);
        assert_eq!(ran.run().success(), "mounted");
    });
}

/// The process that was meant ends after it was found, and another one gets its number. strace
/// stops nsctl where it matters; the machine's numbers are left alone.
#[test]
fn a_process_that_got_the_number_later_is_refused() {
    if !have("strace") || !have("unshare") {
        return;
    }
    as_each(|who| {
        let script = r#"cd "$HOME"; sleep 1000 & meant=$!
            strace -f -qq -o trace -e trace=pidfd_open -e inject=pidfd_open:signal=SIGSTOP:when=1 \
                "$NSCTL" enter --no-tty $meant touch "$HOME/entered" 2> why & tracer=$!
            stopped=
            until [ "$stopped" ]; do
                for status in /proc/[0-9]*/status; do
                    grep -qs "^State:.[tT] " $status && grep -qs '^Name:.nsctl' $status && stopped=$status
                done
            done
            kill -KILL $meant; wait $meant 2> /dev/null
            echo $((meant - 1)) > /proc/sys/kernel/ns_last_pid
            sleep 1000 & other=$!
            stopped=${stopped#/proc/}; kill -CONT ${stopped%/status}
            wait $tracer; echo $? $((other - meant)); cat why; ls entered 2>&1
            kill $other"#;
        let words = format!(
            "exec unshare -Urpf --mount-proc --kill-child sh -c '{}'",
            script.replace('\'', r"'\''")
        );
        let ran = shell(who, &words).run();
        let lines: Vec<&str> = ran.success().lines().collect();
        assert_eq!(lines[0], "125 0", "{ran:?}");
        assert!(lines[1].contains("ended meanwhile") || lines[1].contains("ESRCH"), "{ran:?}");
        assert!(ran.stdout.contains("No such file"), "{ran:?}");
    });
}

/// A container that was killed with its shim, whose pid somebody else has now.
#[test]
fn a_dead_containers_pid_leads_nowhere() {
    if !have("unshare") {
        return;
    }
    as_each(|who| {
        let script = r#""$NSCTL" run -d --name web sleep 1000 > /dev/null
            pid=$("$NSCTL" inspect --pid web)
            shim=$(grep PPid /proc/$pid/status | tr -dc 0-9)
            kill -KILL $shim $pid; while kill -0 $pid 2> /dev/null; do :; done
            echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid
            sleep 1000 & other=$!
            echo $((other - pid))
            for verb in "enter web true" "ns show web" "ns can self web"; do
                "$NSCTL" $verb 2>&1; echo $?
            done
            kill $other"#;
        let words = format!(
            "exec unshare -Urpf --mount-proc --kill-child sh -c '{}'",
            script.replace('\'', r"'\''")
        );
        let ran = shell(who, &words).run();
        let text = ran.success();
        assert!(text.starts_with("0\n"), "the number was not used again: {ran:?}");
        assert_eq!(text.matches("web is not running").count(), 3, "{text}");
        assert_eq!(text.lines().filter(|line| *line == "125").count(), 3, "{text}");
    });
}

#[test]
fn the_network_of_a_socket_is_entered() {
    as_each(|who| {
        let part = helper("socket").join(" ");
        // Root leaves the network that its socket is in; a user goes between two of a user namespace.
        let script = match who {
            Who::Root => format!("exec {part}"),
            Who::User if have("unshare") => format!("exec unshare -Urn {part}"),
            Who::User => return,
        };
        let fixture = Fixture::shell(who, &script);
        let pid = fixture.pid().to_string();
        let is_socket = |fd: &i32| {
            let link = std::fs::read_link(format!("/proc/{pid}/fd/{fd}"));
            link.is_ok_and(|link| link.to_string_lossy().starts_with("socket:"))
        };
        let fd = (3..64).find(is_socket).expect("it has a socket").to_string();
        let see = "readlink /proc/self/ns/net";
        let option = format!("--net-socket={pid}:{fd}");
        for words in [&["--net-socket", &fd, &pid][..], &["-N", &fd, "-t", &pid], &[&option]] {
            let words = [&["enter"], words, &["sh", "-c", see]].concat();
            assert_eq!(nsctl(who, words).run().success(), fixture.said[0]);
        }
        let wrong = |words: &[&str], expected: &[&str]| {
            let ran = nsctl(who, [&["enter"], words, &["true"]].concat()).run();
            ran.expect_error(125, expected);
        };
        wrong(&["--net-socket=999", &pid], &["no descriptor 999"]);
        wrong(&[&format!("--net-socket={pid}:0")], &["is no socket"]);
        wrong(&["--net-socket=4194304:3"], &["no process 4194304"]);
        wrong(&["--net-socket=x:y"], &["--net-socket", "PID:FD"]);
        wrong(&["--net-socket=3", "/proc/self/ns/uts"], &["of no process"]);
    });
}

#[test]
fn a_number_that_is_neither_is_said_to_be_neither() {
    for verb in [&["enter", "99999999", "true"][..], &["ns", "show", "99999999"]] {
        let ran = nsctl(Who::User, verb).run();
        ran.expect_error(125, &["no process and no namespace 99999999", "a pid is at most"]);
    }
}

/// nsenter's letters have their file right behind them, and `-W` the next word.
#[test]
fn nsenters_values_are_taken_where_it_takes_them() {
    as_each(|who| {
        let run = ["run", "--pid", "host", "--hostname", "bird", "sh", "-c", "echo $$; read wait"];
        let fixture = Fixture::nsctl(who, run);
        let target = fixture.said[0].as_str();
        let uts = format!("-u/proc/{target}/ns/uts");
        let together = format!("-iu/proc/{target}/ns/uts");
        for (words, said) in [
            (&[uts.as_str(), "uname", "-n"][..], "bird"),
            (&[&together, "-t", target, "uname", "-n"], "bird"),
            (&["-t", target, "-w/usr", "pwd"], "/usr"),
            (&["-W", "/usr", target, "pwd"], "/usr"),
            (&["-W/usr", "-t", target, "pwd"], "/usr"),
        ] {
            let ran = nsctl(who, [&["enter"], words].concat()).run();
            assert_eq!(ran.success(), said, "{words:?}");
        }
        let explained = nsctl(who, ["explain", "nsenter", "-t", "1", "-m", "-W", "/usr", "pwd"]);
        let explained = explained.run();
        assert!(explained.success().starts_with("nsctl enter --target 1 --mount --wd=/usr pwd\n"));
    });
}

/// What is wrong is said in the words of this verb, not of run.
#[test]
fn mistakes_are_explained_in_enters_own_words() {
    as_each(|who| {
        let run = ["run", "--pid", "host", "sh", "-c", "echo $$; read wait"];
        let fixture = Fixture::nsctl(who, run);
        let target = fixture.said[0].as_str();
        let wrong = |words: &[&str]| nsctl(who, [&["enter"], words].concat()).run();
        let ran = wrong(&[target, "-u", "hostname"]);
        ran.expect_error(125, &["-u stands behind", &format!("nsctl enter -u … {target}")]);
        let ran = wrong(&["-u", target, "no-such-program", "true"]);
        ran.expect_error(127, &["there is no no-such-program in PATH"]);
        assert!(!ran.stderr.contains("image"), "{ran:?}");
        if who == Who::User {
            let ran = wrong(&["-S", "5", target, "id"]);
            ran.expect_error(125, &["uid 5: it is not mapped", "a uid of that map, such as 0"]);
            assert!(!ran.stderr.contains("--map-auto"), "{ran:?}");
        }
    });
}

/// Every word that nsenter has for the same.
#[test]
fn nsenters_words_are_taken() {
    let ran = nsctl(Who::User, ["enter", "--help"]).run();
    let help = ran.success();
    let words = "-a --all -t --target -m --mount -u --uts -i --ipc -n --net -p --pid -U --user -C --cgroup
        -T --time -S --setuid -G --setgid --preserve-credentials --keep-caps -r --root -w --wd --wdns
        -W -e --env -N --net-socket --user-parent -c --join-cgroup";
    let written: Vec<&str> =
        help.split(|c: char| c.is_whitespace() || ",[]=".contains(c)).collect();
    for word in words.split_whitespace() {
        assert!(written.contains(&word), "{word} is not in\n{help}");
    }
}
