//! Options of the verbs about namespaces that exist.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `nsctl ns`
#[derive(Debug, Subcommand)]
pub enum NsArgs {
    /// List the namespaces of this machine
    Ls(LsArgs),
    /// Release a namespace that `run --persist` keeps in a file
    Drop {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// List the namespaces of this machine
///
/// Found are those of processes and of single threads, those that are kept by an open descriptor,
/// a socket (as root) or a bind mount here or in another mount namespace, and those that own
/// others or that others are nested in. What could not be read is counted and said.
#[derive(Debug, Args)]
#[command(after_help = "\
Columns: id unique kind procs pid user uid command owner parent kept container hostname depth map
         detail

Filters: COLUMN=TEXT, !=, ~ (contains), !~, and for numbers < <= > >=, joined by && and ||,
         with ! and ( )

Examples:
  nsctl ns ls -t net -t user          networks and user namespaces
  nsctl ns ls -p 4711                 those of one process
  nsctl ns ls --persistent            those that live on without a process
  nsctl ns ls -F 'kind=mnt && procs>3 && user!=root' --sort -procs
  nsctl ns ls --json | jq '.namespaces[] | select(.hostname)'")]
pub struct LsArgs {
    /// Only these kinds: user, cgroup, ipc, uts, net, pid, time, mnt
    #[arg(short = 't', long = "type", value_name = "KIND,...", value_delimiter = ',')]
    pub kinds: Vec<String>,
    /// Only those of this process; self is nsctl's own
    #[arg(short, long, visible_alias = "task", value_name = "PID")]
    pub pid: Option<String>,
    /// Only those without a process
    #[arg(short = 'P', long)]
    pub persistent: bool,
    /// Only those for which this holds, such as 'kind=net && procs>1'
    #[arg(short = 'F', long, visible_short_alias = 'Q', value_name = "EXPR")]
    pub filter: Option<String>,
    /// Order by this column; -COLUMN turns it around
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true, default_value = "id")]
    pub sort: String,
    /// These columns, or all
    #[arg(
        short = 'o',
        long = "output",
        visible_alias = "columns",
        value_name = "COLUMN,...",
        value_delimiter = ','
    )]
    pub columns: Vec<String>,
    /// Look at processes only, and tell no owners and parents: the quickest
    #[arg(long, conflicts_with = "persistent")]
    pub quick: bool,
    /// JSON, with all columns
    #[arg(short = 'J', long)]
    pub json: bool,
    /// Whole lines, however wide the terminal is
    #[arg(long)]
    pub no_trunc: bool,
    /// No titles
    #[arg(short = 'n', long, visible_alias = "noheadings")]
    pub no_headings: bool,
}
