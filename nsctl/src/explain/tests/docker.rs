//! What lines of docker and podman say in places that are easily missed.

use super::{becomes, translated};

#[track_caller]
fn differs(line: &str, words: &[&str]) {
    let differs = translated(line).differs.join("\n");
    for word in words {
        assert!(differs.contains(word), "{word}: {differs}");
    }
}

#[test]
fn values_that_ours_does_not_take_are_left_out() {
    for (line, words) in [
        ("-v /data", "vanishes"),
        ("--mount type=volume,src=v,dst=/v", "no volumes with names"),
        ("--mount src=v,dst=/v", "no volumes with names"),
        ("--add-host h:host-gateway", "no gateway"),
        ("--log-driver syslog --log-opt syslog-address=udp://x:1", "max-size"),
        ("--health-start-interval 1s", "--health-interval"),
        ("--cpu-rt-runtime 5 --device-read-iops /dev/sda:1", "limits of control groups"),
    ] {
        let line = format!("docker run {line} x sh");
        becomes(&line, "nsctl run --rootfs ./x --overlay sh");
        differs(&line, &[words]);
    }
    becomes(
        "docker run --device /dev/null:/dev/x:r --device /dev/zero:rwm --shm-size 64MB x sh",
        "nsctl run --device /dev/null:/dev/x --device /dev/zero --tmpfs /dev/shm:size=64m --rootfs \
         ./x --overlay sh",
    );
}

#[test]
fn what_is_said_is_not_lost() {
    for (line, ours) in [
        (
            "docker run --sig-proxy=false x sh",
            "nsctl run --sig-proxy=false --rootfs ./x --overlay sh",
        ),
        ("docker run --userns host x sh", "nsctl run --rootfs ./x --overlay sh"),
        (
            "podman run --userns=keep-id:uid=5,gid=6 x sh",
            "nsctl run --userns new --map-user 5 --map-group 6 --rootfs ./x --overlay sh",
        ),
        (
            "podman run --network ns:/run/netns/lab x sh",
            "nsctl run --net path:/run/netns/lab --rootfs ./x --overlay sh",
        ),
        (
            "podman run --pod new:shop --timeout 5 --no-hosts x sh",
            "nsctl run --pod new:shop --timeout 5 --no-hosts --rootfs ./x --overlay sh",
        ),
        ("podman run --rootfs /srv/root sh -l", "nsctl run --rootfs /srv/root sh -l"),
        ("docker container run --rm x sh", "nsctl run --rm --rootfs ./x --overlay sh"),
    ] {
        becomes(line, ours);
    }
    differs("podman run --userns=keep-id:uid=5 x sh", &["without gid", "--map-group"]);
    differs("podman run --replace --name y x sh", &["nsctl rm -f NAME", "podman export"]);
}

#[test]
fn an_entry_point_that_is_not_known_is_said() {
    let line: Vec<String> =
        ["docker", "run", "--entrypoint", "", "x", "sh"].map(String::from).to_vec();
    let done = super::translate(&line).unwrap().unwrap();
    assert_eq!(done.line.join(" "), "nsctl run --rootfs ./x --overlay sh");
    differs("docker run x sh", &["the image's own ENTRYPOINT, directory, user and variables"]);
    differs("docker run nginx -g x", &["-g is for the image's own ENTRYPOINT", "goes before -g"]);
}

#[test]
fn each_engine_has_its_own_options() {
    let wrong = |line: &str| {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        super::translate(&words).unwrap().unwrap_err()
    };
    assert_eq!(wrong("docker run --pod y x"), "no option --pod of docker run is known here");
    assert_eq!(wrong("podman run --weather x"), "no option --weather of podman run is known here");
    assert_eq!(wrong("podman run"), "podman run: no image is given");
}
