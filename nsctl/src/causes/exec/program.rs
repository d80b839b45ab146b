//! Which file was to be executed, found as nsinit finds it.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nsshim::spec::Workdir;

use crate::causes::{Context, Scene};

/// As nsinit searches it when the environment has none.
pub(super) const DEFAULT_PATH: &[u8] = nsinit::exec::DEFAULT_PATH;

/// Where a relative name starts inside.
pub(super) fn directory(asked: &Context) -> &Path {
    match &asked.workdir {
        Workdir::Keep(path) | Workdir::Set(path) => path,
    }
}

pub(super) fn is_searched(asked: &Context) -> bool {
    !asked.command.as_os_str().as_bytes().contains(&b'/')
}

/// The directories of PATH, absolute.
pub(super) fn search_path(asked: &Context) -> Vec<PathBuf> {
    let path = asked.path.as_deref().unwrap_or(DEFAULT_PATH);
    path.split(|&byte| byte == b':')
        .map(|entry| directory(asked).join(std::ffi::OsStr::from_bytes(entry)))
        .collect()
}

/// The file that was to be executed, on the host, where there is one.
pub(super) fn program(scene: &Scene<'_>) -> Option<PathBuf> {
    let asked = scene.asked;
    if !is_searched(asked) {
        return asked.view.on_host(&directory(asked).join(&asked.command));
    }
    search_path(asked)
        .into_iter()
        .filter_map(|directory| asked.view.on_host(&directory.join(&asked.command)))
        .find(|file| file.is_file())
}

/// Where programs usually are, inside.
pub(super) fn std_place(asked: &Context, name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"]
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|file| asked.view.on_host(file).is_some_and(|file| is_program(&file)))
}

pub(super) fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
