//! What `nsctl run` takes about the health of a container.

use clap::Args;

/// `--health-…`, docker's words and defaults.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Detached")]
pub struct HealthArgs {
    /// Run this in the container again and again: 0 means healthy; for /bin/sh, or a JSON array
    #[arg(long, value_name = "COMMAND", requires = "detach")]
    pub health_cmd: Option<String>,
    /// Between two checks, and before the first: 30s, 1m30s, 500ms; 30s when not said
    #[arg(long, value_name = "TIME", requires = "health_cmd")]
    pub health_interval: Option<String>,
    /// A check that takes longer is killed and has failed; 30s when not said
    #[arg(long, value_name = "TIME", requires = "health_cmd")]
    pub health_timeout: Option<String>,
    /// So many failures in a row make it unhealthy; 3 when not said
    #[arg(long, value_name = "N", requires = "health_cmd",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub health_retries: Option<u32>,
    /// How long after the start failures do not count
    #[arg(long, value_name = "TIME", requires = "health_cmd")]
    pub health_start_period: Option<String>,
    /// Check nothing
    #[arg(long, conflicts_with = "health_cmd")]
    pub no_healthcheck: bool,
}
