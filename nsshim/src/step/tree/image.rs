//! A file that holds a file system. Only root may mount one: the kernel does not trust
//! what a user has written in it.

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::file_system::new_file_system;
use super::take::c_path;
use crate::error::{CallError, Named, Result};
use crate::spec::ImageType;
use crate::sys;

/// Another process may take the loop device that we were told is free.
const TRIES: usize = 50;

/// Mounts it read-only, attached nowhere.
pub(super) fn open(file: &Path, fstype: ImageType, attributes: u64) -> Result<OwnedFd> {
    let name = match fstype {
        ImageType::Squashfs => c"squashfs",
        ImageType::Erofs => c"erofs",
        ImageType::Ext4 => c"ext4",
    };
    let attributes = attributes | libc::MOUNT_ATTR_RDONLY;
    if fstype == ImageType::Erofs {
        // Straight from the file, Linux 6.12; before, EROFS wants a block device too.
        match from_source(name, &c_path(file), attributes) {
            Err(error) if error.errno == Errno::ENOTBLK => {}
            done => return done,
        }
    }
    let device = loop_device(file)?;
    // The journal of an ext4 that was not unmounted would be written back.
    from_source(name, &c_path(&device.path), attributes)
}

fn from_source(fstype: &CStr, source: &CStr, attributes: u64) -> Result<OwnedFd> {
    let mut options = vec![(c"source", Some(source)), (c"ro", None)];
    if fstype == c"ext4" {
        options.push((c"noload", None));
    }
    new_file_system(fstype, &options, attributes)
}

/// A loop device that is free again when the last mount of it is gone.
struct LoopDevice {
    path: PathBuf,
    /// Holds the device until it is mounted.
    _open: File,
}

/// loop(4); `LOOP_CONFIGURE`, Linux 5.8
fn loop_device(file: &Path) -> Result<LoopDevice> {
    let image = File::open(file).call(|| format!("open({file:?}, O_RDONLY)"))?;
    let control = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/loop-control")
        .call(|| "open(\"/dev/loop-control\", O_RDWR)".into())?;
    for _ in 0..TRIES {
        let number =
            sys::loop_get_free(control.as_fd()).call(|| "ioctl(LOOP_CTL_GET_FREE)".into())?;
        let path = PathBuf::from(format!("/dev/loop{number}"));
        let device = File::open(&path).call(|| format!("open({path:?}, O_RDONLY)"))?;
        match sys::loop_configure(device.as_fd(), image.as_fd()) {
            Ok(()) => return Ok(LoopDevice { path, _open: device }),
            Err(Errno::EBUSY) => {}
            Err(errno) => {
                return Err(CallError { call: format!("ioctl({path:?}, LOOP_CONFIGURE)"), errno });
            }
        }
    }
    Err(CallError { call: "ioctl(LOOP_CONFIGURE)".into(), errno: Errno::EBUSY })
}
