//! What can be typed, and no more: the options of each verb as clap reads them.
//!
//! A room of its own, because two use it: `cli`, which reads them, and `resolve`,
//! which says what they mean.

mod run;

pub use run::{DryRun, PropagationArg, RunArgs, SeccompArg, SetgroupsArg};
