//! What the command may do: the options as typed.

use std::ffi::OsString;

use clap::Args;

/// Capabilities, system calls, kernel files.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Rights")]
pub struct RightsArgs {
    /// Add capabilities: NAME, CAP_NAME or ALL
    #[arg(long, value_name = "CAP,...", value_delimiter = ',')]
    pub cap_add: Vec<String>,
    /// Drop capabilities
    #[arg(long, value_name = "CAP,...", value_delimiter = ',')]
    pub cap_drop: Vec<String>,
    /// All capabilities, no system-call filter, nothing hidden
    #[arg(long)]
    pub privileged: bool,
    /// Let set-user-ID programs raise their rights
    #[arg(long)]
    pub allow_new_privileges: bool,
    /// System calls: the default policy, all, or what a file in docker's or OCI's JSON says. Such
    /// a filter is the command's alone, so it may allow no more than the command's calls and execve
    #[arg(long, value_name = "default|unconfined|FILE")]
    pub seccomp: Option<OsString>,
    /// Let containers be made inside, as container engines and browsers do: namespaces and mounts
    /// in user namespaces of their own, kernel files not hidden. Not where root is the host's
    #[arg(long, conflicts_with = "no_nested_userns")]
    pub nesting: bool,
    /// Let no user namespace be made inside, whatever the capabilities
    #[arg(long)]
    pub no_nested_userns: bool,
}
