//! `--status-fd`: what happens, as lines of JSON.
//!
//! ```json
//! {"event":"started","pid":4711,"namespaces":{"user":4026532001,…}}
//! {"event":"failed","message":"…","cause":"…","remedy":"…","status":125}
//! {"event":"exited","status":143,"signal":15}
//! ```

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nsshim::Exit;
use nsshim::spec::Kind;
use serde_json::{Map, Value, json};

use crate::error::Error;

/// Where to tell it, if anywhere.
pub struct Status {
    to: Option<OwnedFd>,
    namespaces: Map<String, Value>,
}

impl Status {
    /// Tells it to `to`.
    pub fn new(to: Option<OwnedFd>) -> Self {
        Status { to, namespaces: Map::new() }
    }

    /// The descriptor, to keep it open.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.to.as_ref().map(AsFd::as_fd)
    }

    /// The ids come before the start.
    pub fn namespaces(&mut self, ids: [u64; 8]) {
        self.namespaces =
            Kind::ALL.iter().zip(ids).map(|(kind, id)| (kind.file().into(), id.into())).collect();
    }

    /// The workload runs; `pid` is the host's number of the container's first process.
    pub fn started(&self, pid: i32) {
        self.line(json!({"event": "started", "pid": pid, "namespaces": self.namespaces}));
    }

    /// nsctl or the start of the workload failed.
    pub fn failed(&self, error: &Error) {
        self.line(json!({
            "event": "failed",
            "message": error.message,
            "cause": error.cause,
            "remedy": error.remedy,
            "status": error.status,
        }));
    }

    /// The workload ended.
    pub fn exited(&self, exit: &Exit) {
        let signal = match exit {
            Exit::Code(_) => None,
            Exit::Signaled { signal, .. } => Some(signal),
        };
        self.line(json!({"event": "exited", "status": exit.status(), "signal": signal}));
    }

    fn line(&self, value: Value) {
        let Some(to) = &self.to else { return };
        let mut text = value.to_string();
        text.push('\n');
        let mut bytes = text.as_bytes();
        // A reader that went away wants no more.
        while let Ok(count @ 1..) = nix::unistd::write(to, bytes) {
            bytes = &bytes[count..];
        }
    }
}
