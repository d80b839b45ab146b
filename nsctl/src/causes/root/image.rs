//! Images: the file, what shows it as a disk, and what reads it.

use std::fs;

use nix::errno::Errno;
use nsshim::spec::RootSource;

use super::super::Scene;
use super::quoted;
use crate::error::Finding;

pub(super) fn loop_devices(scene: &Scene<'_>) -> Option<Finding> {
    match scene.failure.errno {
        Errno::ENOENT | Errno::ENODEV | Errno::ENXIO => Some(
            Finding::new("this machine has no loop devices, which show a file as a disk")
                .try_this("sudo modprobe loop"),
        ),
        Errno::EACCES | Errno::EPERM => Some(
            Finding::new("a loop device belongs to the machine, and only its root may use one")
                .try_this("as root, or unpack the image: unsquashfs, fsck.erofs --extract=DIR"),
        ),
        Errno::EBUSY => Some(
            Finding::new("other processes took every free loop device first").try_this("once more"),
        ),
        _ => None,
    }
}

pub(super) fn unknown_file_system(scene: &Scene<'_>) -> Option<Finding> {
    if scene.failure.errno != Errno::ENODEV {
        return None;
    }
    let fstype = quoted(&scene.failure.call)?;
    let fstype = fstype.to_str()?;
    let known = scene.machine.read("/proc/filesystems")?;
    let has = known.lines().any(|line| line.split('\t').nth(1) == Some(fstype));
    (!has).then(|| {
        Finding::new(format!("this kernel has no {fstype}, or has not loaded it"))
            .try_this(format!("sudo modprobe {fstype}"))
    })
}

pub(super) fn damaged_image(scene: &Scene<'_>) -> Option<Finding> {
    let RootSource::Image { file, fstype } = &scene.asked.inside.root.as_ref()?.source else {
        return None;
    };
    let damage = [Errno::EINVAL, Errno::EIO, Errno::EUCLEAN];
    if !scene.failure.step.starts_with("open the image") || !damage.contains(&scene.failure.errno) {
        return None;
    }
    let size = fs::metadata(file).ok()?.len();
    let (file, name) = (file.display(), fstype.name());
    Some(
        Finding::new(format!(
            "{file} begins like {name}, but the kernel cannot read it: it is damaged, cut off \
             ({size} bytes), or of a kind that this kernel does not know"
        ))
        .try_this("get it again; the last lines of dmesg say more"),
    )
}
