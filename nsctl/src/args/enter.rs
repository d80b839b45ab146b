//! `nsctl enter`: the options as typed, with nsenter's letters and words.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// Run a command in the namespaces of a process, with all rights there
///
/// TARGET is a pid, a container of `nsctl ps`, a number of `nsctl ns ls`, or a namespace file. Of a
/// process all namespaces are entered that differ from the caller's, or the kinds that are named;
/// it is held by a descriptor, so that no later process with its number is meant. Without root it
/// works for what the same user made, nested user namespaces included.
///
/// Nothing is taken away inside: no system-call filter, all capabilities of the user namespace. For
/// a container's own rights there is `nsctl exec`. The exit status is the command's.
#[derive(Debug, Args)]
#[command(
    override_usage = "nsctl enter [OPTIONS] TARGET [COMMAND [ARG]...]\n       \
                      nsctl enter [OPTIONS] -t PID [COMMAND [ARG]...]",
    after_help = "\
Examples:
  nsctl enter web                     a shell in everything that the container web has
  nsctl enter 4711 ps                 all namespaces of a process
  nsctl enter --net 4711 ss -lt       its network only
  nsctl enter /run/netns/lab ip addr  a namespace in a file
  nsctl enter -t 4711 -m -u bash      nsenter's way"
)]
pub struct EnterArgs {
    /// The process; then all words are the command
    #[arg(short, long, value_name = "PID")]
    pub target: Option<String>,
    /// All namespaces that differ, which is the default
    #[arg(short, long)]
    pub all: bool,
    /// Mount namespace
    #[arg(short, long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub mount: Option<Option<PathBuf>>,
    /// UTS (host name) namespace
    #[arg(short, long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub uts: Option<Option<PathBuf>>,
    /// IPC namespace
    #[arg(short, long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub ipc: Option<Option<PathBuf>>,
    /// Network namespace
    #[arg(short, long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub net: Option<Option<PathBuf>>,
    /// Process id namespace
    #[arg(short, long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub pid: Option<Option<PathBuf>>,
    /// User namespace
    #[arg(short = 'U', long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub user: Option<Option<PathBuf>>,
    /// Cgroup namespace
    #[arg(short = 'C', long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub cgroup: Option<Option<PathBuf>>,
    /// Time namespace
    #[arg(short = 'T', long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub time: Option<Option<PathBuf>>,
    /// Network namespace of a socket: a descriptor of the process, or of another one
    #[arg(short = 'N', long, value_name = "FD|PID:FD", conflicts_with = "net")]
    pub net_socket: Option<String>,
    /// The user namespace around the one that would be entered
    #[arg(long)]
    pub user_parent: bool,
    /// Root directory inside; the process's own where none is named, as with all namespaces
    #[arg(short, long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub root: Option<Option<PathBuf>>,
    /// Working directory inside; the process's own where none is named. Unlike nsenter's, it is
    /// never one of ours: what runs inside could leave by it
    #[arg(short, long, visible_alias = "wdns", value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub wd: Option<Option<PathBuf>>,
    /// The same, with nsenter's letter
    #[arg(short = 'W', value_name = "DIR", conflicts_with = "wd")]
    pub wd_inside: Option<PathBuf>,
    /// Join the process's control groups
    #[arg(short = 'c', long)]
    pub join_cgroup: bool,
    /// The process's environment, not the caller's
    #[arg(short, long)]
    pub env: bool,
    /// Become this user inside
    #[arg(short = 'S', long, value_name = "UID")]
    pub setuid: Option<String>,
    /// Become this group inside
    #[arg(short = 'G', long, value_name = "GID")]
    pub setgid: Option<String>,
    /// Leave user, group and groups as they are
    #[arg(long, conflicts_with_all = ["setuid", "setgid"])]
    pub preserve_credentials: bool,
    /// Keep capabilities also when the command is not root's
    #[arg(long)]
    pub keep_caps: bool,
    /// Give the command a terminal of its own, also when ours is none
    #[arg(long, conflicts_with = "no_tty")]
    pub tty: bool,
    /// Give it our standard streams even when they are a terminal
    #[arg(long)]
    pub no_tty: bool,
    /// TARGET, unless -t was given, and the command: $SHELL or sh
    #[arg(trailing_var_arg = true, allow_hyphen_values = false, value_name = "TARGET")]
    pub words: Vec<OsString>,
}
