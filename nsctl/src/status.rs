//! `--status-fd`: what happens, as lines of JSON.
//!
//! ```json
//! {"event":"started","pid":4711,"namespaces":{"user":4026532001,…}}
//! {"event":"failed","message":"…","cause":"…","remedy":"…","causes":[{"name":"…","evidence":"…","remedy":"…"}],"status":125}
//! {"event":"exited","status":143,"signal":15}
//! ```

use std::os::fd::{BorrowedFd, OwnedFd};

use nix::poll::PollFd;
use nsshim::Exit;
use nsshim::spec::Kind;
use serde_json::{Map, Value, json};

use crate::error::{Error, Finding};
use crate::outlet::Outlet;

/// A cause as JSON.
pub fn finding(finding: &Finding) -> Value {
    json!({"name": finding.name, "evidence": finding.evidence, "remedy": finding.remedy})
}

/// Where to tell it, if anywhere.
pub struct Status {
    to: Option<Outlet<OwnedFd>>,
    namespaces: Map<String, Value>,
}

impl Status {
    /// Tells it to `to`.
    pub fn new(to: Option<OwnedFd>) -> Self {
        Status { to: to.map(Outlet::new), namespaces: Map::new() }
    }

    /// The descriptor, to keep it open.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.to.as_ref().map(Outlet::descriptor)
    }

    /// Whether anybody wants to know.
    pub fn is_asked_for(&self) -> bool {
        self.to.is_some()
    }

    /// What to wait for before [`turn`](Self::turn) can say more.
    pub fn interest(&self) -> Option<PollFd<'_>> {
        self.to.as_ref().and_then(Outlet::interest)
    }

    /// Says what its reader has room for.
    pub fn turn(&mut self) {
        self.to.iter_mut().for_each(Outlet::turn);
    }

    /// The ids come before the start.
    pub fn namespaces(&mut self, ids: [u64; 8]) {
        self.namespaces =
            Kind::ALL.iter().zip(ids).map(|(kind, id)| (kind.file().into(), id.into())).collect();
    }

    /// The workload runs; `pid` is the host's number of the container's first process.
    /// Waits for nobody.
    pub fn started(&mut self, pid: i32) {
        self.line(json!({"event": "started", "pid": pid, "namespaces": self.namespaces}));
    }

    /// Says what was to be said, for as long as the reader takes.
    pub fn finish(&mut self) {
        self.to.iter_mut().for_each(Outlet::finish);
    }

    /// A copy of the descriptor, for whoever tells what comes later.
    pub fn copy(&self) -> Option<OwnedFd> {
        self.to.as_ref().and_then(|to| to.descriptor().try_clone_to_owned().ok())
    }

    /// nsctl or the start of the workload failed.
    pub fn failed(&mut self, error: &Error) {
        self.last_line(json!({
            "event": "failed",
            "message": error.message,
            "cause": error.cause,
            "remedy": error.remedy,
            "causes": error.findings().iter().map(finding).collect::<Vec<_>>(),
            "status": error.status,
        }));
    }

    /// The workload ended.
    pub fn exited(&mut self, exit: &Exit) {
        let signal = match exit {
            Exit::Code(_) => None,
            Exit::Signaled { signal, .. } => Some(signal),
        };
        self.last_line(json!({"event": "exited", "status": exit.status(), "signal": signal}));
    }

    fn line(&mut self, value: Value) {
        if let Some(to) = &mut self.to {
            to.say(&format!("{value}\n"));
        }
    }

    /// Waits for the reader.
    fn last_line(&mut self, value: Value) {
        self.line(value);
        self.to.iter_mut().for_each(Outlet::finish);
    }
}
