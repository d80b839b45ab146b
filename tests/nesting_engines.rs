//! Container engines inside `--nesting`.

use std::process::Command;

use super::common::{
    Ran, Who, as_each, busybox_root, have, install, shell, skip, static_busybox, write_as,
};
use super::nesting::options;

/// A bundle whose root holds a static busybox, for who is root of a single id.
fn bundle(who: Who) -> Option<String> {
    let busybox = static_busybox()?;
    let directory = who.directory();
    let root = directory.join("rootfs");
    // With its mount points: inside, a root of the machine's own is nobody's to write.
    for mount_point in ["proc", "dev"] {
        std::fs::create_dir_all(root.join(mount_point)).unwrap();
    }
    install(busybox, &root.join("busybox"), 0o755);
    let config = r#"{"ociVersion": "1.0.2",
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["/busybox", "echo", "inner"],
            "env": ["PATH=/"], "cwd": "/", "noNewPrivileges": true},
        "root": {"path": "rootfs", "readonly": true},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid"]}],
        "linux": {
            "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}],
            "gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}],
            "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"],
            "namespaces": [{"type": "user"}, {"type": "mount"}, {"type": "pid"},
                {"type": "ipc"}, {"type": "uts"}, {"type": "network"}]}}"#;
    std::fs::write(directory.join("config.json"), config).unwrap();
    let nobody_elses = |path: &std::path::Path| {
        std::os::unix::fs::chown(path, Some(who.uid()), Some(who.gid())).unwrap();
    };
    [&*directory, &root].into_iter().for_each(nobody_elses);
    Some(directory.to_str().unwrap().to_string())
}

/// Runs `command` in an `nsctl run --nesting` of `who`'s, where engines see what they want to see:
/// control groups of version 2 alone, which only root can show them.
fn engine(who: Who, home: &str, options: &[&str], command: &str) -> Ran {
    let (uid, gid) = (who.uid(), who.gid());
    let script = format!(
        "exec unshare -m sh -c 'umount -R /sys/fs/cgroup 2>/dev/null; \
         mount -t cgroup2 none /sys/fs/cgroup && \
         exec setpriv --reuid {uid} --regid {gid} --clear-groups \
         \"$NSCTL\" run --nesting {} {command}'",
        options.join(" ")
    );
    let shell = shell(Who::Root, &script).env("HOME", home);
    shell.env("NSCTL_STATE_DIR", format!("{home}/state")).run()
}

fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        skip("engines want to see control groups of version 2 alone, which root can show them");
    }
    is_root
}

/// runc and crun join a session keyring, pivot, mount proc, mask paths: what engines do.
#[test]
fn oci_runtimes_run_inside() {
    if !is_root() {
        return;
    }
    for (runtime, arguments) in [("crun", "--cgroup-manager=disabled"), ("runc", "")] {
        if !have(runtime) {
            continue;
        }
        as_each(|who| {
            let Some(bundle) = bundle(who) else { return };
            let command =
                format!("{runtime} {arguments} --root /dev/shm/state run --bundle {bundle} x");
            let ran = engine(who, &bundle, options(who), &command);
            assert_eq!(ran.success(), "inner", "{runtime}");
        });
    }
}

/// An image is imported and run, by who is root of one id or of many.
#[test]
fn podman_runs_inside() {
    // (runc cannot do without control groups when podman asks it.)
    if !is_root() || !["podman", "conmon", "crun", "tar"].into_iter().all(have) {
        return;
    }
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let home = who.directory();
        let image = home.join("image.tar");
        let made = Command::new("tar")
            .args(["--owner=0", "--group=0", "-cf"])
            .arg(&image)
            .arg("-C")
            .arg(&root)
            .arg(".")
            .status();
        assert!(made.unwrap().success());
        let script = "podman() { command podman --storage-driver vfs --cgroup-manager cgroupfs \
                      --runtime crun --events-backend none --log-level error \"$@\"; }\n\
                      podman import -q $HOME/image.tar tiny >/dev/null && podman run --rm \
                      --network none --cgroups disabled localhost/tiny \
                      sh -c \"echo inner; id -u; cat /proc/1/comm\"\n";
        write_as(who, home.join("script"), script);
        let home = home.to_str().unwrap();
        let file = |path: &str, content: &str| format!("--file {path}={content}");
        let policy = r#"{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}"#;
        let all = [
            "--env USER=root --env XDG_RUNTIME_DIR= --tmpfs /run --tmpfs /var/lib/containers:exec",
            "--tmpfs /root:exec --tmpfs /etc/containers:mode=755",
            &file("/etc/containers/policy.json", &format!("\"{policy}\"")),
        ];
        let many = [&file("/etc/subuid", "root:1:65535"), &file("/etc/subgid", "root:1:65535")[..]];
        let ids = match (who, who.name()) {
            (Who::Root, _) => vec![options(who).to_vec(), [options(who), &many].concat()],
            (Who::User, Some(_)) if have("newuidmap") => {
                vec![vec![], [&["--map-auto"][..], &many].concat()]
            }
            (Who::User, _) => {
                skip("no range of ids is granted");
                vec![vec![]]
            }
        };
        for ids in ids {
            let options = [&all[..], &ids].concat();
            let ran = engine(who, home, &options, &format!("sh {home}/script"));
            assert_eq!(ran.success(), "inner\n0\ncat", "{ids:?}: {ran:?}");
        }
    });
}
