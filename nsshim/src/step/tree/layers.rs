//! Overlays: directories shown as one.

use std::ffi::CStr;
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, openat};
use nix::mount::{MsFlags, mount as mount_call};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::sys::statfs::fstatfs;
use nix::sys::statvfs::FsFlags;

use super::attach::{attributes_of, directory_on_stage, open_on_stage, put_on_stage};
use super::part::{DIRECTORY, resemble};
use super::{Assembly, Layers, UpperLayer};
use crate::error::{CallError, Named, Result};
use crate::sys::{self, MountChange};

/// Mounts the layers on a name of the stage and returns the mount.
///
/// The layers are attached on the stage under names of ours, so that no character of the
/// user's paths has a meaning in the options.
pub(super) fn mount(assembly: &mut Assembly, layers: &Layers) -> Result<OwnedFd> {
    let mut lower = Vec::new();
    let mut top = None;
    // What one of them forbids the whole forbids: no set-user-ID program gains by being shown
    // through an overlay.
    let mut forbidden = 0;
    for _ in 0..layers.lower {
        let layer = attach_next(assembly)?;
        forbidden |= layer.forbids;
        top.get_or_insert(layer.directory);
        lower.push(layer.name);
    }
    let mut options = format!("lowerdir={}", lower.join(":"));
    match layers.upper {
        UpperLayer::None => {}
        UpperLayer::Discarded => {
            let base = assembly.next_name();
            directory_on_stage(assembly, &base)?;
            options += &upper_options(assembly, &base.to_string_lossy(), top.as_ref())?;
        }
        UpperLayer::Taken => {
            let base = attach_next(assembly)?;
            forbidden |= base.forbids;
            options += &upper_options(assembly, &base.name, top.as_ref())?;
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
    if forbidden != 0 {
        let change = MountChange { set: forbidden, ..MountChange::default() };
        sys::mount_setattr(root.as_fd(), change).call(|| "mount_setattr(overlay)".into())?;
    }
    Ok(root)
}

/// A layer on the stage.
struct Attached {
    name: String,
    directory: FileStat,
    /// `MOUNT_ATTR_*`
    forbids: u64,
}

fn attach_next(assembly: &mut Assembly) -> Result<Attached> {
    let tree = assembly.next_taken()?;
    let directory = fstat(&tree).call(|| "fstat(layer)".into())?;
    let forbids = attributes_of(fstatfs(&tree).call(|| "fstatfs(layer)".into())?.flags());
    let name = assembly.next_name();
    put_on_stage(assembly, &tree, &name)?;
    Ok(Attached { name: name.to_string_lossy().into_owned(), directory, forbids })
}

/// `upper` and `work` below `base`, made when missing. What the overlay shows of its own top is
/// what `upper` is: like the topmost lower one.
fn upper_options(assembly: &Assembly, base: &str, like: Option<&FileStat>) -> Result<String> {
    let stage = assembly.stage()?;
    for name in ["upper", "work"] {
        let path = format!("{base}/{name}");
        match mkdirat(stage, path.as_str(), Mode::from_bits_truncate(0o755)) {
            Ok(()) if name == "work" => {}
            Ok(()) => {
                if let Some(like) = like {
                    let made = openat(stage, path.as_str(), DIRECTORY, Mode::empty())
                        .call(|| "openat(overlay \"upper\")".into())?;
                    resemble(&made, like)?;
                }
            }
            Err(Errno::EEXIST) => {}
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

pub(super) fn describe(f: &mut fmt::Formatter<'_>, layers: &Layers, target: &str) -> fmt::Result {
    let lower: Vec<String> = (1..=layers.lower).map(|n| format!("tree{n}")).collect();
    write!(f, "mount(\"overlay\", {target:?}, \"overlay\", 0, \"lowerdir={}", lower.join(":"))?;
    match layers.upper {
        UpperLayer::None => {}
        UpperLayer::Discarded => f.write_str(",upperdir=upper,workdir=work")?,
        UpperLayer::Taken => f.write_str(",upperdir=DIR/upper,workdir=DIR/work")?,
    }
    f.write_str(if layers.userxattr { ",userxattr\")" } else { "\")" })
}
