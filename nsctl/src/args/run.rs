//! `nsctl run`: the options as typed.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};
use nsshim::spec::{Kind, Together};

use super::{CgroupArgs, LifeArgs, RightsArgs, RootArgs};

/// Run a command in namespaces of its own
///
/// Without root: the caller becomes root inside, in new user, mount, pid, uts, ipc,
/// net and cgroup namespaces. The root file system is the host's, with an own /proc,
/// /dev and /sys. Rights are docker's defaults.
///
/// Exit status: the command's; 128+n when signal n ended it; 125 when nsctl failed,
/// 126 when the command cannot be executed, 127 when there is none.
#[derive(Debug, Default, Args)]
#[command(
    override_usage = "nsctl run [OPTIONS] [--] COMMAND [ARG]...",
    after_help = "Example: nsctl run --hostname bird -- sh -c 'hostname; ps'"
)]
pub struct RunArgs {
    /// The command and its arguments
    #[arg(
        required_unless_present = "holds_pod",
        trailing_var_arg = true,
        allow_hyphen_values = false,
        value_name = "COMMAND"
    )]
    pub command: Vec<OsString>,

    /// Print what would be done, or the commands of a shell that do the same
    #[arg(long, value_enum, value_name = "plan|shell", num_args = 0..=1, require_equals = true,
          default_missing_value = "plan")]
    pub dry_run: Option<DryRun>,

    /// Network namespace: new, host, container:NAME, pid:PID, path:FILE
    #[arg(long, visible_alias = "network", value_name = "NS", help_heading = "Namespaces")]
    pub net: Option<String>,
    /// Process id namespace
    #[arg(long, value_name = "NS", help_heading = "Namespaces")]
    pub pid: Option<String>,
    /// IPC namespace
    #[arg(long, value_name = "NS", help_heading = "Namespaces")]
    pub ipc: Option<String>,
    /// UTS (host name) namespace
    #[arg(long, value_name = "NS", help_heading = "Namespaces")]
    pub uts: Option<String>,
    /// User namespace; as root, host is the default
    #[arg(long, value_name = "NS", help_heading = "Namespaces")]
    pub userns: Option<String>,
    /// Cgroup namespace
    #[arg(long, value_name = "NS", help_heading = "Namespaces")]
    pub cgroupns: Option<String>,
    /// Mount namespace
    #[arg(long, value_name = "NS", help_heading = "Namespaces")]
    pub mntns: Option<String>,
    /// Time namespace; host is the default without --time-offset
    #[arg(long, value_name = "NS", help_heading = "Namespaces")]
    pub timens: Option<String>,
    /// Share these namespaces with the host
    #[arg(long, value_name = "KIND,...", value_delimiter = ',', help_heading = "Namespaces")]
    pub share: Vec<String>,
    /// Share net, ipc and uts with the containers of this pod; the first run makes it, and it
    /// ends with the last
    #[arg(long, value_name = "[new:]NAME", help_heading = "Namespaces")]
    pub pod: Option<String>,
    /// Keep a new namespace in a file, for path:FILE and `nsctl ns drop`
    #[arg(long, value_name = "KIND=FILE", help_heading = "Namespaces")]
    pub persist: Vec<String>,
    /// Host name inside
    #[arg(long, value_name = "NAME", help_heading = "Namespaces")]
    pub hostname: Option<OsString>,
    /// NIS domain name inside
    #[arg(long, value_name = "NAME", help_heading = "Namespaces")]
    pub domainname: Option<OsString>,
    /// Seconds added to clocks inside, such as boottime=86400,monotonic=-0.5
    #[arg(
        long,
        value_name = "CLOCK=SECONDS,...",
        help_heading = "Namespaces",
        allow_hyphen_values = true
    )]
    pub time_offset: Vec<String>,
    /// Seconds added to CLOCK_MONOTONIC inside
    #[arg(long, value_name = "SECONDS", help_heading = "Namespaces", allow_hyphen_values = true)]
    pub monotonic: Option<String>,
    /// Seconds added to CLOCK_BOOTTIME inside
    #[arg(long, value_name = "SECONDS", help_heading = "Namespaces", allow_hyphen_values = true)]
    pub boottime: Option<String>,
    /// Which mounts travel: private (none), slave (the host's come in), shared (both), unchanged
    #[arg(long, value_enum, value_name = "MODE", help_heading = "Namespaces")]
    pub propagation: Option<PropagationArg>,

    #[command(flatten)]
    pub root: RootArgs,

    /// Stay the caller's user and group inside
    #[arg(long, visible_alias = "map-current-user", short_alias = 'c', help_heading = "Identity")]
    pub keep_id: bool,
    /// Become root inside, besides the ranges of --map-users
    #[arg(long, help_heading = "Identity", conflicts_with = "keep_id")]
    pub map_root_user: bool,
    /// Map the caller's user to this one
    #[arg(long, value_name = "UID|NAME", help_heading = "Identity", conflicts_with_all = ["keep_id", "map_root_user"], allow_negative_numbers = true)]
    pub map_user: Option<String>,
    /// Map the caller's group to this one
    #[arg(long, value_name = "GID|NAME", help_heading = "Identity", conflicts_with_all = ["keep_id", "map_root_user"], allow_negative_numbers = true)]
    pub map_group: Option<String>,
    /// Map users: INSIDE:OUTSIDE:COUNT, auto (the first range of /etc/subuid from 0 on),
    /// subids (those ranges as they are), all (every id as it is), none
    #[arg(long, value_name = "MAP", help_heading = "Identity", allow_negative_numbers = true)]
    pub map_users: Vec<String>,
    /// Map groups likewise
    #[arg(long, value_name = "MAP", help_heading = "Identity", allow_negative_numbers = true)]
    pub map_groups: Vec<String>,
    /// The same as --map-users auto --map-groups auto
    #[arg(long, help_heading = "Identity", conflicts_with_all = ["map_users", "map_groups"])]
    pub map_auto: bool,
    /// Whether setgroups(2) works inside
    #[arg(long, value_enum, value_name = "allow|deny", help_heading = "Identity")]
    pub setgroups: Option<SetgroupsArg>,
    /// User and group inside
    #[arg(
        short,
        long,
        value_name = "USER[:GROUP]",
        help_heading = "Identity",
        allow_hyphen_values = true
    )]
    pub user: Option<String>,
    /// Supplementary groups inside
    #[arg(long, value_name = "GROUP,...", value_delimiter = ',', help_heading = "Identity")]
    pub groups: Vec<String>,
    /// Keep the caller's supplementary groups
    #[arg(long, help_heading = "Identity", conflicts_with = "groups")]
    pub keep_groups: bool,

    /// Set an environment variable; NAME alone takes the caller's value
    #[arg(short, long, value_name = "NAME[=VALUE]", help_heading = "Process")]
    pub env: Vec<OsString>,
    /// Set the variables in a file, one NAME[=VALUE] a line
    #[arg(long, value_name = "FILE", help_heading = "Process")]
    pub env_file: Vec<PathBuf>,
    /// Start from an empty environment, not the caller's
    #[arg(long, help_heading = "Process")]
    pub clear_env: bool,
    /// Working directory inside
    #[arg(short, long, value_name = "DIR", help_heading = "Process")]
    pub workdir: Option<PathBuf>,
    /// Resource limit, such as nofile=1024:4096 or core=unlimited
    #[arg(
        long,
        visible_alias = "ulimit",
        value_name = "NAME=SOFT[:HARD]",
        help_heading = "Process"
    )]
    pub rlimit: Vec<String>,
    /// File mode creation mask, octal
    #[arg(long, value_name = "MASK", help_heading = "Process")]
    pub umask: Option<String>,
    /// What the command is told it is called
    #[arg(long, value_name = "NAME", help_heading = "Process")]
    pub argv0: Option<OsString>,
    /// Pass N descriptors on, from 3
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        help_heading = "Process",
        allow_negative_numbers = true
    )]
    pub preserve_fds: u32,
    /// Nice value, -20 to 19
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Process",
          value_parser = clap::value_parser!(i32).range(-20..=19))]
    pub nice: Option<i32>,
    /// How early it is killed when memory runs out, -1000 to 1000; less than ours needs root
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Process",
          value_parser = clap::value_parser!(i32).range(-1000..=1000))]
    pub oom_score_adj: Option<i32>,
    /// A name that no other running container has
    #[arg(long, value_name = "NAME", help_heading = "Process")]
    pub name: Option<String>,
    /// What the command gets when nsctl is told to terminate
    #[arg(long, value_name = "SIGNAL", help_heading = "Process")]
    pub stop_signal: Option<String>,
    /// Write the host's pid of the container's first process here
    #[arg(long, value_name = "FILE", help_heading = "Process")]
    pub pid_file: Option<PathBuf>,
    /// Write what happens to this descriptor, as lines of JSON
    #[arg(long, value_name = "FD", help_heading = "Process", allow_negative_numbers = true)]
    pub status_fd: Option<i32>,
    /// Run the command as PID 1 itself
    #[arg(long, help_heading = "Process")]
    pub no_init: bool,
    /// Accepted for those used to it: there is always an init
    #[arg(long, hide = true, conflicts_with = "no_init")]
    pub init: bool,

    /// Give the command a terminal of its own, also when ours is none
    #[arg(short, long, help_heading = "Terminal", conflicts_with = "no_tty")]
    pub tty: bool,
    /// Give it our standard streams even when they are a terminal
    #[arg(long, help_heading = "Terminal")]
    pub no_tty: bool,
    /// Keep standard input open (it always is)
    #[arg(short, long, help_heading = "Terminal")]
    pub interactive: bool,

    /// What the command may do
    #[command(flatten)]
    pub rights: RightsArgs,

    /// A control group of its own
    #[command(flatten)]
    pub cgroup: CgroupArgs,

    /// A life of its own
    #[command(flatten)]
    pub life: LifeArgs,

    /// The process whose namespaces are joined at once; `nsctl enter`
    #[arg(skip)]
    pub together: Option<Together>,
    /// Whether ids and groups stay as they are in a joined user namespace; `nsctl enter`
    #[arg(skip)]
    pub preserve_credentials: bool,
    /// What all these were read by
    #[arg(skip)]
    pub leftover: Leftover,
}

