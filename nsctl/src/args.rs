//! What can be typed, and no more: the options of each verb as clap reads them.
//!
//! A room of its own, because two use it: `cli`, which reads them, and `resolve`,
//! which says what they mean.

mod cgroup;
mod completion;
mod detached;
mod doctor;
mod enter;
mod etc;
mod explain;
mod health;
mod life;
mod ns;
mod rights;
mod root;
mod run;

pub use cgroup::CgroupArgs;
pub use completion::{CompleteArgs, CompletionArgs, Shell};
pub use detached::{LifeArgs, LogDriver};
pub use doctor::DoctorArgs;
pub use enter::EnterArgs;
#[cfg(test)]
pub use etc::HostLine;
pub use etc::{Dns, EtcArgs};
pub use explain::ExplainArgs;
pub use health::HealthArgs;
pub use life::{
    AttachArgs, CpArgs, EventsArgs, ExecArgs, InspectArgs, KillArgs, LogsArgs, NamesArgs, PsArgs,
    RenameArgs, RmArgs, StatsArgs, StopArgs, TopArgs, UpdateArgs,
};
pub use ns::{CanArgs, DiffArgs, GraphArgs, LsArgs, NsArgs, ShowArgs, TreeArgs, TreeBy, WatchArgs};
pub use rights::RightsArgs;
pub use root::{PlacedBy, Placement, RootArgs};
pub use run::{
    DryRun, ForExec, Leftover, PropagationArg, RunAlone, RunArgs, SetgroupsArg, namespace_option,
};
