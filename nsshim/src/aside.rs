//! Work in children that are waited for, since it leads where we are not to be ourselves.

use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::sys::wait::{WaitStatus, waitpid};

use crate::affinity::{self, Held};
use crate::sys::{self, Stack};

/// Makes children that do some work each, one after the other; the caller stays on one processor
/// meanwhile.
pub struct Aside {
    stack: Stack,
    held: Option<Held>,
}

impl Aside {
    /// # Errors
    /// `ENOMEM`. mmap(2)
    pub fn new() -> nix::Result<Self> {
        Ok(Aside { stack: Stack::new()?, held: affinity::hold() })
    }

    /// Does some work in a child, which may join namespaces that the caller is not to be in.
    ///
    /// It has the caller's memory and descriptors: nothing is copied, and what it writes is there
    /// afterwards. Its credentials and namespaces are its own; whether it is dumpable is not.
    ///
    /// Who may signal it where it goes can end it between any two instructions: the work must not
    /// allocate, lock or leave anything half done that is used when this fails.
    ///
    /// # Errors
    /// `EAGAIN`; `ECHILD` when it was ended before its work was done. clone(2)
    pub fn run(&mut self, work: impl FnOnce()) -> nix::Result<()> {
        let shared = CloneFlags::CLONE_FILES | CloneFlags::CLONE_SIGHAND;
        let child = sys::clone_vfork(&mut self.stack, shared, || {
            work();
            sys::exit_now(0)
        })?;
        match waitpid(child, None)? {
            WaitStatus::Exited(_, 0) => Ok(()),
            _ => Err(Errno::ECHILD),
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Some(held) = &self.held {
            held.let_go();
        }
    }
}
