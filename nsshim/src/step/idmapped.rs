//! Trees that only the shim may open, because it has rights on the host that the child in its
//! user namespace has not: images, and trees whose owners are mapped.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::OutsideContext;
use super::tree::Tree;
use crate::channel::{self, Message};
use crate::error::{CallError, Named, Result};
use crate::sys;

/// A tree for the child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The step that takes it.
    pub tree: Tree,
    /// Whether its owners are those that the container sees.
    pub idmap: bool,
}

pub(super) fn pass(context: &OutsideContext<'_>, passed: &Passed) -> Result<()> {
    let tree = passed.tree.taken()?;
    if passed.idmap {
        let namespace = user_namespace(context)?;
        sys::mount_setattr_idmap(tree.as_fd(), namespace.as_fd())
            .call(|| "mount_setattr(tree, {attr_set=MOUNT_ATTR_IDMAP})".into())?;
    }
    channel::send(to_child(context)?, &Message::Tree, Some(tree.as_fd()))
        .call(|| "sendmsg(child, SCM_RIGHTS, tree)".into())
}

fn to_child<'a>(context: &OutsideContext<'a>) -> Result<BorrowedFd<'a>> {
    let missing = || CallError { call: "sendmsg(child)".into(), errno: Errno::ENOTCONN };
    context.channel.ok_or_else(missing)
}

fn user_namespace(context: &OutsideContext<'_>) -> Result<OwnedFd> {
    let child = context.child.map_or(0, nix::unistd::Pid::as_raw);
    let path = format!("{child}/ns/user");
    openat(context.proc, path.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
        .call(|| format!("open(\"/proc/{path}\", O_RDONLY)"))
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, passed: &Passed) -> fmt::Result {
    write!(f, "{}", passed.tree)?;
    if passed.idmap {
        f.write_str("; mount_setattr(tree, {attr_set=MOUNT_ATTR_IDMAP, userns=CHILD})")?;
    }
    f.write_str("; sendmsg(child, SCM_RIGHTS, tree)")
}
