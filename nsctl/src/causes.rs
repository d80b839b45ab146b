//! Why it failed: from a failed call to its cause, found by looking, and the remedy.

use nsshim::Failure;
use nsshim::spec::Spec;
use nsshim::{Host, errno_name};

use crate::error::Error;

/// What was asked, for the search.
#[derive(Debug, Clone)]
pub struct Context {
    command: String,
    host: Host,
}

impl Context {
    /// Remembers what the search for causes needs.
    pub fn of(spec: &Spec, host: &Host) -> Self {
        let command = spec.process.argv.first().map(|word| word.to_string_lossy().into_owned());
        Context { command: command.unwrap_or_default(), host: *host }
    }

    /// A failed step.
    pub fn explain(&self, failure: Failure) -> Error {
        let Failure { step, call, errno } = failure;
        let _ = self.host;
        Error::new(format!("cannot {step}: {call}: {} ({})", errno_name(errno), errno.desc()))
    }

    /// The workload could not be executed.
    pub fn not_executed(&self, errno: i32, code: u8) -> Error {
        let errno = nix::errno::Errno::from_raw(errno);
        Error::new(format!("cannot execute {}: {}", self.command, errno.desc()))
            .with_status(i32::from(code))
    }
}
