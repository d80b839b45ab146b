//! Loop devices: a file as a block device. loop(4), linux/loop.h

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

const LOOP_CTL_GET_FREE: libc::Ioctl = 0x4C82;
const LOOP_CONFIGURE: libc::Ioctl = 0x4C0A;
const LO_FLAGS_READ_ONLY: u32 = 1;
/// Free the device when its last user is gone.
const LO_FLAGS_AUTOCLEAR: u32 = 4;

/// `struct loop_info64`
#[repr(C)]
struct LoopInfo64 {
    device: u64,
    inode: u64,
    rdevice: u64,
    offset: u64,
    size_limit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

/// `struct loop_config`
#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    info: LoopInfo64,
    reserved: [u64; 8],
}

/// The number of a loop device that nobody uses.
pub(crate) fn loop_get_free(control: BorrowedFd<'_>) -> nix::Result<i32> {
    // SAFETY: LOOP_CTL_GET_FREE takes no argument.
    Errno::result(unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) })
}

/// Shows `file` on the device, read-only, until its last user is gone. Linux 5.8
pub(crate) fn loop_configure(device: BorrowedFd<'_>, file: BorrowedFd<'_>) -> nix::Result<()> {
    // SAFETY: all-zero bytes are a valid loop_config: it holds only integers.
    let mut config: LoopConfig = unsafe { std::mem::zeroed() };
    config.fd = file.as_raw_fd() as u32;
    config.info.flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
    // SAFETY: the kernel reads one loop_config through the pointer, during the call.
    let result = unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const config) };
    Errno::result(result).map(drop)
}
