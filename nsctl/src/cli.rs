//! The command line: verbs, and what is common to them.

mod completion;
mod containers;
mod doctor;
mod dry_run;
mod enter;
mod explain;
mod init_file;
pub mod ns;
mod quick;
mod run;
mod usage;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Parser, Subcommand};

use crate::args::{
    AttachArgs, CompleteArgs, CompletionArgs, CpArgs, DoctorArgs, EnterArgs, EventsArgs, ExecArgs,
    ExplainArgs, InspectArgs, KillArgs, LogsArgs, NamesArgs, NsArgs, PsArgs, RenameArgs, RmArgs,
    RunArgs, StatsArgs, StopArgs, TopArgs, UpdateArgs,
};
use crate::error::{self, Error};
use crate::inherited::Inherited;
use crate::{exit, state};

use init_file::InitFileArgs;

/// Linux namespaces made usable: run, show, explain and enter them.
#[derive(Debug, Parser)]
#[command(
    name = "nsctl",
    version,
    long_version = concat!(env!("CARGO_PKG_VERSION"), "\nstart: ", env!("NSCTL_START")),
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// Show each step with its time; RUST_LOG chooses more finely
    #[arg(short, long, action = ArgAction::SetTrue)]
    verbose: bool,
    /// Where containers are kept, before NSCTL_STATE_DIR
    #[arg(long, global = true, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

/// A verb without a line here is described by its options, at more length.
#[derive(Debug, Subcommand)]
enum Verb {
    Run(Box<RunArgs>),
    /// List containers
    Ps(PsArgs),
    /// Show all that is known of containers
    Inspect(InspectArgs),
    /// Show what a container said
    Logs(LogsArgs),
    /// Run another command in a container
    Exec(Box<ExecArgs>),
    /// Put this terminal on a container's
    Attach(AttachArgs),
    /// End containers, by force after a while
    Stop(StopArgs),
    /// Signal containers
    Kill(KillArgs),
    /// Start containers again that ended
    Start(NamesArgs),
    /// Stop containers and start them again
    Restart(NamesArgs),
    /// Stop all processes of containers until they are unpaused
    Pause(NamesArgs),
    /// Let the processes of containers go on
    Unpause(NamesArgs),
    /// Wait for containers to end, and print their exit statuses
    Wait(NamesArgs),
    /// List the processes of a container
    Top(TopArgs),
    /// Show what containers use
    Stats(StatsArgs),
    /// Show what happens to containers, while it happens
    Events(EventsArgs),
    /// Copy files out of a container that runs, or into it
    Cp(CpArgs),
    /// Change what can be changed of containers, while they live too
    Update(UpdateArgs),
    /// Give a container another name
    Rename(RenameArgs),
    /// Remove containers that ended
    Rm(RmArgs),
    /// Remove all containers that ended
    Prune,
    Enter(Box<EnterArgs>),
    /// See the namespaces of the machine
    #[command(subcommand)]
    Ns(NsArgs),
    Doctor(DoctorArgs),
    Explain(ExplainArgs),
    /// Write the init out, as a file for images and other runtimes
    InitFile(InitFileArgs),
    Completion(CompletionArgs),
    /// Answer such a script
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
}

/// Reads the command line, does what it says, and returns the exit status.
pub fn main(inherited: &Inherited) -> i32 {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(wrong) => {
            // clap prints help to stdout, mistakes to stderr.
            if wrong.use_stderr() {
                return error::report_usage(&usage::told(&wrong));
            }
            return if wrong.print().is_err() { exit::OWN_FAILURE } else { 0 };
        }
    };
    start_logging(cli.verbose);
    if let Some(directory) = state_directory(&cli)
        && let Err(error) = state::use_directory(&directory)
    {
        return error::report(&error);
    }
    let outcome = match cli.verb {
        Verb::Run(args) => run::run(*args, inherited),
        Verb::Ps(args) => containers::ps(&args),
        Verb::Inspect(args) => containers::inspect(&args),
        Verb::Logs(args) => containers::logs(&args),
        Verb::Exec(args) => containers::exec(*args, inherited),
        Verb::Attach(args) => containers::attach(&args),
        Verb::Stop(args) => containers::stop(&args),
        Verb::Kill(args) => containers::kill(&args),
        Verb::Start(names) => containers::start(&names, false),
        Verb::Restart(names) => containers::start(&names, true),
        Verb::Pause(names) => containers::pause(&names),
        Verb::Unpause(names) => containers::unpause(&names),
        Verb::Wait(names) => containers::wait(&names),
        Verb::Top(args) => containers::top(&args),
        Verb::Stats(args) => containers::stats(&args),
        Verb::Events(args) => containers::events(&args),
        Verb::Cp(args) => containers::cp(&args),
        Verb::Update(args) => containers::update(&args),
        Verb::Rename(args) => containers::rename(&args),
        Verb::Rm(args) => containers::rm(&args),
        Verb::Prune => containers::prune(),
        Verb::Enter(args) => enter::enter(*args, inherited),
        Verb::Ns(args) => ns::main(&args),
        Verb::Doctor(args) => doctor::main(&args, inherited),
        Verb::Explain(args) => explain::main(&args, inherited),
        Verb::InitFile(args) => init_file::main(&args),
        Verb::Completion(args) => completion::script(&args),
        Verb::Complete(args) => completion::answer(&args),
    };
    outcome.unwrap_or_else(|error| error::report(&error))
}

/// One that is started again is where it is, whatever was said the first time.
fn state_directory(cli: &Cli) -> Option<PathBuf> {
    let again = match &cli.verb {
        Verb::Run(args) => args.life.again.as_ref(),
        _ => None,
    };
    let found = again.and_then(|container| container.parent()?.parent());
    found.map(Path::to_path_buf).or_else(|| cli.state_dir.clone())
}

fn parse() -> Result<Cli, clap::Error> {
    let words = enter::apart(std::env::args_os().collect());
    match quick::verb(&words) {
        Some((verb, state_dir)) => Ok(Cli { verbose: false, state_dir, verb }),
        None => Cli::try_parse_from(words),
    }
}

/// The options of a `run`, from its verb on.
fn parse_run(words: &[OsString]) -> Result<RunArgs, Error> {
    match quick::verb(&[&[OsString::from("nsctl")], words].concat()) {
        Some((Verb::Run(mut args), _)) => {
            std::mem::forget(std::mem::take(&mut args.leftover));
            Ok(*args)
        }
        _ => Err(Error::new("cannot read how the run was asked for")),
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
