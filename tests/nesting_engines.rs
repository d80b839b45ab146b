//! Container engines inside `--nesting`.

use super::common::{Who, as_each, have, install, shell, skip, static_busybox};
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

/// runc and crun join a session keyring, pivot, mount proc, mask paths: what engines do.
#[test]
fn oci_runtimes_run_inside() {
    if !nix::unistd::geteuid().is_root() {
        return skip(
            "they want to see control groups of version 2 alone, which root can show them",
        );
    }
    for (engine, arguments) in [("crun", "--cgroup-manager=disabled"), ("runc", "")] {
        if !have(engine) {
            continue;
        }
        as_each(|who| {
            let Some(bundle) = bundle(who) else { return };
            let (uid, gid) = (who.uid(), who.gid());
            let script = format!(
                "exec unshare -m sh -c 'umount -R /sys/fs/cgroup 2>/dev/null; \
                 mount -t cgroup2 none /sys/fs/cgroup && \
                 exec setpriv --reuid {uid} --regid {gid} --clear-groups \
                 \"$NSCTL\" run --nesting {} \
                 {engine} {arguments} --root /dev/shm/state run --bundle {bundle} x'",
                options(who).join(" ")
            );
            assert_eq!(
                shell(Who::Root, &script)
                    .env("HOME", &bundle)
                    .env("NSCTL_STATE_DIR", format!("{bundle}/state"))
                    .run()
                    .success(),
                "inner",
                "{engine}"
            );
        });
    }
}
