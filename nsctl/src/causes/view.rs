//! Where a path of the container's is on the host, as far as that can be known from here.

use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;
use nsshim::spec::{Kind, RootSource, Spec};

/// What every container with a mount namespace of its own has anew.
const OWN: [&str; 3] = ["/proc", "/dev", "/sys"];

/// What the container's paths lead to.
#[derive(Debug, Clone)]
pub struct View {
    root: Root,
    /// Where something else than the root's is mounted.
    covered: Vec<PathBuf>,
}

#[derive(Debug, Clone)]
enum Root {
    Host,
    Directory(PathBuf),
    /// An image, layers, nothing: only the container sees it.
    Unseen,
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    /// To this path of the host's; there may be nothing.
    Host(PathBuf),
    /// Nowhere, in the root of that path.
    Missing(PathBuf),
    /// To what is seen inside only.
    Unknown,
}

impl View {
    /// The host's paths as they are.
    #[cfg(test)]
    pub fn of_host() -> View {
        View { root: Root::Host, covered: Vec::new() }
    }

    /// What this container will have.
    pub fn of(spec: &Spec) -> View {
        let root = match &spec.root {
            None => Root::Host,
            Some(root) => match (&root.source, &root.overlay) {
                (RootSource::Host, _) => Root::Host,
                (RootSource::Directory(path), None) => Root::Directory(path.clone()),
                _ => Root::Unseen,
            },
        };
        let own = match spec.namespaces.is_new(Kind::Mnt) {
            true => &OWN[..],
            false => &[],
        };
        let mounts = spec.mounts.iter().map(|mount| mount.target.clone());
        View { root, covered: own.iter().map(PathBuf::from).chain(mounts).collect() }
    }

    /// Follows an absolute path of the container's.
    pub fn find(&self, path: &Path) -> Place {
        if self.covers(path) {
            return Place::Unknown;
        }
        match &self.root {
            Root::Host => match std::fs::canonicalize(path) {
                Ok(real) if self.covers(&real) => Place::Unknown,
                _ => Place::Host(path.into()),
            },
            Root::Directory(root) => match inside(root, path) {
                Ok((real, of_root)) if !self.covers(&of_root) => Place::Host(real),
                Err(Errno::ENOENT | Errno::ENOTDIR) => Place::Missing(root.clone()),
                Ok(_) | Err(_) => Place::Unknown,
            },
            Root::Unseen => Place::Unknown,
        }
    }

    /// The host's path, where something may be.
    pub fn on_host(&self, path: &Path) -> Option<PathBuf> {
        match self.find(path) {
            Place::Host(path) => Some(path),
            Place::Missing(_) | Place::Unknown => None,
        }
    }

    /// Whether the container has a file system of the kernel's there, which hides the host's.
    pub fn is_own(&self, path: &Path) -> bool {
        matches!(self.root, Root::Host) && OWN.iter().any(|own| path.starts_with(own))
    }

    fn covers(&self, path: &Path) -> bool {
        self.covered.iter().any(|covered| path.starts_with(covered))
    }
}

/// Walks as a process with that root would: the path on the host, and in the root.
fn inside(root: &Path, path: &Path) -> nix::Result<(PathBuf, PathBuf)> {
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
    let directory = open(root, flags | OFlag::O_DIRECTORY, Mode::empty())?;
    let resolve = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    let found = openat2(&directory, path, OpenHow::new().flags(flags).resolve(resolve))?;
    let name =
        |fd: i32| std::fs::read_link(format!("/proc/self/fd/{fd}")).map_err(|_| Errno::EACCES);
    let (real, root) = (name(found.as_raw_fd())?, name(directory.as_raw_fd())?);
    let of_root = Path::new("/").join(real.strip_prefix(&root).map_err(|_| Errno::EXDEV)?);
    Ok((real, of_root))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_path_is_followed_in_its_root() {
        let base = std::env::temp_dir().join(format!("nsctl-view-{}", std::process::id()));
        let root = base.join("root");
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        fs::create_dir_all(root.join("data")).unwrap();
        fs::write(root.join("usr/bin/tool"), "").unwrap();
        symlink("/usr/bin", root.join("bin")).unwrap();
        symlink("/data/x", root.join("usr/bin/other")).unwrap();
        fs::write(root.join("data/x"), "").unwrap();
        let view = View { root: Root::Directory(root.clone()), covered: vec!["/data".into()] };
        let real = fs::canonicalize(&root).unwrap();
        let find = |path: &str| view.find(Path::new(path));
        assert_eq!(find("/bin/tool"), Place::Host(real.join("usr/bin/tool")));
        // Of the host's name nothing is there.
        assert_eq!(find("/bin/env"), Place::Missing(root.clone()));
        assert_eq!(find("/usr/bin/tool/x"), Place::Missing(root.clone()));
        assert_eq!(find("/data/y"), Place::Unknown);
        assert_eq!(find("/bin/other"), Place::Unknown);
        let host = View { root: Root::Host, covered: vec!["/usr".into()] };
        assert_eq!(host.find(Path::new("/etc/passwd")), Place::Host("/etc/passwd".into()));
        assert_eq!(host.find(Path::new("/usr/bin/env")), Place::Unknown);
        fs::remove_dir_all(&base).unwrap();
    }
}
