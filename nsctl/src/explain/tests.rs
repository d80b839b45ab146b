//! Lines and what they become.

mod bwrap;
mod docker;

use super::*;

fn translated(line: &str) -> Translation {
    let words: Vec<String> = line.split_whitespace().map(String::from).collect();
    translate(&words).unwrap_or_else(|| panic!("not known: {line}")).unwrap()
}

#[track_caller]
fn becomes(line: &str, ours: &str) {
    assert_eq!(translated(line).line.join(" "), ours, "{line}");
}

#[test]
fn sudo_stays_where_root_is_needed() {
    for (line, sudo) in [
        ("sudo unshare -n ip link", "sudo"),
        ("sudo -E -u bird unshare -n ip link", "sudo -E -u bird"),
        ("sudo docker container run --rm x sh", ""),
        ("unshare -n container", ""),
    ] {
        assert_eq!(translated(line).sudo.join(" "), sudo, "{line}");
    }
}

#[test]
fn lines_of_unshare() {
    for (line, ours) in [
        (
            "unshare -u hostname",
            "nsctl run --share user,cgroup,ipc,net,pid,mnt --privileged hostname",
        ),
        (
            "unshare -Ur id -u",
            "nsctl run --userns new --share cgroup,ipc,uts,net,pid,mnt --map-root-user --privileged \
             id -u",
        ),
        (
            "sudo unshare --pid --fork --mount-proc ps",
            "nsctl run --share user,cgroup,ipc,uts,net --privileged ps",
        ),
        (
            "/usr/bin/unshare -cUn -S 5 --wd=/tmp true",
            "nsctl run --userns new --share cgroup,ipc,uts,pid,mnt --keep-id --workdir /tmp --user \
             5:0 --privileged true",
        ),
        (
            "unshare -U id",
            "nsctl run --userns new --share cgroup,ipc,uts,net,pid,mnt --map-users none --map-groups \
             none --privileged id",
        ),
        (
            "unshare -T --boottime 864000 uptime",
            "nsctl run --share user,cgroup,ipc,uts,net,pid,mnt --boottime 864000 --privileged uptime",
        ),
        (
            "unshare --net=/run/lab true",
            "nsctl run --share user,cgroup,ipc,uts,pid,mnt --persist net=/run/lab --privileged true",
        ),
        (
            "unshare --map-users=100000,0,65536 --map-groups 0:100000:65536 sh",
            "nsctl run --userns new --share cgroup,ipc,uts,net,pid,mnt --map-users 0:100000:65536 \
             --map-groups 0:100000:65536 --privileged sh",
        ),
        (
            "unshare -R /srv/root --propagation slave --kill-child=TERM --map-root sh",
            "nsctl run --userns new --share cgroup,ipc,uts,net,pid --rootfs /srv/root --propagation \
             slave --map-root-user --privileged sh",
        ),
    ] {
        becomes(line, ours);
    }
}

#[test]
fn lines_of_nsenter() {
    for (line, ours) in [
        ("nsenter -t 4711 -n ip addr", "nsctl enter --target 4711 --net ip addr"),
        (
            "nsenter --net=/run/netns/lab -- ip -br addr",
            "nsctl enter --net=/run/netns/lab ip -br addr",
        ),
        (
            "nsenter -at4711 -S 0 -G 0 --preserve-credentials",
            "nsctl enter --all --target 4711 --setuid 0 --setgid 0 --preserve-credentials",
        ),
        // A file directly behind a letter, as getopt(3) has it.
        ("nsenter -u/run/bird -F hostname", "nsctl enter --uts=/run/bird hostname"),
    ] {
        becomes(line, ours);
    }
    let words = ["nsenter".to_string(), "-n".into()];
    assert!(translate(&words).unwrap().unwrap_err().contains("no target PID"));
}

#[test]
fn lines_of_docker() {
    for (line, ours) in [
        ("docker run alpine ls -l", "nsctl run --rootfs ./alpine --overlay ls -l"),
        (
            "podman run -it --rm -v /src:/src:ro -e A=b --net host docker.io/library/debian:12 bash",
            "nsctl run --share net --interactive --tty --rm -v /src:/src:ro --env A=b --rootfs \
             ./debian --overlay bash",
        ),
        (
            "docker run -d --name web --network none --cap-drop=ALL --entrypoint /bin/web x --port 80",
            "nsctl run --detach --name web --net none --cap-drop ALL --rootfs ./x --overlay /bin/web \
             --port 80",
        ),
        (
            "docker run --pid container:web --userns=keep-id -m 1g -p 80:80 x sh",
            "nsctl run --pid container:web --userns new --keep-id --rootfs ./x --overlay sh",
        ),
    ] {
        becomes(line, ours);
    }
    let differs = translated("docker run -m 1g -p 80:80 x").differs.join("\n");
    for word in ["-m: limits", "-p: a new network", "docker export", "image's own command"] {
        assert!(differs.contains(word), "{word}: {differs}");
    }
}

