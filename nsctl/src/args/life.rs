//! The verbs about containers that live on their own.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// `nsctl ps`
#[derive(Debug, Args)]
pub struct PsArgs {
    /// Those that ended, too
    #[arg(short, long)]
    pub all: bool,
    /// Only ids
    #[arg(short, long)]
    pub quiet: bool,
    /// Whole ids and commands
    #[arg(long)]
    pub no_trunc: bool,
    /// A JSON array
    #[arg(long)]
    pub json: bool,
    /// A line for each: {{.Name}}, {{json .}}, table {{.ID}}\t{{.Status}}
    #[arg(long, value_name = "TEMPLATE", conflicts_with_all = ["json", "quiet", "ns"])]
    pub format: Option<String>,
    /// Pids inside and outside, and the namespaces
    #[arg(long, visible_alias = "namespace", conflicts_with_all = ["json", "quiet"])]
    pub ns: bool,
    /// The N that were made last, whether they run or not
    #[arg(short = 'n', long, value_name = "N")]
    pub last: Option<usize>,
    /// The one that was made last
    #[arg(short, long, conflicts_with = "last")]
    pub latest: bool,
    /// Only those: name=TEXT, id=TEXT, status=STATUS, label=KEY[=VALUE], pod=NAME, exited=CODE,
    /// health=starting|healthy|unhealthy|none
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub filter: Vec<String>,
}

/// Verbs that take names only.
#[derive(Debug, Args)]
pub struct NamesArgs {
    /// Names, ids or beginnings of ids
    #[arg(required = true, value_name = "CONTAINER")]
    pub containers: Vec<String>,
}

/// `nsctl inspect`
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Print only the host's pid of the first process
    #[arg(long)]
    pub pid: bool,
    /// A line for each: {{.State.Pid}}, {{json .Config}}
    #[arg(short, long, value_name = "TEMPLATE", conflicts_with = "pid")]
    pub format: Option<String>,
    #[command(flatten)]
    pub names: NamesArgs,
}

/// `nsctl logs`
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Go on as more comes, until the container ends
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last N lines
    #[arg(short = 'n', long, value_name = "N|all")]
    pub tail: Option<String>,
    /// The time before each line
    #[arg(short, long)]
    pub timestamps: bool,
    /// Only from this time on: RFC 3339, a date, seconds since 1970, or so long ago: 90s, 1h30m
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only until this time; following ends then, too
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Name, id or the beginning of an id
    #[arg(value_name = "CONTAINER")]
    pub container: String,
}

/// `nsctl stop`
#[derive(Debug, Args)]
pub struct StopArgs {
    /// Seconds to wait before it is killed; as `run --stop-timeout` said
    #[arg(short, long, value_name = "SECONDS")]
    pub time: Option<u32>,
    /// The signal; as `run --stop-signal` said
    #[arg(short, long, value_name = "SIGNAL")]
    pub signal: Option<String>,
    /// End a pod that has members; they are stopped first
    #[arg(short, long)]
    pub force: bool,
    #[command(flatten)]
    pub names: NamesArgs,
}

/// `nsctl kill`
#[derive(Debug, Args)]
pub struct KillArgs {
    /// The signal
    #[arg(short, long, value_name = "SIGNAL", default_value = "KILL")]
    pub signal: String,
    #[command(flatten)]
    pub names: NamesArgs,
}

/// `nsctl rm`
#[derive(Debug, Args)]
pub struct RmArgs {
    /// Kill it first if it runs; with a pod, kill and remove its members
    #[arg(short, long)]
    pub force: bool,
    #[command(flatten)]
    pub names: NamesArgs,
}

