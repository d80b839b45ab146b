//! Why a root of the container's own cannot be made, or something cannot be placed in it.

mod idmap;
mod image;
mod layers;
mod place;

use std::path::PathBuf;

use nix::errno::Errno;
use nsshim::Failure;

use super::{Cause, Scene, access, call_name};
use crate::error::Finding;

pub const CAUSES: &[Cause] = &[
    Cause { name: "no-directory-in-root", explains: is_graft, look: place::no_directory },
    Cause { name: "place-in-proc", explains: is_in_proc, look: place::place_in_proc },
    Cause { name: "shared-place", explains: is_shared, look: place::shared_place },
    Cause {
        name: "file-on-directory",
        explains: |failure| failure.errno == Errno::EISDIR && is_move(failure),
        look: place::file_on_directory,
    },
    Cause {
        name: "directory-on-file",
        explains: |failure| failure.errno == Errno::ENOTDIR && is_move(failure),
        look: place::directory_on_file,
    },
    Cause { name: "way-to-place", explains: is_lookup, look: place::way_to_place },
    Cause { name: "source-gone", explains: is_copy, look: source_gone },
    Cause { name: "source-closed", explains: is_copy, look: source_closed },
    Cause { name: "layer-is-a-link", explains: is_overlay, look: layers::layer_link },
    Cause { name: "layer-type", explains: is_overlay, look: layers::layer_type },
    Cause { name: "changes-in-use", explains: is_lock, look: layers::changes_in_use },
    Cause { name: "work-directory", explains: is_overlay, look: layers::work_directory },
    Cause { name: "layer-in-use", explains: is_overlay, look: layers::layer_in_use },
    Cause { name: "layer-cannot-change", explains: makes_layer, look: layers::layer_for_changes },
    Cause {
        name: "overlay-unmapped-owner",
        explains: |failure| failure.errno == Errno::EOVERFLOW,
        look: layers::unmapped_owner,
    },
    Cause { name: "idmap", explains: is_idmap, look: idmap::idmap },
    Cause { name: "loop-devices", explains: is_loop, look: image::loop_devices },
    Cause { name: "file-system-unknown", explains: is_new, look: image::unknown_file_system },
    Cause { name: "image-damaged", explains: is_new, look: image::damaged_image },
    Cause {
        name: "noexec-place",
        explains: |failure| call_name(failure) == "execve" && failure.errno == Errno::EACCES,
        look: place::noexec_place,
    },
    Cause {
        name: "mount-max",
        explains: |failure| failure.errno == Errno::ENOSPC && makes_mounts(failure),
        look: mount_max,
    },
];

fn is_graft(failure: &Failure) -> bool {
    let refused = matches!(failure.errno, Errno::ELOOP | Errno::ENOTDIR | Errno::EXDEV);
    refused && failure.call.contains("RESOLVE_NO_SYMLINKS")
}

fn is_in_proc(failure: &Failure) -> bool {
    failure.call.contains("PROC_SUPER_MAGIC")
}

fn is_shared(failure: &Failure) -> bool {
    failure.call.contains("shared with the host")
}

fn is_move(failure: &Failure) -> bool {
    call_name(failure) == "move_mount"
}

fn is_lookup(failure: &Failure) -> bool {
    failure.call.contains("RESOLVE_IN_ROOT") || failure.call.starts_with("openat(directory")
}

fn is_copy(failure: &Failure) -> bool {
    failure.call.starts_with("open_tree(AT_FDCWD")
}

fn is_overlay(failure: &Failure) -> bool {
    failure.call.starts_with("mount(\"overlay\"")
}

fn is_lock(failure: &Failure) -> bool {
    call_name(failure) == "flock"
}

fn makes_layer(failure: &Failure) -> bool {
    failure.call.starts_with("mkdir(overlay")
}

fn is_idmap(failure: &Failure) -> bool {
    failure.call.contains("MOUNT_ATTR_IDMAP")
}

fn is_loop(failure: &Failure) -> bool {
    failure.call.contains("/dev/loop") || failure.call.contains("LOOP_")
}

fn is_new(failure: &Failure) -> bool {
    failure.call.starts_with("fsopen(")
}

fn makes_mounts(failure: &Failure) -> bool {
    matches!(call_name(failure), "open_tree" | "move_mount" | "mount" | "fsopen" | "fsmount")
}

/// The path in a call's quotes, `open_tree(AT_FDCWD, "/mnt", …)`.
fn quoted(call: &str) -> Option<PathBuf> {
    call.split('"').nth(1).map(PathBuf::from)
}

fn source_gone(scene: &Scene<'_>) -> Option<Finding> {
    if !matches!(scene.failure.errno, Errno::ENOENT | Errno::ENOTDIR) {
        return None;
    }
    let obstacle = access::absent(&quoted(&scene.failure.call)?)?;
    Some(Finding::new(obstacle.told(&scene.asked.ids)).try_this("a path that exists"))
}

fn source_closed(scene: &Scene<'_>) -> Option<Finding> {
    if scene.failure.errno != Errno::EACCES {
        return None;
    }
    let path = quoted(&scene.failure.call)?;
    let closed = access::closed(&path, &scene.asked.starter)?;
    Some(Finding::new(closed.told(&scene.asked.starter)).try_this("a path that it may enter"))
}

fn mount_max(scene: &Scene<'_>) -> Option<Finding> {
    let most = scene.machine.number("/proc/sys/fs/mount-max")?;
    let here = scene.machine.mounts()?.len() as i64;
    (here * 2 > most).then(|| {
        Finding::new(format!(
            "a mount namespace may hold {most} mounts (fs.mount-max), and here are {here}, which \
             the container gets too"
        ))
        .try_this(format!("sudo sysctl -w fs.mount-max={}", most.max(here) * 4))
    })
}
