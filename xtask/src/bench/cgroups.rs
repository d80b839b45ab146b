//! crun refuses to start, even without a cgroup, where controllers are spread
//! over both versions of cgroups ("hybrid mode not supported"). So there root
//! measures everyone in a mount namespace that shows the second version alone.

use crate::Result;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Set when we have tried; once is enough.
const TRIED: &str = "NSCTL_BENCH_CGROUPS";

/// Starts this program anew where that helps, and returns where it does not.
pub fn show_only_the_second_version() -> Result<()> {
    let exists = |path: &str| Path::new(path).exists();
    let hybrid = exists("/sys/fs/cgroup/unified/cgroup.controllers")
        && !exists("/sys/fs/cgroup/cgroup.controllers");
    if !hybrid || !nix::unistd::geteuid().is_root() || std::env::var_os(TRIED).is_some() {
        return Ok(());
    }
    eprintln!("hybrid cgroups: measuring where only the second version is mounted, for crun");
    let script = "mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup; exec \"$@\"";
    let error = Command::new("unshare")
        .args(["--mount", "--", "sh", "-c", script, "sh"])
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(TRIED, "1")
        .exec();
    Err(format!("unshare: {error}").into())
}