/// What is of no use any more, and not freed because that takes time.
#[derive(Default)]
pub struct Leftover(pub Vec<Box<dyn fmt::Debug>>);

impl fmt::Debug for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leftover")
    }
}

/// `nsctl run`, without the other verbs: making them all costs time and memory at every start,
/// and the shim keeps a copy of the memory.
#[derive(Debug, Parser)]
#[command(name = "nsctl run", max_term_width = 100)]
pub struct RunAlone {
    /// The options
    #[command(flatten)]
    pub args: RunArgs,
    /// Where containers are kept, before NSCTL_STATE_DIR
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

/// `--propagation`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PropagationArg {
    /// MS_PRIVATE
    Private,
    /// MS_SLAVE
    Slave,
    /// MS_SHARED
    Shared,
    /// As the host has it
    Unchanged,
}

/// `--setgroups`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SetgroupsArg {
    /// It works
    Allow,
    /// It is denied
    Deny,
}

/// `--dry-run`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// One line a step
    Plan,
    /// Commands that do the same
    Shell,
}

/// The option for a kind of namespace.
pub fn namespace_option(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "--userns",
        Kind::Cgroup => "--cgroupns",
        Kind::Ipc => "--ipc",
        Kind::Uts => "--uts",
        Kind::Net => "--net",
        Kind::Pid => "--pid",
        Kind::Time => "--timens",
        Kind::Mnt => "--mntns",
    }
}

