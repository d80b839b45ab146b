//! nsinit as something to execute that nobody can change.
//!
//! A sealed memfd: what is inside reaches it through /proc/1/exe but can never
//! write it, and no file of the host is behind it (CVE-2019-5736).

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::error::{CallError, Named, Result};

/// `MFD_EXEC`, include/uapi/linux/memfd.h, Linux 6.3.
const EXECUTABLE: MFdFlags = MFdFlags::from_bits_retain(0x10);

pub(super) fn open() -> Result<OwnedFd> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let memfd = match memfd_create(c"nsinit", flags | EXECUTABLE) {
        // An older kernel: memory is executable without asking.
        Err(Errno::EINVAL) => memfd_create(c"nsinit", flags),
        other => other,
    }
    .call(|| "memfd_create(\"nsinit\", MFD_CLOEXEC|MFD_ALLOW_SEALING|MFD_EXEC)".into())?;
    let written = nix::unistd::write(&memfd, nsinit::IMAGE).call(|| "write(memfd)".into())?;
    if written != nsinit::IMAGE.len() {
        return Err(CallError { call: "write(memfd)".into(), errno: Errno::ENOSPC });
    }
    let seals = SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_SEAL;
    fcntl(&memfd, FcntlArg::F_ADD_SEALS(seals)).call(|| "fcntl(memfd, F_ADD_SEALS)".into())?;
    Ok(memfd)
}
