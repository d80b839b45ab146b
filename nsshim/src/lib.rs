//! Makes a container and watches it.
//!
//! ```text
//!  caller (nsctl)        shim, outside              child, inside → nsinit, PID 1
//!  Spec → plan() ─fork─▶ join namespaces
//!                        clone3(new namespaces) ──▶ steps without ids
//!                        id maps, files ──── go ──▶ mounts, names, terminal, rights
//!                        ◀─ failure as data ─────── execveat(nsinit) ─▶ workload
//!  ◀── messages ──────── watch by pidfd             forward, reap
//! ```
//!
//! Deliberately absent: threads, a daemon, files of its own, text for people.
//! The container ends when the shim dies; the shim ends it when the caller dies.

mod affinity;
mod aside;
pub mod cgroup;
mod channel;
mod child;
mod error;
mod exit;
mod fault;
mod host;
pub mod keep;
mod making;
pub mod orphans;
mod plan;
mod program;
pub mod seccomp;
mod shim;
pub mod spec;
mod start;
mod step;
pub mod sys;
mod terminal;
mod usage;

pub use affinity::Lingering;
pub use aside::Aside;
pub use channel::{Message, Received, receive, send, try_send};
pub use error::{CallError, Failure, Result, errno_name};
pub use exit::Exit;
pub use host::Host;
pub use plan::{
    Exec, Explained, Group, InitOptions, MapWriter, Plan, plan, quoted as shell_quoted,
};
pub use start::{Started, start};
pub use step::{
    Inside, Layers, MountCall, Outside, Passed, Reason, Take, Tree, UpperLayer, id_maps_of, release,
};
pub use terminal::SavedTerminal;
pub use usage::Usage;
