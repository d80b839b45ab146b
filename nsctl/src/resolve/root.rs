//! `--rootfs`, `--overlay`, `--read-only`: what the workload sees as `/`.

mod image;
mod throwaway;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nsshim::Host;
use nsshim::spec::{
    Choice, Kind, Mount, Namespaces, Overlay, Part, PartKind, Placed, Propagation, Root,
    RootSource, Upper,
};

use self::throwaway::Throwaway;
use super::mounts::{self, Around, Changes};
use super::paths;
use crate::args::{RootArgs, RunArgs};
use crate::error::Error;

/// Resolves the root; `None` when the host's is taken as it is and nothing is placed in it.
pub fn resolve(
    args: &RunArgs,
    host: &Host,
    namespaces: &Namespaces,
    propagation: Propagation,
) -> Result<Option<Root>, Error> {
    let Some(option) = asking(&args.root) else { return Ok(None) };
    check_namespace(&option, namespaces)?;
    if propagation == Propagation::Unchanged {
        return Err(Error::new(format!(
            "{option} and --propagation unchanged contradict each other"
        ))
        .because("a root that others see as well cannot be put together unseen")
        .try_this("--propagation slave, or leave it out"));
    }
    let mut suffix = Suffix::default();
    let source = match &args.root.rootfs {
        None => RootSource::Host,
        Some(word) if word == "none" => RootSource::Empty,
        Some(path) => {
            let found = source(Path::new(path), host)?;
            suffix = found.1;
            found.0
        }
    };
    let overlay = match source {
        RootSource::Host => check_throwaway(&args.root).map(|()| None)?,
        _ => overlay(&args.root, &source, suffix, namespaces)?,
    };
    // The host's own stays as it is: its /dev is replaced anyway.
    let devices = args.rights.privileged || source == RootSource::Host;
    let read_only = args.root.read_only;
    // Which parts, depends on what else is mounted.
    let parts = Vec::new();
    let userxattr = !namespaces.is_host(Kind::User) || !is_first_user_namespace();
    Ok(Some(Root { source, overlay, read_only, devices, idmap: suffix.idmap, userxattr, parts }))
}

/// Takes the host's root apart, if its changes are to vanish. Returns what stays as it is on the
/// host and is read-only therefore.
pub fn take_apart(
    args: &RootArgs,
    root: Option<&mut Root>,
    mounts: &[Mount],
) -> Result<Vec<String>, Error> {
    let Some(root) = root.filter(|root| root.source == RootSource::Host && args.overlay.is_some())
    else {
        return Ok(Vec::new());
    };
    let covers = |mount: &&Mount| !matches!(mount.what, Placed::File { .. } | Placed::Symlink(_));
    let covered = mounts.iter().filter(covers).map(|mount| mount.target.clone()).collect();
    let Throwaway { parts, warnings } = throwaway::resolve(root.userxattr, covered);
    if !matches!(parts.first(), Some(Part { what: PartKind::Layer | PartKind::Directory, .. })) {
        return Err(Error::new("cannot put a layer over the host's root")
            .because("it is on a file system that no overlay can be over")
            .try_this("--rootfs DIR --overlay"));
    }
    root.parts = parts;
    Ok(warnings)
}

/// Refuses a root without ids to make it with, or with ids that cannot be shifted.
pub fn check_maps(args: &RunArgs, root: Option<&Root>, around: &Around<'_>) -> Result<(), Error> {
    if root.is_some_and(|root| root.idmap) {
        mounts::check_idmap("the root", around)?;
    }
    let Around { namespaces, maps, .. } = around;
    match asking(&args.root) {
        Some(option) if !namespaces.is_host(Kind::User) && maps.is_none() => {
            Err(Error::new(format!("{option} and an id map of none contradict each other"))
                .because("without ids nothing can be made inside, not even a mount point")
                .try_this("leave one of them out"))
        }
        _ => Ok(()),
    }
}

