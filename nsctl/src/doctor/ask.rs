//! What is found out by a question to the kernel, not by a run.

use std::fs;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, Pid, faccessat};
use nsshim::sys;

use crate::error::Finding;

/// A directory of the machine's with something in it, and nothing mounted in it.
pub fn directory() -> &'static str {
    let mounts = crate::causes::mount_points();
    let whole = |path: &&str| {
        Path::new(path).is_dir() && !mounts.iter().any(|mount| mount.starts_with(path))
    };
    ["/usr/lib", "/usr/share", "/usr/bin", "/usr", "/bin", "/etc"]
        .into_iter()
        .find(whole)
        .unwrap_or("/")
}

/// What was asked, and why it does not work, if so.
#[derive(Debug)]
pub struct Answer {
    /// The question.
    pub asked: String,
    /// What is in the way.
    pub fails: Option<Finding>,
}

/// pidfd_open(2), and poll(2) of what it gives.
pub fn pidfd() -> Answer {
    let asked = "pidfd_open(self)".to_string();
    let fails = sys::pidfd_open(Pid::this()).err().map(|errno| match errno {
        Errno::ENOSYS => {
            Finding::new("pidfd_open(self): ENOSYS: this kernel is older than Linux 5.3")
                .try_this("a kernel that is not older than Linux 5.12")
        }
        errno => Finding::new(format!(
            "pidfd_open(self): {}: a system-call filter around nsctl",
            nsshim::errno_name(errno)
        ))
        .try_this("--security-opt seccomp=unconfined (docker, podman), --nesting (nsctl run)"),
    });
    Answer { asked, fails }
}

/// Whether the own cgroup can be divided: cgroups(7), "Delegation".
pub fn delegation() -> Answer {
    let (asked, fails) = match own_group() {
        Err(finding) => ("open(\"/proc/self/cgroup\")".into(), Some(finding)),
        Ok(group) => {
            (format!("access({:?}, W_OK)", group.display().to_string()), not_delegated(&group))
        }
    };
    Answer { asked, fails }
}

const HERE: &str = "/sys/fs/cgroup";
const SCOPE: &str = "systemd-run --user --scope -p Delegate=yes nsctl run …";

fn own_group() -> Result<PathBuf, Finding> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path = own.lines().find_map(|line| line.strip_prefix("0::"));
    let mounted = Path::new(HERE).join("cgroup.controllers").exists();
    match path {
        Some(path) if mounted => Ok(Path::new(HERE).join(path.trim_start_matches('/'))),
        _ => Err(Finding::new(format!(
            "no cgroup file system of version 2 is mounted on {HERE}, where it could be divided"
        ))
        .try_this("boot with systemd.unified_cgroup_hierarchy=1 (kernel command line)")),
    }
}

fn not_delegated(group: &Path) -> Option<Finding> {
    let shown = group.display();
    if !group.is_dir() {
        return Some(Finding::new(format!(
            "the own cgroup, {shown}, is not among those that are shown here: it lies outside of \
             the cgroup namespace"
        )));
    }
    let writable = |path: &Path| {
        faccessat(nix::fcntl::AT_FDCWD, path, AccessFlags::W_OK, nix::fcntl::AtFlags::AT_EACCESS)
    };
    let needed = ["", "cgroup.procs", "cgroup.subtree_control"];
    let denied = needed.into_iter().find_map(|name| {
        let path = if name.is_empty() { group.to_path_buf() } else { group.join(name) };
        writable(&path).err().map(|errno| (path, errno))
    });
    if let Some((path, errno)) = denied {
        let finding = Finding::new(format!(
            "the own cgroup is not the caller's: access({:?}, W_OK): {}",
            path.display().to_string(),
            nsshim::errno_name(errno)
        ));
        return Some(match errno {
            Errno::EROFS => finding.try_this("sudo mount -o remount,rw /sys/fs/cgroup"),
            _ => finding.try_this(SCOPE),
        });
    }
    let controllers = fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default();
    controllers.trim().is_empty().then(|| {
        Finding::new(format!("no controller is delegated: {shown}/cgroup.controllers is empty"))
            .try_this(SCOPE)
    })
}
