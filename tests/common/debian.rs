//! A real Debian root: made once by debootstrap, kept as an archive, unpacked by each test run.

mod archive;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, statfs};

use super::run::{Ran, nsctl};
use super::skip;
use super::who::{Who, base};

/// A Debian root, and the ids it is run with.
pub struct Debian {
    pub who: Who,
    root: PathBuf,
    /// What stands behind the root's path.
    suffix: &'static str,
    ids: &'static [&'static str],
}

/// Runs the test as root, as root in a range of ids that the tree knows nothing of, and as a
/// user with a range of ids, as whom it must not change the tree. What cannot be had is skipped.
pub fn as_each_debian(test: impl Fn(&Debian)) {
    let is_root = nix::unistd::geteuid().is_root();
    if let Some(root) = is_root.then(|| unpacked(Who::Root)).flatten() {
        let (who, root) = (Who::Root, root.to_path_buf());
        test(&Debian { who, root: root.clone(), suffix: "", ids: &[] });
        // Linux maps the ids of no overlay.
        if statfs(&root).unwrap().filesystem_type() == OVERLAYFS_SUPER_MAGIC {
            skip("an overlay cannot be idmapped");
        } else {
            test(&Debian { who, root, suffix: ":idmap", ids: RANGE });
        }
    }
    if let Some(root) = unpacked(Who::User) {
        test(&Debian { who: Who::User, root: root.into(), suffix: "", ids: &["--map-auto"] });
    }
}

const RANGE: &[&str] = &["--map-users=0:1000000000:65536", "--map-groups=0:1000000000:65536"];

impl Debian {
    /// An empty directory that root inside may write to.
    pub fn directory(&self) -> PathBuf {
        let path = self.who.directory();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        path
    }

    /// Runs a script of the root's bash with these options.
    pub fn run(&self, options: &[&str], script: &str) -> Ran {
        let root = format!("{}{}", self.root.display(), self.suffix);
        let words = [&["run", "--rootfs", &root], self.ids, options, &["bash", "-ec", script]];
        nsctl(self.who, words.concat()).run()
    }
}

/// The root's directory, for one who may own it.
fn unpacked(who: Who) -> Option<&'static Path> {
    static ROOTS: [OnceLock<Option<PathBuf>>; 2] = [OnceLock::new(), OnceLock::new()];
    let made = ROOTS[who as usize].get_or_init(|| {
        let archive = archive::archive()?;
        match who {
            Who::Root => unpack_as_root(&archive),
            Who::User => unpack_as_user(&archive),
        }
    });
    if made.is_none() {
        // The first who asked said why.
        skip("there is no Debian root here");
    }
    made.as_deref()
}

fn unpack_as_root(archive: &Path) -> Option<PathBuf> {
    let root = base().join("debian-root");
    fs::create_dir(&root).unwrap();
    let mut tar = Command::new("tar");
    tar.args(["--numeric-owner", "-xf"]).arg(archive).arg("-C").arg(&root);
    assert!(tar.status().unwrap().success(), "tar cannot unpack {}", archive.display());
    Some(root)
}

/// The owners of a user's tree are the subordinate ids, which only a container has.
fn unpack_as_user(archive: &Path) -> Option<PathBuf> {
    let name = Who::User.name().unwrap_or_default();
    let granted = |kind: &str| {
        let lines = fs::read_to_string(format!("/etc/sub{kind}")).unwrap_or_default();
        !name.is_empty() && lines.lines().any(|line| line.starts_with(&format!("{name}:")))
    };
    if !granted("uid") || !granted("gid") || !super::have("newuidmap") {
        skip("the user has no range of ids, or there is no newuidmap");
        return None;
    }
    let holder = Who::User.directory();
    fs::set_permissions(&holder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let root = holder.join("root");
    let words = ["run", "--map-auto", "sh", "-c", r#"mkdir "$0"; exec tar -xC "$0""#];
    let mut run = nsctl(Who::User, words);
    run.command.arg(&root).stdin(File::open(archive).unwrap());
    assert!(run.command.status().unwrap().success());
    extern "C" fn remove() {
        if let Some(Some(root)) = ROOT.get() {
            let _ = nsctl(Who::User, ["run", "--map-auto", "rm", "-rf", root]).command.status();
        }
    }
    static ROOT: OnceLock<Option<String>> = OnceLock::new();
    if !nix::unistd::geteuid().is_root() {
        ROOT.get_or_init(|| root.to_str().map(Into::into));
        // SAFETY: the handler reads what nobody changes any more. It runs before the one that
        // removes the directory around it, which was registered before.
        unsafe { libc::atexit(remove) };
    }
    Some(root)
}
