//! Mounts: one call as data, propagation, hiding and read-only.

use std::ffi::CString;
use std::fmt;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};

use crate::error::{Named, Result};
use crate::spec::Propagation;
use crate::sys;

/// The arguments of one mount(2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountCall {
    /// What is mounted, for messages.
    pub purpose: &'static str,
    /// The device or its stand-in; also the file system's name.
    pub fstype: &'static str,
    /// Where.
    pub target: &'static str,
    /// `MS_*`.
    pub flags: MsFlags,
    /// Options of the file system.
    pub options: &'static str,
    /// The errors which say that there is nothing to mount on this machine.
    pub absent: &'static [Errno],
}

impl MountCall {
    pub(super) fn run(&self) -> Result<()> {
        let options = Some(self.options).filter(|options| !options.is_empty());
        match mount(Some(self.fstype), self.target, Some(self.fstype), self.flags, options) {
            Err(errno) if self.absent.contains(&errno) => Ok(()),
            other => other.call(|| self.to_string()),
        }
    }
}

impl fmt::Display for MountCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MountCall { fstype, target, flags, options, .. } = self;
        write!(f, "mount({fstype:?}, {target:?}, {fstype:?}, {}", flag_names(*flags))?;
        if !options.is_empty() {
            write!(f, ", {options:?}")?;
        }
        f.write_str(")")
    }
}

/// `MS_NOSUID|MS_NODEV`, or `0`.
fn flag_names(flags: MsFlags) -> String {
    let names: Vec<&str> = flags.iter_names().map(|(name, _)| name).collect();
    if names.is_empty() { "0".into() } else { names.join("|") }
}

pub(super) fn propagate(propagation: Propagation) -> Result<()> {
    let Some(flag) = propagation_flag(propagation) else { return Ok(()) };
    let flags = flag | MsFlags::MS_REC;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)
        .call(|| format!("mount(NULL, \"/\", NULL, {})", flag_names(flags)))
}

pub(super) fn describe_propagation(
    f: &mut fmt::Formatter<'_>,
    propagation: Propagation,
) -> fmt::Result {
    let flag = propagation_flag(propagation).unwrap_or(MsFlags::empty());
    write!(f, "mount(NULL, \"/\", NULL, {})", flag_names(flag | MsFlags::MS_REC))
}

fn propagation_flag(propagation: Propagation) -> Option<MsFlags> {
    match propagation {
        Propagation::Private => Some(MsFlags::MS_PRIVATE),
        Propagation::Slave => Some(MsFlags::MS_SLAVE),
        Propagation::Shared => Some(MsFlags::MS_SHARED),
        Propagation::Unchanged => None,
    }
}

/// A mount made on a shared mount point would appear on the host.
pub(super) fn keep_private(path: &'static str) -> Result<()> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, path, None::<&str>, flags, None::<&str>)
        .call(|| format!("mount(NULL, {path:?}, NULL, {})", flag_names(flags)))
}

/// Hides a file behind /dev/null. What this kernel does not have needs no hiding.
pub(super) fn mask_file(path: &'static str) -> Result<()> {
    match mount(Some("/dev/null"), path, None::<&str>, MsFlags::MS_BIND, None::<&str>) {
        Err(Errno::ENOENT) => Ok(()),
        other => other.call(|| format!("mount(\"/dev/null\", {path:?}, NULL, MS_BIND)")),
    }
}

/// Hides a directory behind an empty file system.
pub(super) fn mask_directory(path: &'static str) -> Result<()> {
    // Asking is cheaper than a file system that is made and then finds no place.
    if !std::path::Path::new(path).exists() {
        return Ok(());
    }
    empty(path).run()
}

/// A read-only file system without room for a file.
pub(crate) fn empty(path: &'static str) -> MountCall {
    MountCall {
        purpose: path,
        fstype: "tmpfs",
        target: path,
        flags: MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC,
        options: "size=0k,nr_inodes=2,mode=0555",
        absent: &[],
    }
}

/// Binds a directory on itself and makes the bind read-only.
pub(super) fn read_only(path: &'static str) -> Result<()> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    match mount(Some(path), path, None::<&str>, flags, None::<&str>) {
        Err(Errno::ENOENT) => return Ok(()),
        other => other.call(|| format!("mount({path:?}, {path:?}, NULL, MS_BIND|MS_REC)"))?,
    }
    set_read_only(path).call(|| SetReadOnly(path).to_string())
}

/// Makes a mount and all below it read-only, and a directory where nothing is mounted too.
pub(super) fn read_only_tree(path: &'static str) -> Result<()> {
    match set_read_only(path) {
        Err(Errno::ENOENT) => Ok(()),
        // It is no mount point; below it may be some.
        Err(Errno::EINVAL) => read_only(path),
        other => other.call(|| SetReadOnly(path).to_string()),
    }
}

fn set_read_only(path: &'static str) -> nix::Result<()> {
    sys::mount_setattr_readonly(&CString::new(path).unwrap_or_default())
}

/// The call that makes a mount read-only, for printing.
pub(super) struct SetReadOnly(pub &'static str);

impl fmt::Display for SetReadOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mount_setattr({:?}, AT_RECURSIVE, {{attr_set=MOUNT_ATTR_RDONLY}})", self.0)
    }
}
