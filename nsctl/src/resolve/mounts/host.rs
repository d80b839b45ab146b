//! What is shown of the host: volumes and devices.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nsshim::spec::{Attributes, Bind, Kind, Mount, Overlay, Placed, Upper};

use super::super::paths;
use super::mount_option::Below;
use super::overlay::{self, Changes};
use super::volume::Volume;
use super::{Around, locked};
use crate::error::Error;

pub(super) fn bind(volume: Volume, below: Below, around: &Around<'_>) -> Result<Mount, Error> {
    const WHAT: &str = "the source";
    let Volume { source, target, words } = volume;
    let source = paths::absolute(WHAT, &source)?;
    if words.overlay {
        let lower = overlay::lower(&[source], around.namespaces)?;
        let attributes = words.flags.attributes(&["nodev"], false);
        let wrong = |why| {
            Error::new(format!("cannot read the options of {}: {why}", paths::shown(&target)))
        };
        let upper = match Changes::separate(words.upper, words.work).map_err(wrong)? {
            Some(changes) => Upper::Kept(changes.resolve(&lower)?),
            None => Upper::Discarded,
        };
        let overlay = Overlay { lower, upper };
        return Ok(Mount { target, what: Placed::Overlay { overlay, attributes } });
    }
    let found = paths::look(WHAT, &source)?;
    let node = found.file_type().is_char_device() || found.file_type().is_block_device();
    let harmless = found.file_type().is_char_device() && is_harmless(found.rdev());
    if node && !harmless && !words.flags.has("dev") {
        return Err(Error::new(format!("cannot mount {} as a volume", paths::shown(&source)))
            .because("it is a device, and devices do not work in volumes")
            .try_this(format!(
                "--device {}:{}, or the option dev",
                paths::quoted(&source),
                paths::quoted(&target)
            )));
    }
    let recursive = words.recursive();
    let (propagation, words_idmap) = (words.propagation(), words.idmap);
    // There is no device filter yet; /dev/null and its like are what every container has.
    let defaults: &[&str] = if harmless { &[] } else { &["nodev"] };
    let attributes =
        words.flags.attributes(defaults, recursive && below == Below::Same && found.is_dir());
    if !around.namespaces.is_host(Kind::User) {
        if !recursive {
            locked::check_below(&source)?;
        }
        locked::check_flags(&source, &attributes)?;
    }
    if words_idmap {
        check_idmap(&format!("the volume {}", paths::shown(&source)), around)?;
    }
    let idmap = words_idmap;
    let bind = Bind { source, recursive, attributes, propagation, idmap };
    Ok(Mount { target, what: Placed::Bind(bind) })
}

/// Refuses ids as they are stored where there is nothing to tell them apart from the host's,
/// or no right to.
pub fn check_idmap(what: &str, around: &Around<'_>) -> Result<(), Error> {
    let refused = || Error::new(format!("cannot take {what} with idmap"));
    if around.namespaces.is_host(Kind::User) {
        return Err(refused()
            .because("in the host's user namespace ids are what they are")
            .try_this("leave idmap out, or --userns new with --map-users and --map-groups"));
    }
    if !around.host.is_privileged() {
        return Err(refused()
            .because("the kernel lets only root on the host say whose files they are")
            .try_this("leave idmap out, or sudo nsctl …"));
    }
    Ok(())
}

/// null zero full random urandom and tty, which a container's /dev has anyway.
/// Documentation/admin-guide/devices.txt
fn is_harmless(device: u64) -> bool {
    let (major, minor) = (libc::major(device), libc::minor(device));
    matches!((major, minor), (1, 3 | 5 | 7 | 8 | 9) | (5, 0))
}

pub(super) fn device(source: &Path, target: PathBuf, around: &Around<'_>) -> Result<Mount, Error> {
    const WHAT: &str = "the device";
    let source = paths::absolute(WHAT, source)?;
    let found = paths::look(WHAT, &source)?;
    let kind = found.file_type();
    if !(kind.is_char_device() || kind.is_block_device() || kind.is_dir()) {
        return Err(Error::new(format!("{} is no device", paths::shown(&source)))
            .try_this(format!("-v {}:{}", paths::quoted(&source), paths::quoted(&target))));
    }
    let attributes = Attributes {
        set: libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC,
        clear: libc::MOUNT_ATTR_NODEV,
        recursive: false,
    };
    if !around.namespaces.is_host(Kind::User) {
        locked::check_flags(&source, &attributes)?;
        locked::check_below(&source)?;
    }
    let propagation = nsshim::spec::Propagation::Private;
    let bind = Bind { source, recursive: false, attributes, propagation, idmap: false };
    Ok(Mount { target, what: Placed::Bind(bind) })
}
