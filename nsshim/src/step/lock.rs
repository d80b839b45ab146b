//! The directory that changes are kept in: overlayfs leaves it undefined what two overlays do
//! to the same one, and says nothing.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use nix::errno::Errno;

use super::OutsideContext;
use crate::error::{CallError, Named, Result};

/// Keeps others out for as long as the shim lives. flock(2)
///
/// # Errors
/// `EWOULDBLOCK` when another container has it.
pub(super) fn lock(context: &OutsideContext<'_>, directory: &Path) -> Result<()> {
    let call = || format!("open({directory:?}, O_RDONLY)");
    let file = match File::open(directory) {
        // It belongs to an id of the container's range: only what is inside may look.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(()),
        opened => opened.call(call)?,
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(CallError { call: describe(directory), errno: Errno::EWOULDBLOCK })
        }
        // Network file systems may have no locks.
        Ok(()) | Err(TryLockError::Error(_)) => {
            if let Some(locks) = context.locks {
                locks.borrow_mut().push(file.into());
            }
            Ok(())
        }
    }
}

pub(super) fn describe(directory: &Path) -> String {
    format!("flock({directory:?}, LOCK_EX|LOCK_NB)")
}
