//! The mount calls that nix lacks: mounts as descriptors, which no later change of
//! a path can redirect.

use std::ffi::CStr;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;

/// linux/mount.h
const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
const FSCONFIG_SET_FLAG: libc::c_uint = 0;
const FSCONFIG_SET_STRING: libc::c_uint = 1;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 0x04;
const MOVE_MOUNT_T_EMPTY_PATH: libc::c_uint = 0x40;

/// What mount_setattr(2) changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct MountChange {
    /// `MOUNT_ATTR_*` to set.
    pub set: u64,
    /// `MOUNT_ATTR_*` to clear.
    pub clear: u64,
    /// `MS_PRIVATE`, `MS_SLAVE` or `MS_SHARED`; 0 leaves it.
    pub propagation: u64,
    /// Whether of all mounts below as well.
    pub recursive: bool,
}

/// Changes the mount that `mount` is the top of; flags that are not named stay, locked
/// ones too. mount_setattr(2), Linux 5.12.
pub(crate) fn mount_setattr(mount: BorrowedFd<'_>, change: MountChange) -> nix::Result<()> {
    let recursive = if change.recursive { libc::AT_RECURSIVE } else { 0 };
    setattr(mount.as_raw_fd(), c"", libc::AT_EMPTY_PATH | recursive, change)
}

/// Maps the owners of files on the mount and all below it by the id maps of a user namespace.
///
/// mount_setattr(2), `MOUNT_ATTR_IDMAP`, Linux 5.12; the file systems that can are listed there.
///
/// # Errors
/// `EPERM` unless root of the file system's user namespace, or for the first user namespace;
/// `EINVAL` for a file system that cannot, or a user namespace without maps.
pub(crate) fn mount_setattr_idmap(
    mount: BorrowedFd<'_>,
    namespace: BorrowedFd<'_>,
) -> nix::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP,
        attr_clr: 0,
        propagation: 0,
        userns_fd: namespace.as_raw_fd() as u64,
    };
    call(mount.as_raw_fd(), c"", libc::AT_EMPTY_PATH | libc::AT_RECURSIVE, &attributes)
}

/// Makes the mount at `path` and all below it read-only; every other flag stays
/// as it is, locked ones too.
///
/// mount_setattr(2), Linux 5.12.
pub fn mount_setattr_readonly(path: &CStr) -> nix::Result<()> {
    let change = MountChange { set: libc::MOUNT_ATTR_RDONLY, ..MountChange::default() };
    setattr(libc::AT_FDCWD, path, libc::AT_RECURSIVE, change)
}

fn setattr(at: i32, path: &CStr, flags: i32, change: MountChange) -> nix::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: change.set,
        attr_clr: change.clear,
        propagation: change.propagation,
        userns_fd: 0,
    };
    call(at, path, flags, &attributes)
}

fn call(at: i32, path: &CStr, flags: i32, attributes: &libc::mount_attr) -> nix::Result<()> {
    // SAFETY: `path` ends in NUL, `attributes` outlives the call and its size is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            at,
            path.as_ptr(),
            flags,
            std::ptr::from_ref(attributes),
            size_of::<libc::mount_attr>(),
        )
    };
    Errno::result(result).map(drop)
}

/// A copy of the mount at `path` below `at`, attached nowhere; with `recursive` of all
/// below it too. An empty path means `at` itself. open_tree(2), Linux 5.2.
pub(crate) fn open_tree_clone(
    at: Option<BorrowedFd<'_>>,
    path: &CStr,
    recursive: bool,
    follow: bool,
) -> nix::Result<OwnedFd> {
    let mut flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC;
    if recursive {
        flags |= libc::AT_RECURSIVE as libc::c_uint;
    }
    if !follow {
        flags |= libc::AT_SYMLINK_NOFOLLOW as libc::c_uint;
    }
    open_tree(at, path, flags)
}

/// The mount at `path`, to be moved. open_tree(2), Linux 5.2.
pub(crate) fn open_tree_attached(path: &CStr) -> nix::Result<OwnedFd> {
    open_tree(None, path, libc::OPEN_TREE_CLOEXEC)
}

