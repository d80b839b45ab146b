//! Options of the verbs about namespaces that exist.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `nsctl ns`; a verb without a line here is described by its options
#[derive(Debug, Subcommand)]
pub enum NsArgs {
    Ls(LsArgs),
    /// Show what owns what, what is nested in what, or which process is where
    Tree(TreeArgs),
    /// Show all about one process's namespaces, or about one namespace
    Show(ShowArgs),
    Diff(DiffArgs),
    /// Draw namespaces and the processes in them
    Graph(GraphArgs),
    /// Tell which capabilities a process has towards a namespace, and why
    Can(CanArgs),
    /// Tell which namespaces begin and end, while they do
    Watch(WatchArgs),
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
Columns: id unique kind procs pid user uid command owner parent kept container hostname addresses
         depth map detail

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
    /// A line for each: {{.ID}}, {{json .}}, table {{.Kind}}\t{{.Command}}; fields are the columns
    #[arg(long, value_name = "TEMPLATE", conflicts_with_all = ["json", "columns", "quick"])]
    pub format: Option<String>,
    /// Whole lines, however wide the terminal is
    #[arg(long)]
    pub no_trunc: bool,
    /// No titles
    #[arg(short = 'n', long, visible_alias = "noheadings")]
    pub no_headings: bool,
}

/// `nsctl ns tree`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nsctl ns tree                       what each user namespace owns
  nsctl ns tree --by parent           how pid and user namespaces are nested
  nsctl ns tree --by process -t net   which processes are in another network than their parent")]
pub struct TreeArgs {
    /// What makes the tree
    #[arg(long, value_enum, value_name = "owner|parent|process", default_value_t = TreeBy::Owner)]
    pub by: TreeBy,
    /// Only these kinds
    #[arg(short = 't', long = "type", value_name = "KIND,...", value_delimiter = ',')]
    pub kinds: Vec<String>,
    /// Whole lines, however wide the terminal is
    #[arg(long)]
    pub no_trunc: bool,
}

/// `--by`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TreeBy {
    /// User namespaces and what they own
    Owner,
    /// Pid and user namespaces and what they are nested in
    Parent,
    /// Processes that are elsewhere than their parent
    Process,
}

/// `nsctl ns show`
#[derive(Debug, Args)]
#[command(after_help = "Example: nsctl ns show 4711; nsctl ns show web; nsctl ns show 4026531840")]
pub struct ShowArgs {
    /// A JSON object
    #[arg(short = 'J', long)]
    pub json: bool,
    /// A line: {{.Hostname}}, {{json .Addresses}}; what --json shows are the fields
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "json")]
    pub format: Option<String>,
    /// A pid, a container, a number of `nsctl ns ls`, a file
    #[arg(value_name = "PID|NAME|ID|FILE")]
    pub target: String,
}

/// Compare the namespaces of two processes, containers or files
///
/// Prints for each kind whether they are in the same one, and what the difference shows: host
/// names, mounts, interfaces, addresses, id maps, rights, clock offsets, cgroup paths, roots. The
/// exit status is 0 when nothing differs and 1 when something does.
#[derive(Debug, Args)]
#[command(after_help = "Example: nsctl ns diff self 4711; nsctl ns diff web db")]
pub struct DiffArgs {
    /// A JSON object
    #[arg(short = 'J', long)]
    pub json: bool,
    /// All lines, however many
    #[arg(short, long)]
    pub all: bool,
    /// A pid, a container, a number of `nsctl ns ls`, a file; self is nsctl
    #[arg(value_name = "A")]
    pub one: String,
    /// Another one
    #[arg(value_name = "B")]
    pub other: String,
}

/// Draw namespaces and the processes in them
///
/// User namespaces with all that they own, what is nested in what, and beside them the processes,
/// those together that are in the same namespaces. The page is one file that needs no network; it
/// can be searched and folded.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nsctl ns graph -o here.html         a page to look around in
  nsctl ns graph -o here.svg          a drawing
  nsctl ns graph --dot | dot -Tpdf    laid out by graphviz
  nsctl ns graph -t net,user -F 'container=web' --svg")]
pub struct GraphArgs {
    /// In the language of graphviz
    #[arg(long, conflicts_with_all = ["svg", "html"])]
    pub dot: bool,
    /// As a drawing
    #[arg(long, conflicts_with = "html")]
    pub svg: bool,
    /// As a page
    #[arg(long)]
    pub html: bool,
    /// Write it there; the ending, .dot, .gv, .svg or .html, says what it is
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only these kinds, and the user namespaces that own them
    #[arg(short = 't', long = "type", value_name = "KIND,...", value_delimiter = ',')]
    pub kinds: Vec<String>,
    /// Only those for which this holds, as for nsctl ns ls, and what owns them
    #[arg(short = 'F', long, value_name = "EXPR")]
    pub filter: Option<String>,
}

/// Tell which capabilities a process has towards a namespace, and why
///
/// Rights over a namespace count in the user namespace that owns it. The rules of
/// user_namespaces(7) and setns(2) are followed step by step, each with where it is written. The
/// exit status is 0 when the process has some capability there and 1 when it has none.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nsctl ns can self web               what you may do to a container's namespaces
  nsctl ns can 4711 /run/netns/lab    whether a process may change a network
  nsctl ns can -t net 4711 1          whether it may change the machine's")]
pub struct CanArgs {
    /// Only these kinds of namespaces, where all of a process's are meant
    #[arg(short = 't', long = "type", value_name = "KIND,...", value_delimiter = ',')]
    pub kinds: Vec<String>,
    /// A JSON object
    #[arg(short = 'J', long)]
    pub json: bool,
    /// Who: a pid, a container; self is nsctl
    #[arg(value_name = "PID|NAME")]
    pub process: String,
    /// Where: a number of `nsctl ns ls`, a file, or a pid or container for all of its namespaces
    #[arg(value_name = "ID|FILE|PID|NAME")]
    pub namespace: String,
}

/// Tell which namespaces begin and end, while they do
///
/// Where the kernel tells of processes (the machine's root; the proc connector), only those are
/// looked at that changed; what makes no process, such as a mount, is seen within ten intervals.
/// Elsewhere all are looked at once an interval. What lives shorter than a look takes is not seen.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nsctl ns watch                      until ^C
  nsctl ns watch -t net,user          networks and user namespaces
  nsctl ns watch -F 'user!=root'      those of others
  nsctl ns watch --json | jq 'select(.event == \"created\")'")]
pub struct WatchArgs {
    /// Only these kinds
    #[arg(short = 't', long = "type", value_name = "KIND,...", value_delimiter = ',')]
    pub kinds: Vec<String>,
    /// Only those for which this holds when they are first seen, as for nsctl ns ls
    #[arg(short = 'F', long, value_name = "EXPR")]
    pub filter: Option<String>,
    /// How often to look, where the kernel does not tell
    #[arg(short, long, value_name = "SECONDS", default_value = "1")]
    pub interval: String,
    /// Look once an interval, also where the kernel would tell
    #[arg(long)]
    pub poll: bool,
    /// Whole lines, however wide the terminal is
    #[arg(long)]
    pub no_trunc: bool,
    /// A JSON object a line; the first has the event "ready": nothing is missed from then on
    #[arg(short = 'J', long)]
    pub json: bool,
}
