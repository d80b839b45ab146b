//! ioctl(2) requests: terminals, network interfaces, namespaces.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::pty::Winsize;

/// Makes `tty` the controlling terminal of the calling session leader.
///
/// ioctl_tty(2), `TIOCSCTTY`; the argument 0 refuses to steal it from another session.
pub fn set_controlling_terminal(tty: BorrowedFd<'_>) -> nix::Result<()> {
    // SAFETY: TIOCSCTTY takes a number, not a pointer.
    Errno::result(unsafe { libc::ioctl(tty.as_raw_fd(), libc::TIOCSCTTY, 0) }).map(drop)
}

/// Lets the other side of a new pty be opened. ioctl_tty(2), `TIOCSPTLCK`.
pub fn unlock_pty(master: BorrowedFd<'_>) -> nix::Result<()> {
    let unlocked: libc::c_int = 0;
    // SAFETY: the kernel reads one int through the pointer, during the call.
    let result = unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, &raw const unlocked) };
    Errno::result(result).map(drop)
}

/// Opens the terminal side of a pty by its master, never by a path that a
/// container could have replaced.
///
/// ioctl_tty(2), `TIOCGPTPEER`, Linux 4.13.
pub fn open_pty_peer(master: BorrowedFd<'_>) -> nix::Result<OwnedFd> {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: TIOCGPTPEER takes open flags by value and returns a descriptor.
    let fd = Errno::result(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, flags) })?;
    // SAFETY: the call succeeded, so `fd` is a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Rows and columns of a terminal. ioctl_tty(2), `TIOCGWINSZ`.
pub fn get_window_size(tty: impl AsFd) -> nix::Result<Winsize> {
    let mut size = Winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the kernel writes one struct winsize through the pointer.
    let result = unsafe { libc::ioctl(tty.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    Errno::result(result).map(|_| size)
}

/// Sets rows and columns; the foreground group gets SIGWINCH. ioctl_tty(2), `TIOCSWINSZ`.
pub fn set_window_size(tty: impl AsFd, size: &Winsize) -> nix::Result<()> {
    // SAFETY: the kernel reads one struct winsize through the pointer.
    let result =
        unsafe { libc::ioctl(tty.as_fd().as_raw_fd(), libc::TIOCSWINSZ, std::ptr::from_ref(size)) };
    Errno::result(result).map(drop)
}

/// Sends INT, QUIT or TSTP to the foreground process group behind a pty master.
///
/// `TIOCSIG`, drivers/tty/pty.c; the kernel takes the signal number by value.
pub fn signal_foreground(master: impl AsFd, signal: nix::sys::signal::Signal) -> nix::Result<()> {
    // _IOW('T', 0x36, int), include/uapi/asm-generic/ioctls.h; libc lacks it.
    const TIOCSIG: libc::c_ulong = 0x4004_5436;
    // SAFETY: TIOCSIG takes a number, not a pointer.
    let result = unsafe { libc::ioctl(master.as_fd().as_raw_fd(), TIOCSIG, signal as libc::c_int) };
    Errno::result(result).map(drop)
}

/// Sets a network interface of the caller's network namespace up.
///
/// netdevice(7), `SIOCSIFFLAGS`; needs CAP_NET_ADMIN in the namespace's owner.
pub fn if_up(socket: BorrowedFd<'_>, name: &str) -> nix::Result<()> {
    // SAFETY: struct ifreq is plain data, for which all zeroes is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(Errno::ENAMETOOLONG);
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the kernel reads one struct ifreq through the pointer.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    Errno::result(result).map(drop)
}

/// Opens the user namespace that owns the namespace behind `fd`.
///
/// ioctl_nsfs(2), `NS_GET_USERNS`, Linux 4.9. `EPERM` when the owner is outside our view.
pub fn get_ns_userns(fd: impl AsFd) -> nix::Result<OwnedFd> {
    // _IO(0xb7, 0x1), include/uapi/linux/nsfs.h.
    const NS_GET_USERNS: libc::c_ulong = 0xb701;
    // SAFETY: NS_GET_USERNS takes no argument and returns a descriptor.
    let fd = Errno::result(unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), NS_GET_USERNS) })?;
    // SAFETY: the call succeeded, so `fd` is a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Opens the parent of a user or pid namespace.
///
/// ioctl_nsfs(2), `NS_GET_PARENT`, Linux 4.9. `EPERM` when the parent is outside our view.
pub fn get_ns_parent(fd: impl AsFd) -> nix::Result<OwnedFd> {
    // _IO(0xb7, 0x2), include/uapi/linux/nsfs.h.
    const NS_GET_PARENT: libc::c_ulong = 0xb702;
    // SAFETY: NS_GET_PARENT takes no argument and returns a descriptor.
    let fd = Errno::result(unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), NS_GET_PARENT) })?;
    // SAFETY: the call succeeded, so `fd` is a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The `CLONE_NEW*` flag of the namespace behind `fd`. ioctl_nsfs(2), `NS_GET_NSTYPE`, Linux 4.11
pub fn get_ns_kind(fd: impl AsFd) -> nix::Result<libc::c_int> {
    // _IO(0xb7, 0x3), include/uapi/linux/nsfs.h.
    const NS_GET_NSTYPE: libc::c_ulong = 0xb703;
    // SAFETY: NS_GET_NSTYPE takes no argument and returns a number.
    Errno::result(unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), NS_GET_NSTYPE) })
}

/// The user who made the user namespace behind `fd`, as an id of the caller's user namespace.
///
/// ioctl_nsfs(2), `NS_GET_OWNER_UID`, Linux 4.11. `EINVAL` for another kind.
pub fn get_ns_owner_uid(fd: impl AsFd) -> nix::Result<u32> {
    // _IO(0xb7, 0x4), include/uapi/linux/nsfs.h.
    const NS_GET_OWNER_UID: libc::c_ulong = 0xb704;
    let mut uid: libc::uid_t = 0;
    // SAFETY: the kernel writes one uid_t through the pointer, during the call.
    let result = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), NS_GET_OWNER_UID, &raw mut uid) };
    Errno::result(result).map(|_| uid)
}

/// The 64-bit id of the namespace behind `fd`, which is never used again, unlike its inode number.
///
/// `NS_GET_ID`, Linux 6.18; `ENOTTY` before.
pub fn get_ns_id(fd: impl AsFd) -> nix::Result<u64> {
    // _IOR(0xb7, 13, __u64), include/uapi/linux/nsfs.h.
    const NS_GET_ID: libc::c_ulong = 0x8008_b70d;
    let mut id: u64 = 0;
    // SAFETY: the kernel writes one u64 through the pointer, during the call.
    let result = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), NS_GET_ID, &raw mut id) };
    Errno::result(result).map(|_| id)
}

/// Opens the network namespace that a socket belongs to.
///
/// `SIOCGSKNS`, Linux 4.10; `EPERM` without CAP_NET_ADMIN in its owner.
pub fn get_socket_netns(socket: impl AsFd) -> nix::Result<OwnedFd> {
    // include/uapi/linux/sockios.h.
    const SIOCGSKNS: libc::c_ulong = 0x894c;
    // SAFETY: SIOCGSKNS takes no argument and returns a descriptor.
    let fd = Errno::result(unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), SIOCGSKNS) })?;
    // SAFETY: the call succeeded, so `fd` is a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
