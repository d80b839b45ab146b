//! Work in a child that is waited for, since it leads where we are not to be ourselves.

use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::sys::wait::{WaitStatus, waitpid};

use crate::{affinity, sys};

/// Does some work in a child, which may join namespaces that the caller is not to be in.
///
/// It has the caller's memory: nothing is copied, and what it writes is there afterwards. Its
/// credentials, namespaces and descriptors are its own; whether it is dumpable is not.
///
/// Who may signal it where it goes can end it between any two instructions: the work must not
/// allocate, lock or leave anything half done that is used when this fails.
///
/// # Errors
/// `EBUSY` when the caller has more than one thread; `EAGAIN`; `ECHILD` when it was ended before
/// its work was done. clone(2)
pub fn aside(work: impl FnOnce()) -> nix::Result<()> {
    sys::expect_one_thread()?;
    let held = affinity::hold();
    let child = sys::clone_vfork(CloneFlags::empty(), || {
        work();
        sys::exit_now(0)
    });
    if let Some(held) = held {
        held.let_go();
    }
    match waitpid(child?.0, None)? {
        WaitStatus::Exited(_, 0) => Ok(()),
        _ => Err(Errno::ECHILD),
    }
}
