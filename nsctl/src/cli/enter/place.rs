//! Where in the file system the command begins, and what there is for it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;

use crate::args::EnterArgs;
use crate::error::Error;
use crate::scan::Pinned;

/// A directory of the process, as a path below the root of its mount namespace.
fn its(process: &Pinned, link: &str) -> Result<PathBuf, Error> {
    fs::read_link(format!("/proc/{}/{link}", process.pid)).map_err(|error| {
        Error::new(format!("cannot read /proc/{}/{link}: {error}", process.pid))
            .try_this("sudo nsctl enter …, or a process of your own")
    })
}

/// What becomes the root: what is named, or the process's own where it is not that of its
/// mount namespace.
pub fn root(
    args: &EnterArgs,
    process: Option<&Pinned>,
    mounts: bool,
) -> Result<Option<PathBuf>, Error> {
    let of_process = || -> Result<Option<PathBuf>, Error> {
        let Some(process) = process else { return Ok(None) };
        Ok(Some(its(process, "root")?).filter(|root| root != Path::new("/")))
    };
    match &args.root {
        Some(Some(path)) => Ok(Some(path.clone())),
        Some(None) => of_process(),
        None if mounts => of_process(),
        None => Ok(None),
    }
}

pub fn workdir(
    args: &EnterArgs,
    process: Option<&Pinned>,
    elsewhere: bool,
) -> Result<Option<PathBuf>, Error> {
    let named = args.wd_inside.as_ref().or(args.wd.as_ref().and_then(Option::as_ref));
    match (named, &args.wd, process) {
        (Some(path), ..) if !path.is_absolute() => {
            Err(Error::new(format!("the working directory {} is not absolute", path.display()))
                .try_this("its path inside, from / on"))
        }
        (Some(path), ..) => Ok(Some(path.clone())),
        (None, Some(None), Some(process)) => {
            let (root, cwd) = (its(process, "root")?, its(process, "cwd")?);
            // Both are paths of its mount namespace; inside it is one below the root.
            let below = cwd.strip_prefix(&root).unwrap_or(Path::new(""));
            Ok(Some(Path::new("/").join(below)))
        }
        // Our own path means something else there, if anything.
        _ if elsewhere => Ok(Some("/".into())),
        _ => Ok(None),
    }
}

/// The caller's shell where it exists inside, else sh.
pub fn shell(process: Option<&Pinned>, mounts: bool) -> OsString {
    let own = std::env::var_os("SHELL").filter(|shell| Path::new(shell).is_absolute());
    let exists = |path: &OsStr| match process.filter(|_| mounts) {
        Some(process) => exists_inside(process, path),
        None => Path::new(path).exists(),
    };
    own.filter(|shell| exists(shell)).unwrap_or_else(|| "sh".into())
}

/// Whether its root has a file. The path is followed inside that root, and nothing is opened.
fn exists_inside(process: &Pinned, path: &OsStr) -> bool {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let root = format!("/proc/{}/root", process.pid);
    let Ok(root) = nix::fcntl::open(root.as_str(), flags, Mode::empty()) else { return false };
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    openat2(&root, Path::new(path), how).is_ok()
}

/// Whether no terminal can be made inside, so that the command gets the caller's.
pub fn has_no_terminals(process: Option<&Pinned>, mounts: bool) -> bool {
    let process = process.filter(|_| mounts);
    process.is_some_and(|process| !exists_inside(process, OsStr::new("/dev/ptmx")))
}
