//! The command line: verbs, and what is common to them.

mod ns;
mod run;

use clap::{ArgAction, Parser, Subcommand};

use crate::error;
use crate::exit;
use crate::inherited::Inherited;

use ns::NsArgs;
pub use run::{PropagationArg, RunArgs, SeccompArg, SetgroupsArg};

/// Linux namespaces made usable: run, show, explain and enter them.
#[derive(Debug, Parser)]
#[command(name = "nsctl", version, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    /// Show each step with its time; RUST_LOG chooses more finely
    #[arg(short, long, action = ArgAction::SetTrue)]
    verbose: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a command in namespaces of its own
    Run(Box<RunArgs>),
    /// Work with namespaces that exist
    #[command(subcommand)]
    Ns(NsArgs),
}

/// Reads the command line, does what it says, and returns the exit status.
pub fn main(inherited: &Inherited) -> i32 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(wrong) => {
            // clap prints help to stdout, mistakes to stderr.
            if wrong.use_stderr() {
                return error::report_usage(&wrong.render().to_string());
            }
            return if wrong.print().is_err() { exit::OWN_FAILURE } else { 0 };
        }
    };
    start_logging(cli.verbose);
    let outcome = match cli.verb {
        Verb::Run(args) => run::main(*args, inherited),
        Verb::Ns(args) => ns::main(args),
    };
    outcome.unwrap_or_else(|error| error::report(&error))
}

/// Quiet costs nothing: no logger is made unless one is asked for.
fn start_logging(verbose: bool) {
    if verbose || std::env::var_os("RUST_LOG").is_some() {
        let default = if verbose { "debug" } else { "error" };
        let environment = env_logger::Env::default().default_filter_or(default);
        env_logger::Builder::from_env(environment).format_timestamp(None).init();
    }
}
