//! What is placed in a root, and the way to its place.

use std::fs;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};
use nsshim::spec::RootSource;

use super::super::inside::PlacedAt;
use super::super::{Scene, access};
use crate::error::Finding;

/// What was to be placed when it failed: the step's text ends in its place.
pub(super) fn placed<'a>(scene: &'a Scene<'_>) -> Option<&'a PlacedAt> {
    let ends =
        |placed: &&PlacedAt| scene.failure.step.ends_with(&format!(" {}", placed.target.display()));
    let all = scene.asked.inside.placed.iter().filter(ends);
    all.max_by_key(|placed| placed.target.as_os_str().len())
}

/// The first name on the way that is no directory, in the topmost layer that has it.
enum Way {
    Link(PathBuf, PathBuf),
    File(PathBuf),
    Closed(PathBuf, String),
}

fn way(scene: &Scene<'_>, path: &Path) -> Option<Way> {
    let mut parts: Vec<&Path> = path.ancestors().collect();
    parts.reverse();
    parts.into_iter().find_map(|part| {
        let name = part.strip_prefix("/").unwrap_or(part);
        let mut layers = scene.asked.inside.layers().into_iter();
        let (file, found) = layers.find_map(|layer| {
            let file = layer.join(name);
            fs::symlink_metadata(&file).ok().map(|found| (file, found))
        })?;
        if found.is_symlink() {
            return Some(Way::Link(part.into(), fs::read_link(file).ok()?));
        }
        if !found.is_dir() {
            return Some(Way::File(part.into()));
        }
        (!scene.asked.ids.may_enter(&found))
            .then(|| Way::Closed(part.into(), access::mode_and_owner(&found)))
    })
}

/// The directory that the root is, for a command.
fn root_directory(scene: &Scene<'_>) -> Option<PathBuf> {
    match &scene.asked.inside.root.as_ref()?.source {
        RootSource::Directory(path) => Some(path.clone()),
        _ => None,
    }
}

pub(super) fn no_directory(scene: &Scene<'_>) -> Option<Finding> {
    let path = ["/proc", "/dev", "/sys"]
        .into_iter()
        .find(|path| scene.failure.step.starts_with(&format!("put {path} ")))?;
    let finding = match way(scene, Path::new(path))? {
        Way::Link(_, target) => Finding::new(format!(
            "{path} of the root is a symbolic link, to {}; what is mounted on it could be led \
             anywhere",
            target.display()
        )),
        Way::File(_) => Finding::new(format!("{path} of the root is not a directory")),
        Way::Closed(..) => return None,
    };
    let directory = root_directory(scene)?;
    let file = format!("{}{path}", directory.display());
    Some(finding.try_this(format!("rm '{file}': a missing directory is made for the container")))
}

pub(super) fn place_in_proc(scene: &Scene<'_>) -> Option<Finding> {
    const WHY: &str = "of /proc only a few files may be covered (meminfo, cpuinfo, stat, uptime \
                       …): what the kernel says there must stay what it says";
    if let Some(directory) = root_directory(scene)
        && statfs(&directory).is_ok_and(|found| found.filesystem_type() == PROC_SUPER_MAGIC)
    {
        return Some(
            Finding::new(format!("the root, {}, is a proc file system", directory.display()))
                .try_this("a directory with programs in it"),
        );
    }
    let target = &placed(scene)?.target;
    let leads = match way(scene, target) {
        Some(Way::Link(link, to)) => format!(
            "{} of the root is a symbolic link to {}, and so {} is in /proc; ",
            link.display(),
            to.display(),
            target.display()
        ),
        _ => String::new(),
    };
    Some(Finding::new(format!("{leads}{WHY}")).try_this("another place inside"))
}

pub(super) fn shared_place(scene: &Scene<'_>) -> Option<Finding> {
    let target = placed(scene)?.target.display();
    Some(
        Finding::new(format!(
            "{target} is in a volume whose mounts travel to the host (rshared): it would appear \
             there, and stay when the container is gone"
        ))
        .try_this("rslave or rprivate for that volume, or another place"),
    )
}

pub(super) fn file_on_directory(scene: &Scene<'_>) -> Option<Finding> {
    let PlacedAt { target, source, .. } = placed(scene)?;
    let name = source.as_ref().and_then(|source| source.file_name()).unwrap_or_default();
    let inside = target.join(name);
    let what = source.as_ref().map_or("what is placed".into(), |path| path.display().to_string());
    Some(
        Finding::new(format!("{what} is a file, and {} inside is a directory", target.display()))
            .try_this(format!("{} as the place inside", inside.display())),
    )
}

pub(super) fn directory_on_file(scene: &Scene<'_>) -> Option<Finding> {
    let PlacedAt { target, source, .. } = placed(scene)?;
    let what = source.as_ref().map_or("what is placed".into(), |path| path.display().to_string());
    Some(
        Finding::new(format!("{what} is a directory, and {} inside is a file", target.display()))
            .try_this("a file to show there, or another place inside"),
    )
}

pub(super) fn way_to_place(scene: &Scene<'_>) -> Option<Finding> {
    let target = &placed(scene)?.target;
    let another = "another place inside";
    Some(match (scene.failure.errno, way(scene, target)?) {
        (Errno::ELOOP, Way::Link(link, to)) => Finding::new(format!(
            "{} of the root is a symbolic link to {}, and the links lead in a circle",
            link.display(),
            to.display()
        ))
        .try_this(another),
        (Errno::ENOTDIR, Way::File(file)) => {
            Finding::new(format!("{} of the root is not a directory", file.display()))
                .try_this(another)
        }
        (Errno::EACCES, Way::Closed(directory, mode)) => Finding::new(format!(
            "the directory {} of the root ({mode}) may not be entered by {}, whom the workload \
             is on the host",
            directory.display(),
            scene.asked.ids.shown()
        ))
        .try_this("a root whose files belong to the caller, or --map-auto"),
        (Errno::EAGAIN, Way::Link(link, _)) => Finding::new(format!(
            "somebody changes {} of the root while the container starts",
            link.display()
        )),
        _ => return None,
    })
}

pub(super) fn noexec_place(scene: &Scene<'_>) -> Option<Finding> {
    let command = &scene.asked.command;
    let over = scene.asked.inside.placed.iter().rev();
    let place = over.into_iter().find(|placed| command.starts_with(&placed.target))?;
    place.noexec.then(|| {
        let (shown, place) = (command.display(), place.target.display());
        Finding::new(format!("{shown} is on {place}, which is mounted noexec"))
            .try_this(format!("the option exec for what is mounted on {place}"))
    })
}
