//! A root of the container's own: taken from the host, assembled on a stage, entered.
//!
//! ```text
//!  host paths              stage (a tmpfs on top of "/")          after pivot_root
//!  take: open_tree(src) ─▶ ./root ◀─ graft /proc /dev /sys ─────▶ /
//!  (before the host's      ./upper ./work (changes)               host's tree: gone
//!   /proc … are covered)   place: -v, --tmpfs, --file …
//! ```
//!
//! /proc, /dev and /sys are finished, hidden paths and all, on the host's own paths
//! before a root that somebody else controls is touched, and then moved as they are.
//! What is placed in such a root is a descriptor on both sides: the target is resolved
//! by openat2(2) with `RESOLVE_IN_ROOT`, and no path is looked up a second time
//! (CVE-2019-18837, CVE-2021-30465, CVE-2025-31133, CVE-2026-41579).

mod alike;
mod attach;
mod file_system;
mod image;
mod layers;
mod mimic;
mod part;
mod place;
mod take;
mod target;

use std::collections::VecDeque;
use std::ffi::CString;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::mount::MsFlags;

use crate::error::{CallError, Named, Result};
use crate::spec::{Attributes, ImageType, Mount, Part, Placed, Propagation};
use crate::sys;

/// One step in the making of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// Copy a tree of mounts, while its path still means what it means on the host.
    Take(Take),
    /// Open an image as a file system.
    TakeImage {
        /// The file.
        file: PathBuf,
        /// What is in it.
        fstype: ImageType,
        /// `MOUNT_ATTR_*`
        attributes: u64,
    },
    /// Take over what the shim passed, next in order: it has rights that we have not.
    TakePassed,
    /// Begin: a tmpfs that nobody else sees.
    Stage,
    /// The root is what was taken first.
    RootOfTaken,
    /// The root is made of the layers taken first.
    RootOfLayers(Layers),
    /// The root is an empty tmpfs.
    RootEmpty {
        /// `MOUNT_ATTR_*`
        attributes: u64,
    },
    /// Put a part of the host's root in its place.
    Part {
        /// Which, and as what.
        part: Part,
        /// What an overlay is made of.
        layers: Option<Layers>,
    },
    /// Put one of /proc, /dev and /sys in the root.
    Graft {
        /// Which.
        path: &'static str,
        /// Whether it was mounted for this container; else it is the host's, and copied.
        own: bool,
    },
    /// Place what was asked for.
    Place {
        /// What and where.
        mount: Mount,
        /// What an overlay is made of.
        layers: Option<Layers>,
    },
    /// Make what stands in for directories of the root read-only.
    SealRoot {
        /// And the root itself.
        root: bool,
    },
    /// Enter the root and let go of the host's.
    Enter,
    /// Let mounts travel from and to what the container makes of its root.
    Share,
}

/// A tree of mounts to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// On the host; absolute.
    pub path: PathBuf,
    /// Whether with what is mounted below.
    pub recursive: bool,
    /// The flags of the copy.
    pub attributes: Attributes,
    /// How mounts travel between copy and source.
    pub propagation: Propagation,
}

/// Directories to be shown as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    /// How many of the trees taken first are lower ones, topmost first.
    pub lower: usize,
    /// Where changes go.
    pub upper: UpperLayer,
    /// Whether marks are kept in `user.overlay.*`, as they must without rights on the host.
    pub userxattr: bool,
    /// Flags of the mount.
    pub flags: MsFlags,
}

/// Where the changes of an overlay go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpperLayer {
    /// The stage.
    Discarded,
    /// Two directories in the tree taken after the lower ones.
    Taken {
        /// What is changed.
        upper: PathBuf,
        /// What the kernel needs for changing it.
        work: PathBuf,
    },
    /// Nowhere.
    None,
}

/// What has been taken and made so far.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    /// By the shim, in the order of the steps that take them over.
    passed: VecDeque<OwnedFd>,
    /// In the order taken.
    taken: VecDeque<OwnedFd>,
    stage: Option<OwnedFd>,
    root: Option<OwnedFd>,
    /// The mounts on which a missing mount point may be made: they are the container's alone.
    own: Vec<u64>,
    /// The mounts from which others travel to the host.
    shared: Vec<u64>,
    /// The layers over what is mounted in the root.
    layers: Vec<OwnedFd>,
    /// What stands in for directories of the root.
    stand_ins: Vec<OwnedFd>,
    /// Those of them that stand in for a directory of a read-only mount.
    read_only_stand_ins: Vec<OwnedFd>,
    /// How many names on the stage are in use.
    names: usize,
    /// The caller's file mode creation mask, while ours is in force.
    umask: Option<u32>,
}

impl Tree {
    pub(super) fn run(&self, assembly: &mut Assembly) -> Result<()> {
        match self {
            Tree::Take(_) | Tree::TakeImage { .. } => {
                let tree = self.taken()?;
                assembly.taken.push_back(tree);
                Ok(())
            }
            Tree::TakePassed => {
                let tree =
                    assembly.passed.pop_front().ok_or_else(|| out_of_order("passed tree"))?;
                assembly.taken.push_back(tree);
                Ok(())
            }
            Tree::Stage => attach::stage(assembly),
            Tree::RootOfTaken => attach::root_of_taken(assembly),
            Tree::RootOfLayers(layers) => {
                let root = layers::mount(assembly, layers)?;
                assembly.keep_own(root.as_fd())?;
                assembly.root = Some(root);
                Ok(())
            }
            Tree::RootEmpty { attributes } => attach::root_empty(assembly, *attributes),
            Tree::Part { part, layers } => part::make(assembly, part, layers.as_ref()),
            Tree::Graft { path, own } => attach::graft(assembly, path, *own),
            Tree::Place { mount, layers } => place::place(assembly, mount, layers.as_ref()),
            Tree::SealRoot { root } => attach::seal(assembly, *root),
            Tree::Enter => attach::enter(assembly),
            Tree::Share => attach::share(),
        }
    }

