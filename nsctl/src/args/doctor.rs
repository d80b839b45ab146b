//! `nsctl doctor`: the options as typed.

use std::ffi::OsString;

use clap::Args;

/// Tell what works here, and why the rest does not
///
/// Each check is tried for real, in a process of its own that leaves nothing behind. What fails
/// comes with its cause, which was seen on this machine, and with what helps.
///
/// Exit status: 0 when all that was asked for works (without WHAT: all that a plain `nsctl run`
/// needs), 1 when not, 125 when nsctl itself failed.
#[derive(Debug, Args)]
#[command(
    override_usage = "nsctl doctor [--json] [WHAT]...\n       \
                      nsctl doctor [--json] -- [run [OPTIONS]] COMMAND [ARG]...",
    after_help = "Examples: nsctl doctor network overlay\n          \
                  nsctl doctor -- run --rootfs DIR --map-auto sh"
)]
pub struct DoctorArgs {
    /// Checks, as `nsctl doctor` lists them, or groups of them: rootless, network, all
    #[arg(value_name = "WHAT")]
    pub what: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// A run to find out about: all is made as for a real one, and the command is ended before
    /// it can do anything
    #[arg(last = true, value_name = "COMMAND")]
    pub line: Vec<OsString>,
}
