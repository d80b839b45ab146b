//! A program that the workload may not execute.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::statvfs::{FsFlags, statvfs};

use super::program::{directory, is_searched, program};
use crate::causes::elf::{self, Head};
use crate::causes::{Scene, access};
use crate::error::Finding;

pub(super) fn not_executable(scene: &Scene<'_>) -> Option<Finding> {
    let file = program(scene)?;
    let found = file.metadata().ok()?;
    let shown = file.display();
    if found.is_dir() {
        return Some(
            Finding::new(format!("{shown} is a directory")).try_this("a program, such as sh"),
        );
    }
    if !found.is_file() {
        return Some(Finding::new(format!("{shown} is no regular file")));
    }
    if scene.asked.ids.may_execute(&found) {
        return None;
    }
    let mode = access::mode_and_owner(&found);
    let finding = match found.permissions().mode() & 0o111 {
        0 => Finding::new(format!("{shown} is not executable ({mode})")),
        _ => Finding::new(format!(
            "{shown} is not executable ({mode}) for {}, whom the workload is on the host",
            scene.asked.ids.shown()
        )),
    };
    Some(match elf::head(&file) {
        Some(Head::Script(name)) => finding.try_this(format!(
            "chmod a+x {shown}, or nsctl run … {} {shown}",
            String::from_utf8_lossy(&name)
        )),
        _ => finding.try_this(format!("chmod a+x {shown}")),
    })
}

pub(super) fn noexec_mount(scene: &Scene<'_>) -> Option<Finding> {
    let file = fs::canonicalize(program(scene)?).ok()?;
    let noexec = statvfs(&file).is_ok_and(|found| found.flags().contains(FsFlags::ST_NOEXEC));
    noexec.then(|| {
        let mount = scene.machine.mount_of(&file).map_or("/".into(), |mount| mount.target);
        let mount = mount.display();
        Finding::new(format!("{} is on {mount}, which is mounted noexec", file.display()))
            .try_this(format!("a copy elsewhere, or sudo mount -o remount,exec {mount}"))
    })
}

pub(super) fn closed_directory(scene: &Scene<'_>) -> Option<Finding> {
    let asked = scene.asked;
    let file = match is_searched(asked) {
        true => program(scene)?,
        false => asked.view.on_host(&directory(asked).join(&asked.command))?,
    };
    let closed = access::closed(&file, &asked.ids)?;
    Some(Finding::new(closed.told(&asked.ids)).try_this("a place that it may enter"))
}

/// bprm_caps_from_vfs_caps(): a file that must have a capability does not start without.
pub(super) fn file_capabilities(scene: &Scene<'_>) -> Option<Finding> {
    let file = program(scene)?;
    let wanted = access::file_capabilities(&file)?;
    let missing = wanted & !scene.asked.capabilities;
    let mut names: Vec<String> = caps::all()
        .into_iter()
        .filter(|cap| missing & cap.bitmask() != 0)
        .map(|cap| cap.to_string())
        .collect();
    names.sort();
    let names = names.join(",");
    (missing != 0).then(|| {
        Finding::new(format!(
            "{} starts only with {names}, which its file capabilities demand and the container \
             does not have",
            file.display()
        ))
        .try_this(format!("--cap-add {names}"))
    })
}