    /// The tree that this step takes.
    pub(super) fn taken(&self) -> Result<OwnedFd> {
        match self {
            Tree::Take(take) => take::copy(take),
            Tree::TakeImage { file, fstype, attributes } => image::open(file, *fstype, *attributes),
            _ => Err(out_of_order("tree")),
        }
    }

    pub(super) fn purpose(&self) -> String {
        match self {
            Tree::Take(take) => format!("take {}", take.path.display()),
            Tree::TakeImage { file, .. } => format!("open the image {}", file.display()),
            Tree::TakePassed => "take over a tree".into(),
            Tree::Stage => "prepare the root file system".into(),
            Tree::RootOfTaken | Tree::RootOfLayers(_) | Tree::RootEmpty { .. } => {
                "make the root file system".into()
            }
            Tree::Part { part, .. } => part::purpose(part),
            Tree::Graft { path, .. } => format!("put {path} in the root file system"),
            Tree::Place { mount, .. } => match &mount.what {
                Placed::Bind(bind) => {
                    format!("mount {} on {}", bind.source.display(), mount.target.display())
                }
                Placed::New { fstype, .. } => {
                    format!("mount a {} on {}", fstype.to_string_lossy(), mount.target.display())
                }
                Placed::Overlay { .. } => format!("mount an overlay on {}", mount.target.display()),
                Placed::File { .. } => format!("give the file {}", mount.target.display()),
                Placed::Symlink(_) => format!("make the link {}", mount.target.display()),
            },
            Tree::SealRoot { .. } => "make the root file system read-only".into(),
            Tree::Enter => "enter the root file system".into(),
            Tree::Share => "share the mounts of the root file system".into(),
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tree::Take(take) => take::describe(f, take),
            Tree::TakeImage { file, fstype, .. } => {
                write!(f, "mount({file:?}, tree, {:?}, MS_RDONLY)", fstype.name())
            }
            Tree::TakePassed => f.write_str("recvmsg(SCM_RIGHTS, tree)"),
            Tree::Stage => f.write_str("mount(\"tmpfs\", \"/\", \"tmpfs\", 0, \"mode=0700\")"),
            Tree::RootOfTaken => f.write_str("move_mount(tree, \"root\")"),
            Tree::RootOfLayers(layers) => layers::describe(f, layers, "root"),
            Tree::RootEmpty { .. } => f.write_str("mount(\"tmpfs\", \"root\", \"tmpfs\", 0)"),
            Tree::Part { part, layers } => part::describe(f, part, layers.as_ref()),
            Tree::Graft { path, own: true } => write!(f, "move_mount({path:?}, \"root{path}\")"),
            Tree::Graft { path, own: false } => {
                write!(f, "mount({path:?}, \"root{path}\", NULL, MS_BIND|MS_REC)")
            }
            Tree::Place { mount, .. } => place::describe(f, mount),
            Tree::SealRoot { .. } => {
                f.write_str("mount_setattr(\"root\", {attr_set=MOUNT_ATTR_RDONLY})")
            }
            Tree::Enter => {
                f.write_str("pivot_root(\"root\", \"root\"); umount2(\".\", MNT_DETACH)")
            }
            Tree::Share => f.write_str("mount(NULL, \"/\", NULL, MS_REC|MS_SHARED)"),
        }
    }
}

impl Assembly {
    /// Keeps a tree that the shim passed.
    pub(crate) fn pass(&mut self, tree: OwnedFd) {
        self.passed.push_back(tree);
    }

    fn root(&self) -> Result<BorrowedFd<'_>> {
        self.root.as_ref().map(AsFd::as_fd).ok_or_else(|| out_of_order("root"))
    }

    fn stage(&self) -> Result<BorrowedFd<'_>> {
        self.stage.as_ref().map(AsFd::as_fd).ok_or_else(|| out_of_order("stage"))
    }

    fn next_taken(&mut self) -> Result<OwnedFd> {
        self.taken.pop_front().ok_or_else(|| out_of_order("tree"))
    }

    /// A name on the stage that is not used yet.
    fn next_name(&mut self) -> CString {
        self.names += 1;
        CString::new(self.names.to_string()).unwrap_or_default()
    }

    /// Notes that mount points may be made on this mount.
    fn keep_own(&mut self, mount: BorrowedFd<'_>) -> Result<()> {
        self.own.push(mount_id(mount)?);
        Ok(())
    }
}

fn mount_id(mount: BorrowedFd<'_>) -> Result<u64> {
    sys::mount_id(mount).call(|| "statx(mount, STATX_MNT_ID)".into())
}

/// A plan whose steps are in the wrong order; [`plan`](crate::plan()) makes none.
fn out_of_order(what: &str) -> CallError {
    CallError { call: format!("no {what} yet"), errno: Errno::EINVAL }
}
