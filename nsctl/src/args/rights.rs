//! What the command may do: the options as typed.

use std::ffi::OsString;

use clap::Args;

/// Capabilities, system calls, kernel files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Rights")]
pub struct RightsArgs {
    /// Add capabilities: NAME, CAP_NAME or ALL
    #[arg(long, value_name = "CAP,...", value_delimiter = ',')]
    pub cap_add: Vec<String>,
    /// Drop capabilities
    #[arg(long, value_name = "CAP,...", value_delimiter = ',')]
    pub cap_drop: Vec<String>,
    /// Give these also to a user that is not root, and to what it executes
    #[arg(long, value_name = "CAP,...", value_delimiter = ',')]
    pub cap_ambient: Vec<String>,
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
    /// Restrict, by the kernel's Landlock, what can be reached: ro=PATH, exec=PATH (read and
    /// execute), rw=PATH (all but execute), tcp-connect=PORT|none, tcp-bind=PORT|none. What is not
    /// mentioned, files or a kind of port, is not restricted. best-effort: as far as the kernel can
    #[arg(long, value_name = "RULE,...", value_delimiter = ',')]
    pub landlock: Vec<String>,
    /// AppArmor profile, unconfined for none
    #[arg(long, value_name = "PROFILE")]
    pub apparmor: Option<String>,
    /// SELinux label
    #[arg(long, value_name = "USER:ROLE:TYPE:LEVEL", conflicts_with = "apparmor")]
    pub selinux_label: Option<String>,
    /// Keep the caller's session keyring, not one of its own
    #[arg(long)]
    pub keep_keyring: bool,
    /// docker's words for the above: no-new-privileges, seccomp=FILE, apparmor=PROFILE,
    /// label=disable, systempaths=unconfined
    #[arg(long, value_name = "WORD[=VALUE]")]
    pub security_opt: Vec<String>,
}
