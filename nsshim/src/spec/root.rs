//! What the workload sees as `/`, when it is not simply the host's.

use std::path::PathBuf;

/// A root file system of the container's own: assembled beside the host's, then
/// taken with pivot_root(2). Mount points that it lacks are made on a layer that
/// vanishes with the container, never in the user's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// What it is made of.
    pub source: RootSource,
    /// Where changes go; `None`: to the source itself.
    pub overlay: Option<Overlay>,
    /// Whether the root itself is read-only; the mounts on it are as they say.
    pub read_only: bool,
    /// Whether device nodes found in it work. /dev is not affected.
    pub devices: bool,
    /// Whether owners are stored as the container sees them: id 0 on the disk is root
    /// inside, whichever id that is outside. mount_setattr(2), `MOUNT_ATTR_IDMAP`
    pub idmap: bool,
    /// Whether overlays in it keep their marks in `user.overlay.*`, as they must in a user
    /// namespace.
    pub userxattr: bool,
    /// Of what the host's root is put together so that every change vanishes, directories before
    /// what is in them; empty where the source is taken as a whole.
    pub parts: Vec<Part>,
}

/// A piece of the host's root whose changes vanish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// On the host and inside; absolute, without links.
    pub path: PathBuf,
    /// What it becomes.
    pub what: PartKind,
}

/// What a piece of the host's root becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartKind {
    /// A layer in memory over the directory, without what is mounted below.
    Layer,
    /// Itself with what is mounted below, read-only.
    ReadOnly,
    /// A new directory like it, for the parts in it.
    Directory,
    /// The same symbolic link.
    Symlink(PathBuf),
}

/// Where a root comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootSource {
    /// The caller's `/` with all that is mounted below it.
    Host,
    /// A directory, with what is mounted below it. Absolute.
    Directory(PathBuf),
    /// A file that holds a file system, mounted read-only.
    Image {
        /// Absolute.
        file: PathBuf,
        /// What is in it.
        fstype: ImageType,
    },
    /// An empty tmpfs.
    Empty,
}

/// The file systems that an image may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageType {
    /// squashfs(5)
    Squashfs,
    /// EROFS; mounts without a loop device from Linux 6.12 on.
    Erofs,
    /// ext4(5), and ext2 and ext3 by the same driver.
    Ext4,
}

impl ImageType {
    /// The name that mount(2) knows.
    pub fn name(self) -> &'static str {
        match self {
            ImageType::Squashfs => "squashfs",
            ImageType::Erofs => "erofs",
            ImageType::Ext4 => "ext4",
        }
    }
}

/// Directories shown as one. Changes go to a layer of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// Further read-only directories under the first, topmost first. Absolute.
    pub lower: Vec<PathBuf>,
    /// Where changes go.
    pub upper: Upper,
}

/// The layer that takes changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upper {
    /// A tmpfs: changes vanish with the container.
    Discarded,
    /// A directory of the host's.
    Kept(Kept),
    /// None: the whole is read-only. Needs two lower directories.
    None,
}

/// Where changes are kept: two directories of one mount, made when missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Holds both. Absolute.
    pub base: PathBuf,
    /// What is changed, in `base`.
    pub upper: PathBuf,
    /// What the kernel needs for changing it, in `base`.
    pub work: PathBuf,
}

impl Kept {
    /// `upper` and `work` in this directory.
    pub fn in_directory(base: PathBuf) -> Kept {
        Kept { base, upper: "upper".into(), work: "work".into() }
    }

    /// What two containers must not have at a time.
    pub fn locked(&self) -> Vec<PathBuf> {
        match *self == Kept::in_directory(self.base.clone()) {
            true => vec![self.base.clone()],
            false => [&self.upper, &self.work].map(|path| self.base.join(path)).into(),
        }
    }
}
