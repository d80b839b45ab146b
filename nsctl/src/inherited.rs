//! What the caller gave us: signals, which the workload must get unchanged, and streams.

use std::os::fd::IntoRawFd;

use nix::fcntl::{self, OFlag};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
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
    /// Reads the state. Nothing is blocked yet: while the request is still being read,
    /// a signal does to nsctl what it would have done to the workload.
    pub fn take() -> Result<Self, Error> {
        refuse_foreign_rights()?;
        let failed = |errno| Error::new(format!("cannot read the state of the signals: {errno}"));
        let inherited = Inherited {
            signal_mask: sys::blocked_signals().map_err(failed)?,
            sigchld_ignored: sys::default_signal(Signal::SIGCHLD).map_err(failed)?,
        };
        open_closed_streams()?;
        Ok(inherited)
    }
}

/// A set-user-ID nsctl would give its owner's rights to everybody: it runs what the
/// caller says (CVE-2016-8659, CVE-2020-5291).
fn refuse_foreign_rights() -> Result<(), Error> {
    if !sys::runs_with_foreign_rights() {
        return Ok(());
    }
    Err(Error::new("nsctl must not be set-user-ID or set-group-ID, or have file capabilities")
        .because("it runs what its caller says, so everybody would get the rights of its owner")
        .try_this("chmod ug-s and setcap -r on the program: nsctl needs no rights of its own"))
}

/// Opens /dev/null where the caller closed a standard stream, for us and for the
/// workload. Else the next file, socket or lock that somebody opens would get its
/// number, and a message be written into it. docker and every Rust program do so.
fn open_closed_streams() -> Result<(), Error> {
    for stream in 0..=2 {
        if !sys::is_open(stream) {
            let null = fcntl::open("/dev/null", OFlag::O_RDWR, Mode::empty()).map_err(|errno| {
                Error::new(format!("cannot replace closed stream {stream}: /dev/null: {errno}"))
            })?;
            // The lowest free number, which is this stream's. It stays open for good.
            let _ = null.into_raw_fd();
        }
    }
    Ok(())
}
