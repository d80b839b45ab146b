//! What is placed in the root: each option read by a pure function of its own, then
//! looked for on this machine. The order is that of the command line.

mod attributes;
mod fields;
mod host;
mod inline;
mod kernel;
mod locked;
mod made;
mod mount_option;
mod overlay;
mod stdin;
mod target;
#[cfg(test)]
mod tests;
mod tmpfs;
mod volume;
mod words;

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nsshim::Host;
use nsshim::spec::{Attributes, IdMaps, Mount, Namespaces, Placed};

use self::inline::Content;
use self::mount_option::{Below, MountOption};
use super::paths;
use crate::args::{PlacedBy, Placement};
use crate::error::Error;

pub use host::check_idmap;
pub use overlay::{Changes, check_lower, lower};
#[cfg(test)]
use tests::samples;

/// No device works in what is shown of the host, and no set-user-ID program in a file of text.
pub const TEXT_FILE: Attributes = Attributes {
    set: libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOSUID,
    clear: 0,
    recursive: false,
};

/// Where the mounts are made.
pub struct Around<'a> {
    pub namespaces: &'a Namespaces,
    pub maps: Option<&'a IdMaps>,
    pub host: &'a Host,
}

/// Resolves everything that is placed.
pub fn resolve(placed: &[Placement], around: &Around<'_>) -> Result<Vec<Mount>, Error> {
    let of_stdin = |placement: &&Placement| {
        placement.option == PlacedBy::File && placement.text.as_bytes().ends_with(b"=-")
    };
    if placed.iter().filter(of_stdin).count() > 1 {
        return Err(Error::new("two files cannot both have the content of standard input")
            .try_this("one --file DST=-"));
    }
    placed.iter().map(|placement| mount(placement, around)).collect()
}

fn mount(placement: &Placement, around: &Around<'_>) -> Result<Mount, Error> {
    let wrong = |why: String| misread(placement, &why);
    let text = placement.text.as_bytes();
    match placement.option {
        PlacedBy::Volume => host::bind(volume::parse(text).map_err(wrong)?, Below::Same, around),
        PlacedBy::Mount => match mount_option::parse(text).map_err(wrong)? {
            MountOption::Bind(volume, below) => host::bind(volume, below, around),
            MountOption::Tmpfs(target, options) => made::in_memory(target, &options, around),
            MountOption::Overlay(target, layers) => {
                let attributes = layers.flags.clone().attributes(&["nodev"], false);
                let overlay = layers.resolve(around)?;
                Ok(Mount { target, what: Placed::Overlay { overlay, attributes } })
            }
            MountOption::Kernel(target, kind, options) => {
                made::of_kernel(target, kind, &options, around)
            }
        },
        PlacedBy::Tmpfs => {
            let (target, options) = tmpfs::parse(text).map_err(wrong)?;
            made::in_memory(target, &options, around)
        }
        PlacedBy::Device => {
            let (source, target) = volume::parse_device(text).map_err(wrong)?;
            host::device(&source, target, around)
        }
        PlacedBy::File => {
            let (target, content) = inline::file(text).map_err(wrong)?;
            let content = match content {
                Content::Given(content) => content,
                Content::Stdin => stdin::standard_input(&target)?,
            };
            let what =
                Placed::File { content, mode: 0o644, optional: false, attributes: TEXT_FILE };
            Ok(Mount { target, what })
        }
        PlacedBy::Symlink => {
            let (target, to) = inline::symlink(text).map_err(wrong)?;
            Ok(Mount { target, what: Placed::Symlink(to) })
        }
    }
}

fn misread(placement: &Placement, why: &str) -> Error {
    let text = placement.text.as_os_str();
    // A file's content is nothing for a message.
    let end = match placement.option {
        PlacedBy::File => text.as_bytes().iter().position(|&byte| byte == b'='),
        _ => None,
    };
    let shown = &text.as_bytes()[..end.unwrap_or(text.len())];
    let shown = paths::shown(Path::new(std::ffi::OsStr::from_bytes(shown)));
    Error::new(format!("cannot read {} {shown}: {why}", placement.option.name()))
        .try_this(placement.option.usage())
}
