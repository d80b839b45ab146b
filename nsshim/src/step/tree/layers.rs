//! Overlays: directories shown as one.

use std::ffi::{CStr, OsStr};
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, openat};
use nix::mount::{MsFlags, mount as mount_call};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::sys::statfs::fstatfs;
use nix::sys::statvfs::FsFlags;

use super::alike::{DIRECTORY, resemble};
use super::attach::{attributes_of, directory_on_stage, open_on_stage, put_on_stage};
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
    let mut options = format!("lowerdir={}", lower.join(":")).into_bytes();
    match &layers.upper {
        UpperLayer::None => {}
        UpperLayer::Discarded => {
            let base = assembly.next_name();
            directory_on_stage(assembly, &base)?;
            let [upper, work] = ["upper", "work"].map(Path::new);
            options.extend(upper_options(assembly, &base.to_string_lossy(), [upper, work], &top)?);
        }
        UpperLayer::Taken { upper, work } => {
            let base = attach_next(assembly)?;
            forbidden |= base.forbids;
            options.extend(upper_options(assembly, &base.name, [upper, work], &top)?);
        }
    }
    if layers.userxattr {
        options.extend(b",userxattr");
    }
    let name = assembly.next_name();
    directory_on_stage(assembly, &name)?;
    let name: &CStr = &name;
    // Names without a slash: we stand on the stage.
    let text = OsStr::from_bytes(&options);
    mount_call(Some("overlay"), name, Some("overlay"), layers.flags, Some(text))
        .call(|| format!("mount(\"overlay\", {name:?}, \"overlay\", 0, {text:?})"))?;
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

/// Both below `base`, made when missing. What the overlay shows of its own top is what the upper
/// one is: like the topmost lower one.
fn upper_options(
    assembly: &Assembly,
    base: &str,
    [upper, work]: [&Path; 2],
    like: &Option<FileStat>,
) -> Result<Vec<u8>> {
    let stage = assembly.stage()?;
    let (upper, work) = (Path::new(base).join(upper), Path::new(base).join(work));
    for (name, path) in [("upper", &upper), ("work", &work)] {
        match mkdirat(stage, path, Mode::from_bits_truncate(0o755)) {
            Ok(()) if name == "work" => {}
            Ok(()) => {
                if let Some(like) = like {
                    let made = openat(stage, path, DIRECTORY, Mode::empty())
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
    clean(assembly, &work)?;
    Ok([&b",upperdir="[..], &escaped(&upper), b",workdir=", &escaped(&work)].concat())
}

/// A path as an overlay's option: ovl_next_opt() and ovl_unescape(), fs/overlayfs/params.c.
fn escaped(path: &Path) -> Vec<u8> {
    let special = |byte: &u8| b"\\,:".contains(byte).then_some(b'\\');
    let bytes = path.as_os_str().as_bytes().iter();
    bytes.flat_map(|byte| special(byte).into_iter().chain([*byte])).collect()
}

/// Removes what an overlay that was killed left of its work. The kernel does so too, but gives
/// up two levels down, and then mounts read-only. Its directory is known by its mode.
fn clean(assembly: &Assembly, work: &Path) -> Result<()> {
    let work = work.join("work");
    let is_the_kernels = fstatat(assembly.stage()?, &work, AtFlags::AT_SYMLINK_NOFOLLOW)
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
    match &layers.upper {
        UpperLayer::None => {}
        UpperLayer::Discarded => f.write_str(",upperdir=upper,workdir=work")?,
        UpperLayer::Taken { upper, work } => {
            write!(f, ",upperdir=DIR/{},workdir=DIR/{}", upper.display(), work.display())?;
        }
    }
    f.write_str(if layers.userxattr { ",userxattr\")" } else { "\")" })
}