#[test]
fn switches_of_docker_can_be_off() {
    for (line, ours) in [
        (
            "docker run --privileged=false --rm=f -d=0 -P=false x sh",
            "nsctl run --rootfs ./x --overlay sh",
        ),
        (
            "docker run --privileged=true -t=1 x sh",
            "nsctl run --privileged --tty --rootfs ./x --overlay sh",
        ),
        ("podman run --rm --rm=false x sh", "nsctl run --rootfs ./x --overlay sh"),
        ("podman run --rm=False --rm x sh", "nsctl run --rm --rootfs ./x --overlay sh"),
    ] {
        becomes(line, ours);
    }
    let done = translated("docker run --privileged=false --init=false x sh");
    let told: Vec<(&str, &str)> =
        done.told.iter().map(|told| (told.theirs.as_str(), told.ours.as_str())).collect();
    assert_eq!(told[0], ("--privileged=false", "so anyway: it is off unless asked for"));
    assert_eq!(told[1], ("--init=false", "-"));
    assert!(done.differs.contains(&"--init=false: PID 1 is an init".into()), "{done:?}");
}

#[test]
fn a_value_that_an_option_does_not_take_is_an_error() {
    for (line, words) in [
        ("docker run --rm=maybe x", ["docker run", "--rm", "maybe"]),
        ("docker run --rm= x", ["docker run", "--rm", "true or false"]),
        ("docker run -d=maybe x", ["docker run", "-d", "maybe"]),
        ("unshare --fork=false x", ["unshare", "--fork", "false"]),
        ("unshare --fork=true x", ["unshare", "--fork", "true"]),
        ("nsenter -t 1 --all=1 x", ["nsenter", "--all", "1"]),
        ("bwrap --unshare-pid=false x", ["bwrap", "--unshare-pid", "false"]),
    ] {
        let line: Vec<String> = line.split_whitespace().map(String::from).collect();
        let wrong = translate(&line).unwrap().unwrap_err();
        assert!(words.iter().all(|word| wrong.contains(word)), "{line:?}: {wrong}");
    }
}

#[test]
fn lines_of_bwrap() {
    for (line, ours) in [
        (
            "bwrap --bind / / --unshare-pid sh",
            "nsctl run --userns new --share cgroup,ipc,uts,net --keep-id --cap-drop ALL --seccomp \
             unconfined sh",
        ),
        (
            "bwrap --ro-bind /usr /usr --symlink usr/lib /lib --proc /proc --dev /dev --unshare-all \
             --share-net --uid 0 --die-with-parent --setenv A b --tmpfs /tmp ls /",
            "nsctl run --userns new --share net -v /usr:/usr:ro --symlink /lib=usr/lib --env A=b \
             --tmpfs /tmp:mode=755,exec --rootfs none --map-user 0 --cap-drop ALL --seccomp \
             unconfined ls /",
        ),
        (
            "bwrap --ro-bind /srv/root / --bind /a:b /c true",
            "nsctl run --userns new --share cgroup,ipc,uts,net,pid --rootfs /srv/root --read-only \
             --mount type=bind,src=/a:b,dst=/c --keep-id --cap-drop ALL --seccomp unconfined true",
        ),
    ] {
        becomes(line, ours);
    }
}

#[test]
fn what_is_not_understood_is_said() {
    let words = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<_>>();
    assert_eq!(translate(&words("firejail ls")), None);
    assert_eq!(translate(&words("docker ps")), None);
    for (line, word) in [
        ("unshare --no-such x", "--no-such"),
        ("unshare -Z x", "-Z"),
        ("unshare --map x", "--map"),
        ("bwrap --bind /", "needs a value"),
        ("bwrap --unshare-all", "no command"),
        ("docker run -d", "no image"),
    ] {
        let wrong = translate(&words(line)).unwrap().unwrap_err();
        assert!(wrong.contains(word), "{line}: {wrong}");
    }
}

#[test]
fn who_a_command_runs_as_is_said_where_it_is_not_the_same() {
    for (line, word) in [
        ("unshare --map-user=5 id", "--map-user without a group"),
        ("unshare --map-group=5 id", "--map-group without a user"),
        ("unshare --map-auto id", "ours becomes the first"),
        ("nsenter -t 1 -m --wd=/srv ls", "looked up inside"),
    ] {
        let differs = translated(line).differs;
        assert!(differs.iter().any(|line| line.contains(word)), "{line}: {differs:?}");
    }
    for line in ["unshare -r --map-auto id", "nsenter -t 1 -m -r -w ls", "nsenter -t 1 -W/srv ls"] {
        let differs = translated(line).differs.join("\n");
        assert!(!differs.contains("65534") && !differs.contains("inside"), "{line}: {differs}");
    }
}

#[test]
fn every_option_of_a_line_is_told() {
    let done = translated("unshare -Urm --fork --load-interp x true");
    let theirs: Vec<&str> = done.told.iter().map(|told| told.theirs.as_str()).collect();
    assert_eq!(theirs, ["-U", "-r", "-m", "--fork", "--load-interp x"]);
    assert!(done.differs.iter().any(|line| line.starts_with("--load-interp: ")));
}
