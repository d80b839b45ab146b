//! A minimal OCI bundle: the same namespaces and mounts that `crun spec` and
//! `runc spec` propose, no cgroup, no seccomp filter, a root directory that
//! holds nothing but the workload.

use super::{arena::directory, identity::Range};
use crate::Result;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// An id mapping: `inside` becomes the first of `outside`.
#[derive(Clone, Copy)]
pub struct Mapping {
    pub uids: Range,
    pub gids: Range,
}

/// Writes the bundle; without a mapping there is no user namespace.
pub fn write(dir: &Path, workload: &Path, mapping: Option<Mapping>) -> Result<()> {
    let root = dir.join("rootfs");
    for mount_point in ["proc", "dev", "sys"] {
        directory(&root.join(mount_point), 0o755)?;
    }
    let name = workload.file_name().ok_or("the workload has no name")?.to_string_lossy();
    let program = root.join(&*name);
    if !program.exists() {
        fs::copy(workload, program)?;
    }
    let config = serde_json::to_vec_pretty(&config(&format!("/{name}"), mapping))?;
    fs::write(dir.join("config.json"), config)?;
    Ok(())
}

fn config(program: &str, mapping: Option<Mapping>) -> Value {
    let mut namespaces: Vec<Value> = ["pid", "network", "ipc", "uts", "mount", "cgroup"]
        .iter()
        .map(|kind| json!({ "type": kind }))
        .collect();
    let mut linux = json!({
        "maskedPaths": [
            "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
            "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware",
            "/proc/scsi",
        ],
        "readonlyPaths": [
            "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
        ],
    });
    if let Some(Mapping { uids, gids }) = mapping {
        let map = |r: Range| json!([{ "containerID": 0, "hostID": r.first, "size": r.count }]);
        namespaces.push(json!({ "type": "user" }));
        linux["uidMappings"] = map(uids);
        linux["gidMappings"] = map(gids);
    }
    linux["namespaces"] = namespaces.into();
    let capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
    json!({
        "ociVersion": "1.0.0",
        "process": {
            "terminal": false,
            "user": { "uid": 0, "gid": 0 },
            "args": [program],
            "env": ["PATH=/usr/bin:/bin"],
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities,
                "effective": capabilities,
                "permitted": capabilities,
            },
            "noNewPrivileges": true,
        },
        "root": { "path": "rootfs", "readonly": true },
        "hostname": "bench",
        "mounts": [
            mount("/proc", "proc", &[]),
            mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount("/dev/pts", "devpts",
                &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
            mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
            mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
            mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
        ],
        "linux": linux,
    })
}

fn mount(destination: &str, kind: &str, options: &[&str]) -> Value {
    json!({ "destination": destination, "type": kind, "source": kind, "options": options })
}
