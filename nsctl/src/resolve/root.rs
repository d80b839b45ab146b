//! `--rootfs`, `--overlay`, `--read-only`: what the workload sees as `/`.

mod image;

use std::path::{Path, PathBuf};

use nsshim::Host;
use nsshim::spec::{
    Choice, IdMaps, Kind, Namespaces, Overlay, Propagation, Root, RootSource, Upper,
};

use super::{mounts, paths};
use crate::args::{Dns, RootArgs, RunArgs};
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
    let source = match &args.root.rootfs {
        None => RootSource::Host,
        Some(word) if word == "none" => RootSource::Empty,
        Some(path) => source(Path::new(path), host)?,
    };
    let overlay = overlay(&args.root, &source)?;
    // The host's own stays as it is: its /dev is replaced anyway.
    let devices = args.rights.privileged || source == RootSource::Host;
    let read_only = args.root.read_only;
    Ok(Some(Root { source, overlay, read_only, devices, idmap: false }))
}

/// Refuses a root without ids to make it with.
pub fn check_maps(
    args: &RunArgs,
    namespaces: &Namespaces,
    maps: Option<&IdMaps>,
) -> Result<(), Error> {
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
    let server = args.dns.iter().any(|dns| *dns != Dns::None);
    let options = [
        ("--rootfs", args.rootfs.is_some()),
        ("--overlay", args.overlay.is_some()),
        ("--overlay-lower", !args.overlay_lower.is_empty()),
        ("--read-only", args.read_only),
        ("--dns", server),
    ];
    let named = options.into_iter().find(|(_, given)| *given).map(|(name, _)| name.to_string());
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

fn source(path: &Path, host: &Host) -> Result<RootSource, Error> {
    const WHAT: &str = "the root file system";
    let absolute = paths::absolute(WHAT, path)?;
    if let Err(error) = std::fs::metadata(&absolute) {
        podmans_suffix(path)?;
        return Err(paths::explain(WHAT, &absolute, &error));
    }
    let found = paths::look(WHAT, &absolute)?;
    if found.is_dir() {
        return Ok(RootSource::Directory(absolute));
    }
    image::source(absolute, &found, host)
}

/// podman's `DIR:O` and `DIR:idmap`, unless that is a name.
fn podmans_suffix(path: &Path) -> Result<(), Error> {
    let text = path.to_string_lossy();
    let Some((directory, suffix)) = text.rsplit_once(':') else { return Ok(()) };
    let refused = Error::new(format!("cannot read --rootfs {}", paths::shown(path)));
    match suffix.split('=').next() {
        Some("O") => Err(refused
            .because("a layer for changes is an option of its own here")
            .try_this(format!("--rootfs {} --overlay", paths::quoted(Path::new(directory))))),
        Some("idmap") => Err(refused
            .because("shifted ids are not built yet")
            .try_this(format!("--rootfs {}", paths::quoted(Path::new(directory))))),
        _ => Ok(()),
    }
}

fn overlay(args: &RootArgs, source: &RootSource) -> Result<Option<Overlay>, Error> {
    if args.overlay.is_none() && args.overlay_lower.is_empty() {
        return Ok(None);
    }
    let option = if args.overlay.is_some() { "--overlay" } else { "--overlay-lower" };
    match source {
        RootSource::Host => {
            return Err(Error::new(format!("{option} needs --rootfs"))
                .because("the host's root is many file systems, and a layer is over one directory")
                .try_this("--rootfs DIR, or --tmpfs DST or -v SRC:DST:O for single directories"));
        }
        RootSource::Empty => {
            return Err(Error::new(format!("--rootfs none and {option} contradict each other"))
                .because("there is nothing that a layer could be over, and it vanishes anyway")
                .try_this(format!("leave {option} out, or --rootfs DIR")));
        }
        RootSource::Directory(_) | RootSource::Image { .. } => {}
    }
    let lower = mounts::lower(&args.overlay_lower)?;
    let upper = match &args.overlay {
        Some(Some(directory)) => {
            let first = match source {
                RootSource::Directory(path) => Some(path.clone()),
                _ => None,
            };
            let all: Vec<PathBuf> = first.into_iter().chain(lower.iter().cloned()).collect();
            Upper::Kept(mounts::kept(directory, &all)?)
        }
        None if args.read_only => Upper::None,
        Some(None) | None => Upper::Discarded,
    };
    Ok(Some(Overlay { lower, upper }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(result: Result<impl std::fmt::Debug, Error>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn a_directory_is_a_root_and_a_suffix_is_not() {
        let host = Host::probe();
        assert_eq!(source(Path::new("/usr"), &host), Ok(RootSource::Directory("/usr".into())));
        let text = told(source(Path::new("/usr:O"), &host));
        assert!(text.contains("--rootfs /usr --overlay"), "{text}");
        assert!(told(source(Path::new("/usr:idmap=uids=0"), &host)).contains("not built yet"));
        assert!(told(source(Path::new("/usr:x"), &host)).contains("there is no /usr:x"));
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
        let discard = args(Some(None), &[], false);
        assert!(told(overlay(&discard, &RootSource::Host)).contains("needs --rootfs"));
        assert!(
            told(overlay(&discard, &RootSource::Empty)).contains("--rootfs none and --overlay")
        );
        let directory = RootSource::Directory("/usr/bin".into());
        let upper = |args: &RootArgs| overlay(args, &directory).unwrap().map(|found| found.upper);
        assert_eq!(upper(&args(None, &[], true)), None);
        assert_eq!(upper(&discard), Some(Upper::Discarded));
        assert_eq!(upper(&args(None, &["/usr/lib"], false)), Some(Upper::Discarded));
        assert_eq!(upper(&args(None, &["/usr/lib"], true)), Some(Upper::None));
        assert_eq!(upper(&args(Some(None), &["/usr/lib"], true)), Some(Upper::Discarded));
        let kept = args(Some(Some("/usr/lib")), &[], false);
        assert_eq!(upper(&kept), Some(Upper::Kept("/usr/lib".into())));
        assert!(
            told(overlay(&args(Some(Some("/usr")), &[], false), &directory)).contains("inside")
        );
        assert!(
            told(overlay(&args(None, &["/etc/passwd"], false), &directory))
                .contains("not a directory")
        );
    }
}