impl RunArgs {
    /// What was typed after that option.
    pub fn namespace(&self, kind: Kind) -> Option<&str> {
        let value = match kind {
            Kind::User => &self.userns,
            Kind::Cgroup => &self.cgroupns,
            Kind::Ipc => &self.ipc,
            Kind::Uts => &self.uts,
            Kind::Net => &self.net,
            Kind::Pid => &self.pid,
            Kind::Time => &self.timens,
            Kind::Mnt => &self.mntns,
        };
        value.as_deref()
    }

    /// As if that had been typed after that option.
    pub fn set_namespace(&mut self, kind: Kind, typed: String) {
        let value = match kind {
            Kind::User => &mut self.userns,
            Kind::Cgroup => &mut self.cgroupns,
            Kind::Ipc => &mut self.ipc,
            Kind::Uts => &mut self.uts,
            Kind::Net => &mut self.net,
            Kind::Pid => &mut self.pid,
            Kind::Time => &mut self.timens,
            Kind::Mnt => &mut self.mntns,
        };
        *value = Some(typed);
    }
}

/// What of a run holds for every other command in its container, too.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ForExec {
    /// `--user`
    pub user: Option<String>,
    /// `--groups`
    pub groups: Vec<String>,
    /// `--workdir`
    pub workdir: Option<PathBuf>,
    /// `--umask`
    pub umask: Option<String>,
    /// `--cap-add` and the like
    pub rights: RightsArgs,
}

impl RunArgs {
    /// Just that.
    pub fn for_exec(&self) -> ForExec {
        ForExec {
            user: self.user.clone(),
            groups: self.groups.clone(),
            workdir: self.workdir.clone(),
            umask: self.umask.clone(),
            rights: self.rights.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_typed_is_the_default() {
        let mut parsed = RunAlone::parse_from(["nsctl", "true"]).args;
        assert_eq!(std::mem::take(&mut parsed.command), ["true"]);
        assert_eq!(format!("{parsed:?}"), format!("{:?}", RunArgs::default()));
    }
}
