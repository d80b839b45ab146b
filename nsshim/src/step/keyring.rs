//! A session keyring of the container's own: the caller's holds its tickets and passwords.

use nix::errno::Errno;

use crate::error::{Named, Result};
use crate::sys;

pub(super) const CALL: &str = "keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL)";

/// Without `needed` it is gone without where the caller has as many keys as it may have (`EDQUOT`;
/// 200 for a user by default, and each container takes one).
pub(super) fn join(needed: bool) -> Result<()> {
    match sys::join_session_keyring() {
        // A kernel without keys; or a filter around us, which keeps the caller from them as well.
        Err(Errno::ENOSYS | Errno::EPERM) => Ok(()),
        Err(Errno::EDQUOT) if !needed => Ok(()),
        other => other.call(|| CALL.into()),
    }
}
