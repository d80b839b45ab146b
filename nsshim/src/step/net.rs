//! A new network namespace has a loopback interface that is down.

use std::os::fd::AsFd;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::error::{Named, Result};
use crate::sys;

pub(super) fn loopback_up() -> Result<()> {
    // Any socket of the namespace takes interface requests; this one needs no IPv4.
    let socket = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)
        .call(|| "socket(AF_UNIX, SOCK_DGRAM)".into())?;
    sys::if_up(socket.as_fd(), "lo").call(|| "ioctl(SIOCSIFFLAGS, \"lo\", IFF_UP)".into())
}