/// The option for which the root is put together anew, the weightiest first.
fn asking(args: &RootArgs) -> Option<String> {
    let options = [
        ("--rootfs", args.rootfs.is_some()),
        ("--overlay", args.overlay.is_some()),
        ("--overlay-lower", !args.overlay_lower.is_empty()),
        ("--read-only", args.read_only),
    ];
    let named = options.into_iter().find(|(_, given)| *given).map(|(name, _)| name.to_string());
    let named = named.or_else(|| args.etc.asking().map(String::from));
    named.or_else(|| args.placed.0.first().map(|placement| placement.option.name()))
}

fn check_namespace(option: &str, namespaces: &Namespaces) -> Result<(), Error> {
    let why = match namespaces.get(Kind::Mnt) {
        Choice::New => return Ok(()),
        Choice::Host => "the mount namespace is shared, and the host would get the mounts",
        Choice::Join(_) => "the mount namespace is joined, and its root is what it is",
    };
    Err(Error::new(format!("{option} needs a new mount namespace"))
        .because(why)
        .try_this(format!("leave {option} or --mntns (--share mnt) out")))
}

/// podman's `DIR:O` and `DIR:idmap`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Suffix {
    overlay: bool,
    idmap: bool,
}

fn source(path: &Path, host: &Host) -> Result<(RootSource, Suffix), Error> {
    const WHAT: &str = "the root file system";
    let absolute = paths::absolute(WHAT, path)?;
    let (absolute, suffix) = match std::fs::symlink_metadata(&absolute) {
        // A name may end in anything.
        Ok(_) => (absolute, Suffix::default()),
        Err(_) => match without_suffix(&absolute) {
            Some((shorter, suffix)) => (shorter, suffix),
            None => (absolute, Suffix::default()),
        },
    };
    let found = paths::look(WHAT, &absolute)?;
    if found.is_dir() {
        return Ok((RootSource::Directory(absolute), suffix));
    }
    Ok((image::source(absolute, &found, host)?, suffix))
}

fn without_suffix(path: &Path) -> Option<(PathBuf, Suffix)> {
    let bytes = path.as_os_str().as_bytes();
    let colon = bytes.iter().rposition(|&byte| byte == b':')?;
    let mut suffix = Suffix::default();
    for word in bytes[colon + 1..].split(|&byte| byte == b',') {
        match word {
            b"O" => suffix.overlay = true,
            b"idmap" => suffix.idmap = true,
            _ => return None,
        }
    }
    Some((PathBuf::from(OsStr::from_bytes(&bytes[..colon])), suffix))
}

/// The host's root is all there is: there is no place for what is kept.
fn check_throwaway(args: &RootArgs) -> Result<(), Error> {
    if args.overlay_lower.is_empty() && !matches!(args.overlay, Some(Some(_))) {
        return Ok(());
    }
    let option = if args.overlay_lower.is_empty() { "--overlay=DIR" } else { "--overlay-lower" };
    Err(Error::new(format!("{option} needs --rootfs"))
        .because(
            "the host's root is many file systems, each with a layer of its own, and a directory \
             for changes would be part of what is changed",
        )
        .try_this("--overlay, which throws every change away, or --rootfs DIR"))
}

fn overlay(
    args: &RootArgs,
    source: &RootSource,
    suffix: Suffix,
    namespaces: &Namespaces,
) -> Result<Option<Overlay>, Error> {
    if args.overlay.is_none() && args.overlay_lower.is_empty() && !suffix.overlay {
        return Ok(None);
    }
    let option = if args.overlay.is_some() { "--overlay" } else { "--overlay-lower" };
    match source {
        RootSource::Host => return Ok(None),
        RootSource::Empty => {
            return Err(Error::new(format!("--rootfs none and {option} contradict each other"))
                .because("there is nothing that a layer could be over, and it vanishes anyway")
                .try_this(format!("leave {option} out, or --rootfs DIR")));
        }
        RootSource::Directory(path) => mounts::check_lower(path, namespaces)?,
        RootSource::Image { .. } => {}
    }
    let lower = mounts::lower(&args.overlay_lower, namespaces)?;
    let upper = match &args.overlay {
        Some(Some(directory)) => {
            let first = match source {
                RootSource::Directory(path) => Some(path.clone()),
                _ => None,
            };
            let all: Vec<PathBuf> = first.into_iter().chain(lower.iter().cloned()).collect();
            let changes = Changes::parse(directory).map_err(|why| {
                Error::new(format!("cannot read --overlay={}: {why}", paths::shown(directory)))
                    .try_this("--overlay=DIR, or --overlay=upperdir=DIR,workdir=DIR")
            })?;
            Upper::Kept(changes.resolve(&all)?)
        }
        None if args.read_only && !suffix.overlay => Upper::None,
        Some(None) | None => Upper::Discarded,
    };
    Ok(Some(Overlay { lower, upper }))
}

