//! What a user namespace may not do with the host's mounts: see behind those below, and
//! change flags that were given to them. mount_namespaces(7). The kernel would say EINVAL
//! and EPERM.

use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, statvfs};
use nsshim::spec::Attributes;

use super::super::paths;
use crate::error::Error;
use crate::mountinfo;

/// Flags that stay as they are, and the words for and against them.
const KEPT: [(u64, FsFlags, &str, &str); 3] = [
    (libc::MOUNT_ATTR_NOSUID, FsFlags::ST_NOSUID, "suid", "nosuid"),
    (libc::MOUNT_ATTR_NODEV, FsFlags::ST_NODEV, "dev", "nodev"),
    (libc::MOUNT_ATTR_NOEXEC, FsFlags::ST_NOEXEC, "exec", "noexec"),
];

/// Refuses to show a directory without the mounts in it.
pub fn check_below(source: &Path) -> Result<(), Error> {
    let below = mounts_below(source);
    let Some(first) = below.first() else { return Ok(()) };
    Err(Error::new(format!("cannot take {} without what is mounted in it", paths::shown(source)))
        .because(format!(
            "{} {}, and in a user namespace the kernel lets nobody see what a mount covers",
            list(&below),
            if below.len() == 1 { "is a mount" } else { "are mounts" }
        ))
        .try_this(format!(
            "a directory without mounts, or sudo nsctl …, or first: sudo umount {}",
            paths::quoted(first)
        )))
}

/// Refuses flags that the kernel keeps.
pub fn check_flags(source: &Path, attributes: &Attributes) -> Result<(), Error> {
    let below = if attributes.recursive { mounts_below(source) } else { Vec::new() };
    for path in [source.to_path_buf()].iter().chain(&below) {
        let Ok(found) = statvfs(path) else { continue };
        let flags = found.flags();
        let kept = KEPT
            .into_iter()
            .find(|(bit, kept, _, _)| attributes.clear & bit != 0 && flags.contains(*kept));
        if let Some((_, _, word, kept)) = kept {
            return Err(refused(source, word).because(format!(
                "{} is mounted {kept}, and in a user namespace that stays",
                paths::shown(path)
            )));
        }
        if let Some(word) = other_times(attributes, flags) {
            return Err(refused(source, word).because(
                "when access times are written is the host's choice, which stays in a user \
                 namespace",
            ));
        }
    }
    Ok(())
}

fn refused(source: &Path, word: &str) -> Error {
    Error::new(format!("cannot mount {} with {word}", paths::shown(source)))
        .try_this(format!("leave {word} out, or sudo nsctl …"))
}

/// A word for access times that differs from what the mount has.
fn other_times(attributes: &Attributes, flags: FsFlags) -> Option<&'static str> {
    if attributes.clear & libc::MOUNT_ATTR__ATIME != 0 {
        let (wanted, word) = match attributes.set & libc::MOUNT_ATTR__ATIME {
            libc::MOUNT_ATTR_NOATIME => (FsFlags::ST_NOATIME, "noatime"),
            libc::MOUNT_ATTR_STRICTATIME => (FsFlags::empty(), "strictatime"),
            _ => (FsFlags::ST_RELATIME, "relatime"),
        };
        if flags & (FsFlags::ST_NOATIME | FsFlags::ST_RELATIME) != wanted {
            return Some(word);
        }
    }
    let has = flags.contains(FsFlags::ST_NODIRATIME);
    match libc::MOUNT_ATTR_NODIRATIME {
        bit if attributes.set & bit != 0 && !has => Some("nodiratime"),
        bit if attributes.clear & bit != 0 && has => Some("diratime"),
        _ => None,
    }
}

fn list(paths: &[PathBuf]) -> String {
    const MOST: usize = 6;
    let shown: Vec<String> = paths.iter().take(MOST).map(|path| paths::shown(path)).collect();
    let more = match paths.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    shown.join(", ") + &more
}

/// Where something is mounted in a directory, itself not counted.
fn mounts_below(path: &Path) -> Vec<PathBuf> {
    let Ok(real) = std::fs::canonicalize(path) else { return Vec::new() };
    let mut below: Vec<PathBuf> = mountinfo::here()
        .into_iter()
        .map(|mount| mount.target)
        .filter(|point| point.starts_with(&real) && *point != real)
        .collect();
    below.sort();
    below.dedup();
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_mounts_is_taken_whole() {
        let told = check_below(Path::new("/")).unwrap_err().to_string();
        assert!(told.contains("/proc") && told.contains("are mounts"), "{told}");
        assert!(check_below(Path::new("/proc/self/fdinfo")).is_ok());
    }

    #[test]
    fn flags_of_the_host_stay() {
        let told = |set: u64, clear: u64| {
            let attributes = Attributes { set, clear, recursive: false };
            check_flags(Path::new("/proc/self"), &attributes).map_err(|error| error.to_string())
        };
        assert_eq!(told(libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_RDONLY, 0), Ok(()));
        let has = statvfs("/proc/self").unwrap().flags();
        if has.contains(FsFlags::ST_NOEXEC) {
            assert!(told(0, libc::MOUNT_ATTR_NOEXEC).unwrap_err().contains("with exec"));
        }
        if !has.contains(FsFlags::ST_NOATIME) {
            let noatime = told(libc::MOUNT_ATTR_NOATIME, libc::MOUNT_ATTR__ATIME);
            assert!(noatime.unwrap_err().contains("with noatime"));
            assert!(told(libc::MOUNT_ATTR_NODIRATIME, 0).unwrap_err().contains("nodiratime"));
            assert_eq!(told(0, libc::MOUNT_ATTR_NODIRATIME), Ok(()));
        }
        if has.contains(FsFlags::ST_RELATIME) {
            assert_eq!(told(0, libc::MOUNT_ATTR__ATIME), Ok(()));
        }
    }
}
