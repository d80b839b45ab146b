//! The command line: verbs, and what is common to them.

mod dry_run;
mod init_file;
mod ns;

use std::mem::ManuallyDrop;

use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::args::RunArgs;
use crate::error::{self, Error};
use crate::inherited::Inherited;
use crate::{exit, foreground, resolve};

use init_file::InitFileArgs;
use ns::NsArgs;

/// Linux namespaces made usable: run, show, explain and enter them.
#[derive(Debug, Parser)]
#[command(
    name = "nsctl",
    version,
    long_version = concat!(env!("CARGO_PKG_VERSION"), "\nstart: ", env!("NSCTL_START")),
    max_term_width = 100,
    disable_help_subcommand = true
)]
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
    /// Write the init out, as a file for images and other runtimes
    InitFile(InitFileArgs),
}

/// Reads the command line, does what it says, and returns the exit status.
pub fn main(inherited: &Inherited) -> i32 {
    let cli = match parse() {
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
        Verb::Run(args) => run(*args, inherited),
        Verb::Ns(args) => ns::main(args),
        Verb::InitFile(args) => init_file::main(&args),
    };
    outcome.unwrap_or_else(|error| error::report(&error))
}

/// `Cli::try_parse`, without tidying up: freeing hundreds of small things takes time, and what is
/// allocated next would be spread over their places, in pages that are copied after a fork.
fn parse() -> Result<Cli, clap::Error> {
    let mut command = ManuallyDrop::new(Cli::command());
    let mut matches = ManuallyDrop::new(command.try_get_matches_from_mut(std::env::args_os())?);
    Cli::from_arg_matches_mut(&mut matches).map_err(|wrong| wrong.format(&mut command))
}

fn run(args: RunArgs, inherited: &Inherited) -> Result<i32, Error> {
    let form = args.dry_run;
    let request = resolve::run(args, inherited)?;
    match form {
        None => foreground::run(request),
        Some(form) => dry_run::print(request, form),
    }
}

/// Quiet costs nothing: no logger is made unless one is asked for.
fn start_logging(verbose: bool) {
    if verbose || std::env::var_os("RUST_LOG").is_some() {
        let default = if verbose { "debug" } else { "error" };
        let environment = env_logger::Env::default().default_filter_or(default);
        env_logger::Builder::from_env(environment).format_timestamp(None).init();
    }
}
