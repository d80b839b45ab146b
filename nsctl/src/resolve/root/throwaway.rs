//! `--overlay` over the host's own root: of which parts it is put together, so that every change
//! vanishes. What no overlay can be over is read-only instead, and said.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{AccessFlags, eaccess, geteuid};
use nsshim::spec::{Part, PartKind};

use super::super::paths;
use crate::mountinfo::{self, Mount};

/// They are the container's own, whatever the root is.
const OWN: [&str; 3] = ["/proc", "/dev", "/sys"];

/// File systems that show the kernel and not files, or compare names in a way of their own, as
/// overlayfs refuses; ovl_dentry_weird(), fs/overlayfs/util.c.
const UNFIT: [&str; 29] = [
    "adfs",
    "affs",
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "exfat",
    "fusectl",
    "hfs",
    "hfsplus",
    "hugetlbfs",
    "mqueue",
    "msdos",
    "nsfs",
    "ntfs3",
    "proc",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tracefs",
    "vfat",
];

/// The host's root, taken apart.
#[derive(Debug, Default)]
pub struct Throwaway {
    /// Directories before what is in them.
    pub parts: Vec<Part>,
    /// What is read-only inside although its caller may write to it, and why.
    pub warnings: Vec<String>,
}

/// Takes the host's root apart; in a user namespace nobody may look under a mount of the host's.
/// What is mounted by the user on one of `covered` is as the user says.
pub fn resolve(in_user_namespace: bool, covered: Vec<PathBuf>) -> Throwaway {
    let host = Host { mounts: mountinfo::here(), in_user_namespace, covered };
    let mut found = Throwaway::default();
    host.take(Path::new("/"), &mut found);
    if in_user_namespace {
        callers().iter().for_each(|path| host.open_up(path, &mut found.parts));
    }
    found
}

/// Directories that the caller is likely to change something in.
fn callers() -> Vec<PathBuf> {
    let named = ["HOME", "XDG_RUNTIME_DIR", "TMPDIR"].map(std::env::var_os);
    let named = named.into_iter().flatten().map(PathBuf::from);
    let all = named.chain(std::env::current_dir()).chain(["/var/tmp".into()]);
    all.filter_map(|path| fs::canonicalize(path).ok()).collect()
}

struct Host {
    mounts: Vec<Mount>,
    in_user_namespace: bool,
    covered: Vec<PathBuf>,
}

impl Host {
    fn take(&self, path: &Path, found: &mut Throwaway) {
        if OWN.iter().any(|own| path.starts_with(own)) || self.is_covered(path) {
            return;
        }
        // What nobody here may look at is not shown.
        let Ok(file) = fs::symlink_metadata(path) else { return };
        let mut add = |what| found.parts.push(Part { path: path.into(), what });
        if file.is_symlink() {
            if let Ok(leads_to) = fs::read_link(path) {
                add(PartKind::Symlink(leads_to));
            }
            return;
        }
        let below = self.below(path);
        let mount = self.mounted_at(path);
        let unfit = mount.filter(|mount| UNFIT.contains(&mount.fstype.as_str()));
        let read_only = if !file.is_dir() {
            Some("it is a file, and a layer is over a directory".to_string())
        } else if let Some(mount) = unfit {
            Some(format!("an overlay cannot be over {}", mount.fstype))
        } else if !may(path, AccessFlags::R_OK | AccessFlags::X_OK) {
            Some("its names cannot be read".into())
        } else {
            // Else said in vain.
            mount.filter(|mount| mount.read_only && below.is_empty()).map(|_| String::new())
        };
        if let Some(why) = read_only {
            add(PartKind::ReadOnly);
            if may(path, AccessFlags::W_OK) {
                found.warnings.push(warning(path, &why));
            }
        } else if below.is_empty() || !self.in_user_namespace {
            add(PartKind::Layer);
            for point in self.topmost(&below) {
                self.take(point, found);
            }
        } else {
            add(PartKind::Directory);
            self.take_entries(path, &below, found);
        }
    }

    /// The entries of a directory that has mounts in it and must not be looked under.
    fn take_entries(&self, path: &Path, below: &BTreeSet<&Path>, found: &mut Throwaway) {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        let mut entries: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        entries.sort();
        let mut files = 0;
        for entry in entries {
            let is_file =
                fs::symlink_metadata(&entry).is_ok_and(|file| !file.is_dir() && !file.is_symlink());
            if !is_file || self.is_covered(&entry) || below.contains(entry.as_path()) {
                self.take(&entry, found);
                continue;
            }
            files += usize::from(may(&entry, AccessFlags::W_OK));
            found.parts.push(Part { path: entry, what: PartKind::ReadOnly });
        }
        if let Some(mount) = below.first().filter(|_| files > 0) {
            let (path, mount) = (paths::shown(path), paths::shown(mount));
            found.warnings.push(format!(
                "what lies right in {path} ({files} files) is read-only inside: {mount} is mounted in it, and \
                 in a user namespace no overlay can be over both"
            ));
        }
    }

