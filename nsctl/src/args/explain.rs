//! `nsctl explain`: the options as typed.

use std::ffi::OsString;

use clap::Args;

/// Say what a command line does, step by step, and why
///
/// `nsctl explain run …` prints every step of that run with its reason and its man page, and runs
/// nothing. A line of unshare, nsenter, docker run, podman run or bwrap is turned into one of
/// nsctl, with what is not the same.
#[derive(Debug, Args)]
#[command(
    override_usage = "nsctl explain [--shell] run [OPTIONS] COMMAND [ARG]...\n       \
                      nsctl explain unshare|nsenter|docker run|podman run|bwrap [ARG]...",
    after_help = "Examples: nsctl explain run --hostname bird -- bash\n          \
                  nsctl explain unshare -Urpf --mount-proc bash"
)]
pub struct ExplainArgs {
    /// Print the commands of a shell that do the same, as `run --dry-run=shell`
    #[arg(long)]
    pub shell: bool,
    /// The line, from its verb or its tool on
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "LINE"
    )]
    pub line: Vec<OsString>,
}
