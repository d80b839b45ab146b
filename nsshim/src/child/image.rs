//! nsinit where memory may not be executed (vm.memfd_noexec=2, Linux 6.3): a file in a
//! tmpfs of the container's own.
//!
//! Nothing of the host is behind it (CVE-2019-5736), its mount is read-only and attached
//! nowhere, and what writes it writes a copy that this container alone has.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fchmod};

use crate::error::{CallError, Named, Result};
use crate::sys::{self, MountChange};

const NAME: &str = "nsinit";

/// Needs CAP_SYS_ADMIN over the mount namespace that we are in, and ids that are mapped.
pub(super) fn in_own_mount(bytes: &[u8]) -> Result<OwnedFd> {
    let fs = sys::fsopen(c"tmpfs").call(|| "fsopen(\"tmpfs\")".into())?;
    sys::fsconfig_create(fs.as_fd()).call(|| "fsconfig(tmpfs, FSCONFIG_CMD_CREATE)".into())?;
    let attributes = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    let mount = sys::fsmount(fs.as_fd(), attributes)
        .call(|| "fsmount(tmpfs, MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV)".into())?;

    let open = |flags: OFlag| {
        openat(&mount, NAME, flags | OFlag::O_CLOEXEC, Mode::S_IRUSR)
            .call(|| format!("openat(tmpfs, {NAME:?})"))
    };
    let file = open(OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL)?;
    let written = nix::unistd::write(&file, bytes).call(|| "write(nsinit)".into())?;
    if written != bytes.len() {
        return Err(CallError { call: "write(nsinit)".into(), errno: Errno::ENOSPC });
    }
    // Whoever the workload is, nsinit becomes it.
    fchmod(&file, Mode::from_bits_truncate(0o555)).call(|| "fchmod(nsinit, 0555)".into())?;
    // What is open for writing cannot be executed.
    drop(file);
    let read_only = MountChange { set: libc::MOUNT_ATTR_RDONLY, ..MountChange::default() };
    sys::mount_setattr(mount.as_fd(), read_only)
        .call(|| "mount_setattr(tmpfs, {attr_set=MOUNT_ATTR_RDONLY})".into())?;
    open(OFlag::O_RDONLY)
}
