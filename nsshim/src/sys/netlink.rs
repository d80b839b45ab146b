//! Sockets to the kernel that nix has no name for.

use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;

/// A socket to the kernel's connectors, which does not wait. netlink(7), `NETLINK_CONNECTOR`
///
/// # Errors
/// `EPROTONOSUPPORT` when the kernel has none (`CONFIG_CONNECTOR`).
pub fn connector_socket() -> nix::Result<OwnedFd> {
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: socket(2) takes numbers only.
    let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_CONNECTOR) };
    let fd = Errno::result(fd)?;
    // SAFETY: the call succeeded, so `fd` is a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