/// Only there root is the machine's. PROC_USER_INIT_INO, include/linux/proc_ns.h
fn is_first_user_namespace() -> bool {
    std::fs::read_link("/proc/self/ns/user")
        .is_ok_and(|link| link == Path::new("user:[4026531837]"))
}

#[cfg(test)]
mod tests {
    use nsshim::spec::Kept;

    use super::*;

    fn told(result: Result<impl std::fmt::Debug, Error>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn a_directory_is_a_root_and_may_have_podmans_suffix() {
        let host = Host::probe();
        let suffix = |text: &str| {
            let (found, suffix) = source(Path::new(text), &host).unwrap();
            assert_eq!(found, RootSource::Directory("/usr".into()));
            (suffix.overlay, suffix.idmap)
        };
        assert_eq!(suffix("/usr"), (false, false));
        assert_eq!(suffix("/usr:O"), (true, false));
        assert_eq!(suffix("/usr:idmap,O"), (true, true));
        for wrong in ["/usr:x", "/usr:", "/usr:O,", "/usr:idmap=uids=0", "/usr:o"] {
            assert!(told(source(Path::new(wrong), &host)).contains("there is no /usr:"), "{wrong}");
        }
        assert!(told(source(Path::new(""), &host)).contains("empty path"));
        assert!(told(source(Path::new("/dev/null"), &host)).contains("neither"));
    }

    #[test]
    fn a_layer_needs_something_to_be_over() {
        let args = |overlay: Option<Option<&str>>, lower: &[&str], read_only| RootArgs {
            overlay: overlay.map(|directory| directory.map(PathBuf::from)),
            overlay_lower: lower.iter().map(PathBuf::from).collect(),
            read_only,
            ..RootArgs::default()
        };
        let layers = |args: &RootArgs, source: &RootSource| {
            overlay(args, source, Suffix::default(), &Namespaces::default())
        };
        let discard = args(Some(None), &[], false);
        assert!(check_throwaway(&discard).is_ok());
        let kept = check_throwaway(&args(Some(Some("/usr")), &[], false));
        assert!(told(kept).contains("--overlay=DIR needs --rootfs"));
        let lower = check_throwaway(&args(None, &["/usr"], false));
        assert!(told(lower).contains("--overlay-lower needs --rootfs"));
        assert!(told(layers(&discard, &RootSource::Empty)).contains("--rootfs none and --overlay"));
        let directory = RootSource::Directory("/usr/bin".into());
        let upper = |args: &RootArgs| layers(args, &directory).unwrap().map(|found| found.upper);
        assert_eq!(upper(&args(None, &[], true)), None);
        assert_eq!(upper(&discard), Some(Upper::Discarded));
        assert_eq!(upper(&args(None, &["/usr/lib"], false)), Some(Upper::Discarded));
        assert_eq!(upper(&args(None, &["/usr/lib"], true)), Some(Upper::None));
        assert_eq!(upper(&args(Some(None), &["/usr/lib"], true)), Some(Upper::Discarded));
        let kept = args(Some(Some("/usr/lib")), &[], false);
        assert_eq!(upper(&kept), Some(Upper::Kept(Kept::in_directory("/usr/lib".into()))));
        assert!(told(layers(&args(Some(Some("/usr")), &[], false), &directory)).contains("inside"));
        assert!(
            told(layers(&args(None, &["/etc/passwd"], false), &directory))
                .contains("not a directory")
        );
    }
}