fn open_tree(at: Option<BorrowedFd<'_>>, path: &CStr, flags: u32) -> nix::Result<OwnedFd> {
    let empty = if path.is_empty() { libc::AT_EMPTY_PATH as libc::c_uint } else { 0 };
    let at = at.map_or(libc::AT_FDCWD, |at| at.as_raw_fd());
    // SAFETY: `path` ends in NUL and outlives the call.
    let fd = unsafe { libc::syscall(libc::SYS_open_tree, at, path.as_ptr(), flags | empty) };
    owned(fd)
}

/// Attaches `mount` on the file or directory that `target` is. move_mount(2), Linux 5.2.
pub(crate) fn move_mount(mount: BorrowedFd<'_>, target: BorrowedFd<'_>) -> nix::Result<()> {
    let flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    // SAFETY: both paths are empty C strings.
    let result = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            c"".as_ptr(),
            target.as_raw_fd(),
            c"".as_ptr(),
            flags,
        )
    };
    Errno::result(result).map(drop)
}

/// Starts a new file system. fsopen(2), Linux 5.2.
pub(crate) fn fsopen(fstype: &CStr) -> nix::Result<OwnedFd> {
    // SAFETY: `fstype` ends in NUL and outlives the call.
    owned(unsafe { libc::syscall(libc::SYS_fsopen, fstype.as_ptr(), FSOPEN_CLOEXEC) })
}

/// Gives it an option; without a value, a flag. No character has a meaning in the
/// value. fsconfig(2), Linux 5.2.
pub(crate) fn fsconfig(fs: BorrowedFd<'_>, key: &CStr, value: Option<&CStr>) -> nix::Result<()> {
    let command = if value.is_some() { FSCONFIG_SET_STRING } else { FSCONFIG_SET_FLAG };
    config(fs, command, key.as_ptr(), value.map_or(ptr::null(), CStr::as_ptr))
}

/// Makes it, once all options are given. fsconfig(2), Linux 5.2.
pub(crate) fn fsconfig_create(fs: BorrowedFd<'_>) -> nix::Result<()> {
    config(fs, FSCONFIG_CMD_CREATE, ptr::null(), ptr::null())
}

fn config(
    fs: BorrowedFd<'_>,
    command: libc::c_uint,
    key: *const libc::c_char,
    value: *const libc::c_char,
) -> nix::Result<()> {
    // SAFETY: key and value are C strings that outlive the call, or null where the
    // command takes none.
    let result =
        unsafe { libc::syscall(libc::SYS_fsconfig, fs.as_raw_fd(), command, key, value, 0) };
    Errno::result(result).map(drop)
}

/// Its mount, attached nowhere. fsmount(2), Linux 5.2.
pub(crate) fn fsmount(fs: BorrowedFd<'_>, attributes: u64) -> nix::Result<OwnedFd> {
    // SAFETY: takes numbers only.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, fs.as_raw_fd(), FSMOUNT_CLOEXEC, attributes) })
}

/// The number of the mount that `fd` is on, as mountinfo has it.
///
/// statx(2), `STATX_MNT_ID`, Linux 5.8.
///
/// # Errors
/// `EACCES` on a FUSE file system that is another user's.
pub fn mount_id(fd: BorrowedFd<'_>) -> nix::Result<u64> {
    // SAFETY: all-zero bytes are a valid statx.
    let mut found: libc::statx = unsafe { std::mem::zeroed() };
    // SAFETY: the path is an empty C string; the kernel writes one statx through the pointer.
    let result = unsafe {
        libc::statx(
            fd.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            libc::STATX_MNT_ID,
            &raw mut found,
        )
    };
    Errno::result(result).map(|_| found.stx_mnt_id)
}

fn owned(fd: libc::c_long) -> nix::Result<OwnedFd> {
    let fd = Errno::result(fd)?;
    // SAFETY: the call succeeded, so `fd` is a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}
