//! What the caller gave us and the workload must get unchanged.

use nix::sys::signal::Signal;
use nsshim::sys;

use crate::error::Error;

/// The caller's signal state.
#[derive(Debug, Clone, Copy)]
pub struct Inherited {
    /// The signal mask: bit n-1 blocks signal n.
    pub signal_mask: u64,
    /// Whether SIGCHLD was ignored: then children would vanish unwaited.
    pub sigchld_ignored: bool,
}

impl Inherited {
    /// Reads the state and takes over: from here on every signal waits for us to
    /// look, so that none is lost between the start and the container.
    pub fn take() -> Result<Self, Error> {
        let failed = |errno| Error::new(format!("cannot take over the signals: {errno}"));
        Ok(Inherited {
            signal_mask: sys::block_all_signals().map_err(failed)?,
            sigchld_ignored: sys::default_signal(Signal::SIGCHLD).map_err(failed)?,
        })
    }
}
