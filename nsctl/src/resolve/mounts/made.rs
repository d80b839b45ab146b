//! What is made for the container: file systems in memory and of the kernel.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use nsshim::spec::{Attributes, ContainerId, IdKind, Mount, Placed};

use super::super::paths;
use super::{Around, kernel, tmpfs};
use crate::error::Error;

pub(super) fn in_memory(
    target: PathBuf,
    options: &tmpfs::Tmpfs,
    around: &Around<'_>,
) -> Result<Mount, Error> {
    let owner = options.uid.map(|uid| (IdKind::User, ContainerId(uid)));
    let group = options.gid.map(|gid| (IdKind::Group, ContainerId(gid)));
    for (kind, id) in owner.into_iter().chain(group) {
        require_mapped(&target, around, kind, id)?;
    }
    new(target, "tmpfs", options.options(), options.attributes())
}

pub(super) fn of_kernel(
    target: PathBuf,
    kind: kernel::KernelType,
    options: &kernel::Options,
    around: &Around<'_>,
) -> Result<Mount, Error> {
    if let Some(foreign) = kind.foreign(around.namespaces) {
        return Err(Error::new(format!(
            "cannot mount {} on {}",
            kind.name(),
            paths::shown(&target)
        ))
        .because(format!(
            "it shows the {foreign} namespace, which is not the container's own, and only its \
                 owner may mount it"
        ))
        .named("mount-of-another-namespace")
        .try_this(format!("leave the sharing of {} out, or -v", foreign.file())));
    }
    for &(id_kind, id) in options.ids() {
        require_mapped(&target, around, id_kind, id)?;
    }
    let text = options.options(kind, around.maps, around.host);
    new(target, kind.fstype(), text, options.attributes(kind))
}

fn new(
    target: PathBuf,
    fstype: &str,
    options: Vec<String>,
    attributes: Attributes,
) -> Result<Mount, Error> {
    // Words of our own and numbers: none holds a zero byte.
    let c_string = |text: String| CString::new(text).map_err(|error| Error::new(error.to_string()));
    let options = options.into_iter().map(c_string).collect::<Result<_, _>>()?;
    let what = Placed::New { fstype: c_string(fstype.into())?, options, attributes };
    Ok(Mount { target, what })
}

/// The kernel says only EINVAL.
fn require_mapped(
    target: &Path,
    around: &Around<'_>,
    kind: IdKind,
    id: ContainerId,
) -> Result<(), Error> {
    if around.maps.is_none_or(|maps| maps.maps(kind, id)) {
        return Ok(());
    }
    Err(Error::new(format!(
        "cannot give {} to {} {}: it is not mapped",
        paths::shown(target),
        kind.id(),
        id.0
    ))
    .try_this("--map-auto (needs ranges in /etc/subuid and /etc/subgid), or an id that is mapped"))
}
