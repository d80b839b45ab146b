//! Failures as data: the step, the call as strace prints it, the errno.
//!
//! Nothing here is text for people; `nsctl` turns a [`Failure`] into a message
//! with its cause and remedy.

use std::fmt;

use nix::errno::Errno;

/// A system call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// The call with its arguments, as strace(1) prints it.
    pub call: String,
    /// Why it failed.
    pub errno: Errno,
}

/// A step of the plan that failed, and the call in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was being done, as the plan names it.
    pub step: String,
    /// The call as strace(1) prints it.
    pub call: String,
    /// Why it failed.
    pub errno: Errno,
}

/// The result of one system call.
pub type Result<T> = std::result::Result<T, CallError>;

impl CallError {
    /// Names the step in which the call was made.
    pub fn during(self, step: impl fmt::Display) -> Failure {
        Failure { step: step.to_string(), call: self.call, errno: self.errno }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.call, errno_name(self.errno), self.errno.desc())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}: {} ({})",
            self.step,
            self.call,
            errno_name(self.errno),
            self.errno.desc()
        )
    }
}

impl std::error::Error for CallError {}
impl std::error::Error for Failure {}

/// The symbolic name of an errno, `EPERM`.
pub fn errno_name(errno: Errno) -> String {
    format!("{errno:?}")
}

/// Attaches the call to a bare errno; the text is made only when it failed.
pub(crate) trait Named<T> {
    /// Names the failed call.
    fn call(self, name: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Named<T> for nix::Result<T> {
    fn call(self, name: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|errno| CallError { call: name(), errno })
    }
}

impl<T> Named<T> for std::io::Result<T> {
    fn call(self, name: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| CallError {
            call: name(),
            errno: Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)),
        })
    }
}
