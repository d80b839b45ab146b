//! Directories shown as one: checked before the kernel would say only EINVAL or ELOOP.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nsshim::spec::{Kind, Namespaces, Overlay, Upper};

use super::super::paths;
use super::attributes::Flags;
use super::{Around, locked};
use crate::error::Error;

/// The layers as typed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Layers {
    /// Topmost first; relative to the current directory.
    pub lower: Vec<PathBuf>,
    /// Where changes are kept.
    pub upper: Option<PathBuf>,
    /// The mount's flags.
    pub flags: Flags,
}

impl Layers {
    /// The layers as they are on this machine.
    pub fn resolve(&self, around: &Around<'_>) -> Result<Overlay, Error> {
        let lower = lower(&self.lower, around.namespaces)?;
        let upper = match &self.upper {
            Some(path) => Upper::Kept(kept(path, &lower)?),
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
pub fn kept(path: &Path, lower: &[PathBuf]) -> Result<PathBuf, Error> {
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
            Layers { lower, upper: None, flags }.resolve(&around).unwrap().upper
        };
        assert_eq!(upper(&[]), Upper::Discarded);
        assert_eq!(upper(&["ro"]), Upper::None);
        std::fs::remove_dir_all(&base).unwrap();
    }
}
