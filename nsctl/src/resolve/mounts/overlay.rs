//! Directories shown as one: checked before the kernel would say only EINVAL or ELOOP.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nsshim::spec::{Kept, Kind, Namespaces, Overlay, Upper};

use super::super::paths;
use super::attributes::Flags;
use super::{Around, fields, locked};
use crate::error::Error;

/// The layers as typed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Layers {
    /// Topmost first; relative to the current directory.
    pub lower: Vec<PathBuf>,
    /// Where changes are kept.
    pub changes: Option<Changes>,
    /// The mount's flags.
    pub flags: Flags,
}

/// Where changes are kept, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// In `upper` and `work` of this directory.
    In(PathBuf),
    /// In two directories, as mount(8) has them.
    Separate {
        /// What is changed.
        upper: PathBuf,
        /// What the kernel needs for changing it.
        work: PathBuf,
    },
}

impl Changes {
    /// Both or none of them.
    ///
    /// # Errors
    /// The one that is missing.
    pub fn separate(upper: Option<PathBuf>, work: Option<PathBuf>) -> Result<Option<Self>, String> {
        const WHY: &str = "the kernel needs both, on one file system";
        match (upper, work) {
            (None, None) => Ok(None),
            (Some(upper), Some(work)) => Ok(Some(Changes::Separate { upper, work })),
            (Some(_), None) => Err(format!("upperdir= without workdir=: {WHY}")),
            (None, Some(_)) => Err(format!("workdir= without upperdir=: {WHY}")),
        }
    }

    /// Reads the value of `--overlay`: a directory, or `upperdir=DIR,workdir=DIR`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &Path) -> Result<Self, String> {
        let bytes = text.as_os_str().as_bytes();
        if !bytes.starts_with(b"upperdir=") && !bytes.starts_with(b"workdir=") {
            return Ok(Changes::In(text.into()));
        }
        let (mut upper, mut work) = (None, None);
        for field in fields::commas(bytes)? {
            let path = |at: usize| PathBuf::from(OsStr::from_bytes(&field[at..]));
            let said = match () {
                () if field.starts_with(b"upperdir=") => upper.replace(path(9)),
                () if field.starts_with(b"workdir=") => work.replace(path(8)),
                () => return Err("it is a directory, or upperdir=DIR,workdir=DIR".into()),
            };
            if said.is_some() {
                return Err("one of upperdir= and workdir= is said twice".into());
            }
        }
        Ok(Changes::separate(upper, work)?.unwrap_or(Changes::In(text.into())))
    }

    /// The directories as they are on this machine; neither may be part of what is changed.
    pub fn resolve(&self, lower: &[PathBuf]) -> Result<Kept, Error> {
        match self {
            Changes::In(path) => Ok(Kept::in_directory(kept(path, lower)?)),
            Changes::Separate { upper, work } => separate(upper, work, lower),
        }
    }
}

fn separate(upper: &Path, work: &Path, lower: &[PathBuf]) -> Result<Kept, Error> {
    let real = |path: &Path| -> Result<PathBuf, Error> {
        let path = kept(path, lower)?;
        // A link on the way could be changed meanwhile, and none is followed then.
        Ok(std::fs::canonicalize(&path).unwrap_or(path))
    };
    let (upper, work) = (real(upper)?, real(work)?);
    let refused = |why: &str| {
        Error::new(format!(
            "cannot keep changes in {} and work on them in {}",
            paths::shown(&upper),
            paths::shown(&work)
        ))
        .because(why)
        .try_this("two directories beside each other, or upper=DIR, which makes both in DIR")
    };
    if upper.starts_with(&work) || work.starts_with(&upper) {
        return Err(refused("one is inside the other"));
    }
    if mount_of(&upper) != mount_of(&work) {
        return Err(refused(
            "they are on two mounts, and the kernel moves files from one to the other",
        ));
    }
    let both = upper.components().zip(work.components());
    let base: PathBuf = both.take_while(|(one, other)| one == other).map(|(one, _)| one).collect();
    let below = |path: &Path| path.strip_prefix(&base).unwrap_or(path).to_path_buf();
    Ok(Kept { upper: below(&upper), work: below(&work), base })
}

