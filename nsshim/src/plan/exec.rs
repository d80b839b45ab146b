//! What the child becomes: nsinit with its options, or the command itself.

use std::ffi::CString;

use crate::seccomp::Filter;
use crate::spec::{Process, Session};

/// The last step of the child.
#[derive(Debug, Clone)]
pub struct Exec {
    /// The options of nsinit, or `None` to execute the workload as it is.
    pub init: Option<InitOptions>,
    /// The workload's command and arguments.
    pub argv: Vec<CString>,
    /// What the workload is told it is called.
    pub argv0: Option<CString>,
    /// The workload's environment.
    pub env: Vec<CString>,
    /// The workload's signal mask.
    pub signal_mask: u64,
    /// The descriptors from 3 on that the workload keeps.
    pub preserve_fds: u32,
    /// A filter that is loaded in the workload's own process, right before its execve: it need
    /// not allow what nsinit does.
    pub filter: Option<Filter>,
}

impl Exec {
    /// Whether nsinit supervises a workload, and reports what becomes of it.
    pub(crate) fn has_workload(&self) -> bool {
        self.init.as_ref().is_some_and(|init| !init.pause)
    }
}

/// How nsinit is to treat the workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InitOptions {
    /// The process group of the workload.
    pub group: Group,
    /// Whether the workload must be killed with nsinit, because no pid namespace does it.
    pub kill_workload: bool,
    /// Whether there is no workload, and it only holds the namespaces.
    pub pause: bool,
}

/// The process group of the workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The caller's.
    Keep,
    /// Its own.
    Own,
    /// Its own, in the foreground of the container's terminal.
    Foreground,
}

pub(super) fn exec(
    process: Process,
    filter: Option<Filter>,
    init: bool,
    session: Session,
    has_terminal: bool,
    ends_as_one: bool,
) -> Exec {
    let group = match session {
        Session::Own if has_terminal => Group::Foreground,
        Session::Own => Group::Own,
        Session::Callers => Group::Keep,
    };
    Exec {
        init: init.then_some(InitOptions {
            group,
            kill_workload: !ends_as_one,
            pause: process.argv.is_empty(),
        }),
        argv: process.argv,
        argv0: process.argv0,
        env: process.env,
        signal_mask: process.signal_mask,
        preserve_fds: process.preserve_fds,
        filter,
    }
}
