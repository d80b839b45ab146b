//! What is found out by a question to the kernel, not by a run.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::Pid;
use nsshim::sys;

use crate::error::Finding;
use crate::{causes, cgroups};

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
        Errno::ENOSYS if causes::kernel_is_older_than((5, 3)) => {
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

/// Whether a group can be made in the own one, of any hierarchy: cgroups(7), "Delegation".
pub fn delegation() -> Answer {
    let own: Vec<PathBuf> =
        cgroups::useful().iter().filter_map(cgroups::Hierarchy::own_directory).collect();
    let obstacles: Vec<_> = own.iter().map(|group| causes::obstacle(group)).collect();
    let first = obstacles.iter().position(Option::is_none).unwrap_or(0);
    match own.get(first) {
        Some(group) => Answer {
            asked: format!("access({:?}, W_OK)", group.display().to_string()),
            fails: obstacles[first].clone(),
        },
        None => Answer {
            asked: "open(\"/proc/self/mountinfo\")".into(),
            fails: Some(causes::no_hierarchy()),
        },
    }
}