fn mount_of(path: &Path) -> Option<u64> {
    let file = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).ok()?;
    nsshim::sys::mount_id(file.as_fd()).ok()
}

impl Layers {
    /// The layers as they are on this machine.
    pub fn resolve(&self, around: &Around<'_>) -> Result<Overlay, Error> {
        let lower = lower(&self.lower, around.namespaces)?;
        let upper = match &self.changes {
            Some(changes) => Upper::Kept(changes.resolve(&lower)?),
            None if self.flags.has("ro") && lower.len() > 1 => Upper::None,
            None => Upper::Discarded,
        };
        Ok(Overlay { lower, upper })
    }
}

/// Lower directories: each must be there, and what an overlay does not show must not be
/// hidden by that.
pub fn lower(paths: &[PathBuf], namespaces: &Namespaces) -> Result<Vec<PathBuf>, Error> {
    // OVL_MAX_STACK, fs/overlayfs/params.h
    if paths.len() > 500 {
        return Err(Error::new(format!("{} lower directories are too many", paths.len()))
            .because("overlayfs takes at most 500")
            .try_this("fewer, or a merged copy"));
    }
    paths
        .iter()
        .map(|path| {
            let path = paths::absolute("a lower directory", path)?;
            paths::look_directory("the lower directory", &path)?;
            check_lower(&path, namespaces)?;
            Ok(path)
        })
        .collect()
}

/// An overlay shows nothing of what is mounted in its layers.
pub fn check_lower(path: &Path, namespaces: &Namespaces) -> Result<(), Error> {
    match namespaces.is_host(Kind::User) {
        true => Ok(()),
        false => locked::check_below(path),
    }
}

/// The directory that keeps changes: it must be there, and not be part of what is changed.
fn kept(path: &Path, lower: &[PathBuf]) -> Result<PathBuf, Error> {
    const WHAT: &str = "the directory for changes";
    let path = paths::absolute(WHAT, path)?;
    let found = paths::look_directory(WHAT, &path)?;
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let own = real(&path);
    for layer in lower {
        let other = real(layer);
        // The kernel refuses layers within each other on one file system: ELOOP.
        let same = std::fs::metadata(layer).is_ok_and(|layer| layer.dev() == found.dev());
        if same && (own.starts_with(&other) || other.starts_with(&own)) {
            return Err(Error::new(format!(
                "cannot keep changes to {} in {}",
                paths::shown(layer),
                paths::shown(&path)
            ))
            .because("one is inside the other, so the changes would be part of what is changed")
            .try_this("a directory elsewhere"));
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_not_kept_in_what_is_changed() {
        let base = std::env::temp_dir().join(format!("nsctl-layers-{}", std::process::id()));
        let (one, two) = (base.join("one"), base.join("two"));
        std::fs::create_dir_all(&one).unwrap();
        std::fs::create_dir_all(&two).unwrap();
        let told = |upper: &Path, lower: &Path| {
            kept(upper, &[lower.to_path_buf()]).map_err(|error| error.to_string())
        };
        assert_eq!(told(&one, &two), Ok(one.clone()));
        for (upper, lower) in [(&one, &base), (&base, &one), (&one, &one)] {
            assert!(told(upper, lower).unwrap_err().contains("inside the other"));
        }
        assert!(told(&one.join("x"), &two).unwrap_err().contains("mkdir -p"));
        let host = nsshim::Host::probe();
        let namespaces = Namespaces::default();
        let around = Around { namespaces: &namespaces, maps: None, host: &host };
        let upper = |words: &[&str]| {
            let mut flags = Flags::default();
            words.iter().for_each(|word| assert!(flags.take(word).unwrap()));
            let lower = vec![one.clone(), two.clone()];
            Layers { lower, changes: None, flags }.resolve(&around).unwrap().upper
        };
        assert_eq!(upper(&[]), Upper::Discarded);
        assert_eq!(upper(&["ro"]), Upper::None);
        std::fs::remove_dir_all(&base).unwrap();
    }
}
