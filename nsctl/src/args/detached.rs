//! What `nsctl run` takes for containers that live on their own.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::HealthArgs;

/// What `nsctl run` takes for them.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Detached")]
pub struct LifeArgs {
    /// Run in the background and print the id, once the command runs
    #[arg(short, long)]
    pub detach: bool,
    /// Remove the container when it ended; in the foreground nothing is ever left
    #[arg(long)]
    pub rm: bool,
    /// Start it again when it ended: no, always, on-failure, on-failure:TIMES
    #[arg(long, value_name = "POLICY", requires = "detach", conflicts_with = "rm")]
    pub restart: Option<String>,
    /// A note on the container
    #[arg(short, long, value_name = "KEY[=VALUE]")]
    pub label: Vec<String>,
    /// Write the id here; the file must not exist
    #[arg(long, value_name = "FILE", requires = "detach")]
    pub cidfile: Option<PathBuf>,
    /// Stay at it, and let it live on when these keys are typed: ctrl-p,ctrl-q
    #[arg(long, value_name = "KEYS", conflicts_with = "detach")]
    pub detach_keys: Option<String>,
    /// Pass signals on; without that, one ends nsctl, and the command lives on
    #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set, default_value_t = true,
          num_args = 0..=1, require_equals = true, default_missing_value = "true",
          conflicts_with = "detach")]
    pub sig_proxy: bool,
    /// Seconds that `nsctl stop` waits before it kills
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub stop_timeout: u32,
    /// Kill it when it has run for so many seconds; each time it is started
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub timeout: Option<u32>,
    /// What becomes of the output: json-file (docker's format), file (as it came), journald, none
    #[arg(long, value_enum, value_name = "DRIVER", default_value_t = LogDriver::JsonFile)]
    pub log_driver: LogDriver,
    /// docker's words: max-size=SIZE, max-file=N, and tag=TEXT for journald
    #[arg(long, value_name = "KEY=VALUE")]
    pub log_opt: Vec<String>,
    /// Begin a new file when one has this size, in bytes: 10m, 512k
    #[arg(long, value_name = "SIZE", default_value = "10m")]
    pub log_max_size: String,
    /// Start the one in this directory again
    #[arg(long, hide = true, value_name = "DIR")]
    pub again: Option<PathBuf>,
    /// Run nothing, and hold the namespaces of a pod
    #[arg(long, hide = true, requires = "detach")]
    pub holds_pod: bool,
    /// Keep this many files
    #[arg(long, value_name = "N", default_value_t = 2,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub log_max_files: u32,

    /// Whether it does what it is there for
    #[command(flatten)]
    pub health: HealthArgs,
}

/// As when nothing is typed; `nsctl exec` and `enter` make a run without a command line.
impl Default for LifeArgs {
    fn default() -> Self {
        LifeArgs {
            detach: false,
            rm: false,
            restart: None,
            label: Vec::new(),
            cidfile: None,
            detach_keys: None,
            sig_proxy: true,
            stop_timeout: 10,
            timeout: None,
            log_driver: LogDriver::JsonFile,
            log_opt: Vec::new(),
            log_max_size: "10m".into(),
            again: None,
            holds_pod: false,
            log_max_files: 2,
            health: HealthArgs::default(),
        }
    }
}

/// `--log-driver`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogDriver {
    /// A line of JSON for each line
    JsonFile,
    /// The bytes
    File,
    /// Nothing is kept
    None,
    /// systemd's journal
    Journald,
    /// Not here
    #[value(hide = true, name = "syslog", aliases = ["fluentd", "gelf", "k8s-file", "local"])]
    Other,
}