/// `nsctl update`
#[derive(Debug, Args)]
#[command(after_help = "Example: nsctl update --restart always --log-max-size 50m web db")]
pub struct UpdateArgs {
    /// When it is started again: no, always, on-failure, on-failure:TIMES
    #[arg(long, value_name = "POLICY")]
    pub restart: Option<String>,
    /// The signal of `nsctl stop`
    #[arg(long, value_name = "SIGNAL")]
    pub stop_signal: Option<String>,
    /// Seconds that `nsctl stop` waits before it kills
    #[arg(long, value_name = "SECONDS")]
    pub stop_timeout: Option<u32>,
    /// Add a note, or replace the one with this key
    #[arg(short, long, visible_alias = "label-add", value_name = "KEY[=VALUE]")]
    pub label: Vec<String>,
    /// Take the note with this key away
    #[arg(long, value_name = "KEY")]
    pub label_rm: Vec<String>,
    /// docker's words: max-size=SIZE, max-file=N
    #[arg(long, value_name = "KEY=VALUE")]
    pub log_opt: Vec<String>,
    /// Begin a new log file when one has this size, in bytes: 10m, 512k
    #[arg(long, value_name = "SIZE")]
    pub log_max_size: Option<String>,
    /// Keep this many log files
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub log_max_files: Option<u32>,
    #[command(flatten)]
    pub names: NamesArgs,
}

/// `nsctl rename`
#[derive(Debug, Args)]
pub struct RenameArgs {
    /// The container
    #[arg(value_name = "CONTAINER")]
    pub container: String,
    /// Its new name
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// `nsctl attach`
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// Only look
    #[arg(long)]
    pub no_stdin: bool,
    /// Pass signals on to the container
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub sig_proxy: bool,
    /// The keys that detach
    #[arg(long, value_name = "KEYS", default_value = "ctrl-p,ctrl-q")]
    pub detach_keys: String,
    /// Name, id or the beginning of an id
    #[arg(value_name = "CONTAINER")]
    pub container: String,
}

/// `nsctl exec`
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// Leave it to itself once it runs; its output is not kept
    #[arg(short, long, conflicts_with_all = ["tty", "interactive"])]
    pub detach: bool,
    /// Give the command a terminal of its own, also when ours is none
    #[arg(short, long)]
    pub tty: bool,
    /// Keep standard input open (it always is)
    #[arg(short, long)]
    pub interactive: bool,
    /// Set an environment variable
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<OsString>,
    /// User and group inside
    #[arg(short, long, value_name = "USER[:GROUP]", allow_hyphen_values = true)]
    pub user: Option<String>,
    /// Working directory inside
    #[arg(short, long, value_name = "DIR")]
    pub workdir: Option<PathBuf>,
    /// All rights that the container's user namespace has
    #[arg(long)]
    pub privileged: bool,
    /// Name, id or the beginning of an id
    #[arg(value_name = "CONTAINER")]
    pub container: String,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// `nsctl top`
#[derive(Debug, Args)]
pub struct TopArgs {
    /// A JSON array
    #[arg(long)]
    pub json: bool,
    /// Name, id or the beginning of an id
    #[arg(value_name = "CONTAINER")]
    pub container: String,
}

/// `nsctl stats`
#[derive(Debug, Args)]
pub struct StatsArgs {
    /// Once, not every second
    #[arg(long)]
    pub no_stream: bool,
    /// A JSON array a line
    #[arg(long)]
    pub json: bool,
    /// A line for each: {{.Name}}, {{json .}}, table {{.Name}}\t{{.CPUPerc}}
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "json")]
    pub format: Option<String>,
    /// Names, ids or beginnings of ids; all that run
    #[arg(value_name = "CONTAINER")]
    pub containers: Vec<String>,
}

/// `nsctl events`
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// A JSON object a line
    #[arg(long)]
    pub json: bool,
    /// A line for each: {{.Time}} {{.Event}} {{.Name}}, {{json .}}
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "json")]
    pub format: Option<String>,
    /// Only those: event=WORD, container=NAME, health=STATUS
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub filter: Vec<String>,
}

/// `nsctl cp`
#[derive(Debug, Args)]
#[command(after_help = "Example: nsctl cp web:/etc/nginx ./nginx")]
pub struct CpArgs {
    /// What is copied: CONTAINER:PATH or a path here; with /. at its end, what is in it
    #[arg(value_name = "[CONTAINER:]FROM")]
    pub from: String,
    /// Where to: a directory, or the new name
    #[arg(value_name = "[CONTAINER:]TO")]
    pub to: String,
}
