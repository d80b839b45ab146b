//! What lines of bwrap(1) say in places that are easily missed.

use super::{becomes, translated};

const END: &str = "--seccomp unconfined ls";

#[test]
fn places_begin_at_the_root_without_a_slash_too() {
    becomes(
        "bwrap --ro-bind /usr usr --symlink usr/lib lib --dir tmp --tmpfs run ls",
        &format!(
            "nsctl run --userns new --share cgroup,ipc,uts,net,pid -v /usr:/usr:ro --symlink \
             /lib=usr/lib --tmpfs /tmp:mode=755 --tmpfs /run:mode=755,exec --rootfs none --keep-id \
             --cap-drop ALL {END}"
        ),
    );
}

#[test]
fn a_mode_and_a_size_are_of_what_follows_alone() {
    becomes(
        "bwrap --perms 0700 --dir /a --perms 01777 --size 4096 --tmpfs /b --tmpfs /c ls",
        &format!(
            "nsctl run --userns new --share cgroup,ipc,uts,net,pid --tmpfs /a:mode=0700 --tmpfs \
             /b:mode=01777,size=4096,exec --tmpfs /c:mode=755,exec --rootfs none --keep-id --cap-drop \
             ALL {END}"
        ),
    );
}

#[test]
fn a_directory_of_the_hosts_is_not_hidden_by_dir() {
    let done = translated("bwrap --bind / / --dir /tmp --tmpfs /run --dir /run/user ls");
    let line = done.line.join(" ");
    assert!(!line.contains("/tmp:") && line.contains("--tmpfs /run/user:mode=755"), "{line}");
    assert!(done.differs.iter().any(|line| line.contains("--dir /tmp")), "{done:?}");
}

#[test]
fn capabilities_are_those_that_are_left() {
    for (theirs, ours) in [
        ("--cap-drop ALL", "--cap-drop ALL"),
        (
            "--cap-add CAP_NET_RAW --cap-add net_admin --cap-drop NET_ADMIN",
            "--cap-drop ALL --cap-add CAP_NET_RAW --cap-ambient CAP_NET_RAW",
        ),
        (
            "--cap-add ALL --cap-drop CAP_SYS_ADMIN",
            "--cap-add ALL --cap-ambient ALL --cap-drop CAP_SYS_ADMIN",
        ),
        (
            "--cap-add ALL --cap-drop ALL --cap-add CAP_KILL",
            "--cap-drop ALL --cap-add CAP_KILL --cap-ambient CAP_KILL",
        ),
    ] {
        becomes(
            &format!("bwrap --bind / / {theirs} ls"),
            &format!(
                "nsctl run --userns new --share cgroup,ipc,uts,net,pid --keep-id {ours} {END}"
            ),
        );
    }
}

#[test]
fn what_takes_three_words_leaves_the_command_alone() {
    let done = translated("bwrap --bind / / --overlay-src /a --overlay /up /work /b ls -l");
    assert!(done.line.join(" ").ends_with("unconfined ls -l"), "{done:?}");
}

#[test]
fn an_empty_root_is_the_root() {
    let line =
        translated("bwrap --tmpfs / --ro-bind /usr /usr --bind /proc /proc ls").line.join(" ");
    assert!(!line.contains("/:") && !line.contains("/proc"), "{line}");
    assert!(line.contains("-v /usr:/usr:ro --rootfs none"), "{line}");
}
