//! Options for the control group of a container.

use std::path::PathBuf;

use clap::Args;

/// What `nsctl run` takes for it. Limits belong here, too, once there are some.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Control group")]
pub struct CgroupArgs {
    /// Make a control group of its own in this one, which exists; a relative path is below ours
    #[arg(long, value_name = "PATH")]
    pub cgroup_parent: Option<PathBuf>,

    /// The groups of a container that is joined; `nsctl exec`
    #[arg(skip)]
    pub joined: Option<Vec<nsshim::cgroup::Group>>,
}