    /// Gives a directory that the caller may write to a layer of its own, if the layer that it is
    /// in cannot change it: an overlay copies what leads to a change, and nothing whose owner
    /// does not exist inside.
    fn open_up(&self, path: &Path, parts: &mut Vec<Part>) {
        let mut way: Vec<&Path> = path.ancestors().collect();
        way.reverse();
        let is_layer = |part: &Part, path: &Path| part.path == path && part.what == PartKind::Layer;
        let Some(top) = way.iter().rposition(|path| parts.iter().any(|part| is_layer(part, path)))
        else {
            return;
        };
        let is_ours = |path: &Path| {
            fs::symlink_metadata(path).is_ok_and(|found| found.uid() == geteuid().as_raw())
        };
        let below = &way[top + 1..];
        let Some(first) = below.iter().position(|path| may(path, AccessFlags::W_OK)) else {
            return;
        };
        if (first > 0 || !is_ours(below[0])) && !self.is_covered(below[first]) {
            parts.push(Part { path: below[first].into(), what: PartKind::Layer });
        }
    }

    fn is_covered(&self, path: &Path) -> bool {
        self.covered.iter().any(|target| path.starts_with(target))
    }

    /// Where something is mounted in a directory, itself not counted. Some of it may be hidden
    /// by other mounts.
    fn below(&self, path: &Path) -> BTreeSet<&Path> {
        let targets = self.mounts.iter().map(|mount| mount.target.as_path());
        targets.filter(|target| target.starts_with(path) && *target != path).collect()
    }

    /// The mounts of these that can be seen and are not in another one.
    fn topmost<'a>(&self, below: &BTreeSet<&'a Path>) -> Vec<&'a Path> {
        let seen: Vec<&Path> =
            below.iter().copied().filter(|path| self.mounted_at(path).is_some()).collect();
        let is_inner =
            |path: &&Path| seen.iter().any(|other| path.starts_with(other) && *path != *other);
        seen.iter().copied().filter(|path| !is_inner(path)).collect()
    }

    /// The mount that is seen at a path, if that is a mount point.
    fn mounted_at(&self, path: &Path) -> Option<&Mount> {
        let file = open(path, OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty());
        let id = nsshim::sys::mount_id(std::os::fd::AsFd::as_fd(&file.ok()?)).ok()?;
        self.mounts.iter().find(|mount| mount.id == id && mount.target == path)
    }
}

fn may(path: &Path, access: AccessFlags) -> bool {
    eaccess(path, access).is_ok()
}

fn warning(path: &Path, why: &str) -> String {
    let word = paths::quoted(path);
    format!(
        "{} is read-only inside: {why}; -v {word}:{word} shows it as it is, and changes stay",
        paths::shown(path)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mount_is_in_a_part_and_directories_come_first() {
        for in_user_namespace in [false, true] {
            let found = resolve(in_user_namespace, Vec::new());
            assert_eq!(found.parts[0].path, Path::new("/"));
            for (at, part) in found.parts.iter().enumerate() {
                let before = &found.parts[..at];
                let parent = part.path.parent().is_none_or(|parent| {
                    before.iter().any(|other| parent.starts_with(&other.path))
                });
                assert!(parent, "{part:?}");
                assert!(!OWN.iter().any(|own| part.path.starts_with(own)), "{part:?}");
            }
            let text = fs::read("/proc/self/mountinfo").unwrap();
            for mount in mountinfo::parse(&text).filter(|mount| mount.target != Path::new("/")) {
                // In a user namespace a layer would be refused by the kernel, elsewhere it would
                // show what the mount covers.
                let holds = |part: &Part| mount.target.starts_with(&part.path);
                let nearest = found.parts.iter().rev().find(|part| holds(part)).unwrap();
                let own = OWN.iter().any(|own| mount.target.starts_with(own));
                let right = nearest.path == mount.target || nearest.what == PartKind::ReadOnly;
                assert!(own || right || !mount.target.exists(), "{mount:?}: {nearest:?}");
            }
        }
    }

    #[test]
    fn what_the_user_mounts_is_left_to_the_user() {
        for in_user_namespace in [false, true] {
            let found = resolve(in_user_namespace, vec!["/home".into(), "/var/tmp".into()]);
            let all = |path: &str| found.parts.iter().all(|part| !part.path.starts_with(path));
            assert!(all("/home") && all("/var/tmp"), "{found:?}");
        }
    }
}
