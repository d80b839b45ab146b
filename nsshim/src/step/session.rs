//! Session and parent: whose terminal, and whose death ends us.

use nix::errno::Errno;
use nix::sys::signal::Signal;

use super::InsideContext;
use crate::channel;
use crate::error::{CallError, Named, Result};
use crate::sys;

pub(super) fn lead() -> Result<()> {
    nix::unistd::setsid().call(|| "setsid()".into()).map(drop)
}

/// The kernel forgets this at every change of ids, so it comes after them. It
/// may come too late, when the shim is already dead: then the channel has ended.
pub(super) fn die_with_shim(context: &InsideContext<'_>) -> Result<()> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)
        .call(|| "prctl(PR_SET_PDEATHSIG, SIGKILL)".into())?;
    if channel::has_ended(context.channel) {
        return Err(CallError { call: "recv(channel)".into(), errno: Errno::ESRCH });
    }
    Ok(())
}

pub(super) fn ignore_sigchld() -> Result<()> {
    sys::ignore_signal(Signal::SIGCHLD).call(|| "sigaction(SIGCHLD, SIG_IGN)".into())
}
