//! Overlays: directories shown as one.

use std::ffi::CStr;
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::mount::{MsFlags, mount as mount_call};
use nix::sys::stat::{Mode, SFlag, fstatat, mkdirat};
use nix::sys::statfs::fstatfs;
use nix::sys::statvfs::FsFlags;

use super::attach::{directory_on_stage, open_on_stage, put_on_stage};
use super::{Assembly, Layers, UpperLayer};
use crate::error::{CallError, Named, Result};

/// Mounts the layers on a name of the stage and returns the mount.
///
/// The layers are attached on the stage under names of ours, so that no character of the
/// user's paths has a meaning in the options.
pub(super) fn mount(assembly: &mut Assembly, layers: &Layers) -> Result<OwnedFd> {
    let mut lower = Vec::new();
    for _ in 0..layers.lower {
        lower.push(attach_next(assembly)?);
    }
    let mut options = format!("lowerdir={}", lower.join(":"));
    match layers.upper {
        UpperLayer::None => {}
        UpperLayer::Discarded => {
            let base = assembly.next_name();
            directory_on_stage(assembly, &base)?;
            options += &upper_options(assembly, &base.to_string_lossy())?;
        }
        UpperLayer::Taken => {
            let base = attach_next(assembly)?;
            options += &upper_options(assembly, &base)?;
        }
    }
    if layers.userxattr {
        options += ",userxattr";
    }
    let name = assembly.next_name();
    directory_on_stage(assembly, &name)?;
    let name: &CStr = &name;
    // Names without a slash: we stand on the stage.
    mount_call(Some("overlay"), name, Some("overlay"), layers.flags, Some(options.as_str()))
        .call(|| format!("mount(\"overlay\", {name:?}, \"overlay\", 0, {options:?})"))?;
    let root = open_on_stage(assembly.stage()?, name)?;
    let wanted = layers.upper != UpperLayer::None && !layers.flags.contains(MsFlags::MS_RDONLY);
    // The kernel's way to say that it cannot use the work directory.
    if wanted && fstatfs(&root).is_ok_and(|found| found.flags().contains(FsFlags::ST_RDONLY)) {
        let call = "mount(\"overlay\") = read-only".into();
        return Err(CallError { call, errno: Errno::EROFS });
    }
    Ok(root)
}

fn attach_next(assembly: &mut Assembly) -> Result<String> {
    let tree = assembly.next_taken()?;
    let name = assembly.next_name();
    put_on_stage(assembly, &tree, &name)?;
    Ok(name.to_string_lossy().into_owned())
}

/// `upper` and `work` below `base`, made when missing.
fn upper_options(assembly: &Assembly, base: &str) -> Result<String> {
    for name in ["upper", "work"] {
        let path = format!("{base}/{name}");
        match mkdirat(assembly.stage()?.as_fd(), path.as_str(), Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => {
                return Err(CallError { call: format!("mkdir(overlay {name:?})"), errno });
            }
        }
    }
    clean(assembly, base)?;
    Ok(format!(",upperdir={base}/upper,workdir={base}/work"))
}

/// Removes what an overlay that was killed left of its work. The kernel does so too, but gives
/// up two levels down, and then mounts read-only. Its directory is known by its mode.
fn clean(assembly: &Assembly, base: &str) -> Result<()> {
    let work = format!("{base}/work/work");
    let is_the_kernels = fstatat(assembly.stage()?, work.as_str(), AtFlags::AT_SYMLINK_NOFOLLOW)
        .is_ok_and(|found| found.st_mode == SFlag::S_IFDIR.bits());
    if !is_the_kernels {
        return Ok(());
    }
    // By a name of the stage's, where we stand. What cannot be removed, the mount tells. The
    // directory itself stays: without leftovers nothing is changed.
    for entry in std::fs::read_dir(work).into_iter().flatten().flatten() {
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let remove = if is_directory { std::fs::remove_dir_all } else { std::fs::remove_file };
        let _ = remove(entry.path());
    }
    Ok(())
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, layers: &Layers) -> fmt::Result {
    let lower: Vec<String> = (1..=layers.lower).map(|n| format!("tree{n}")).collect();
    write!(f, "mount(\"overlay\", \"root\", \"overlay\", 0, \"lowerdir={}", lower.join(":"))?;
    match layers.upper {
        UpperLayer::None => {}
        UpperLayer::Discarded => f.write_str(",upperdir=upper,workdir=work")?,
        UpperLayer::Taken => f.write_str(",upperdir=DIR/upper,workdir=DIR/work")?,
    }
    f.write_str(if layers.userxattr { ",userxattr\")" } else { "\")" })
}
