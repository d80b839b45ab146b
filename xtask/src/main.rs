//! Developer chores, run as `cargo xtask CHORE`.
//!
//! - `ci`: everything that must pass before a change is pushed.
//! - `bench`: how nsctl's start, memory and throughput compare with its peers.
//! - `compare-init`: the table of cases in nsinit(1), by running them.
//! - `docs`: the documents that are made from the code.
//! - `dist`: the static release files.
//!
//! Nothing here is part of what users install.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod cargo;
mod ci;
mod compare;
mod dist;
mod docs;
mod licences;
mod peers;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// What a chore that failed says; there is nobody to match on it.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer chores")]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Check formatting, lints, tests, documentation and licences
    Ci(ci::Args),
    /// Measure nsctl against the kernel's floor and its installed peers
    Bench(bench::Args),
    /// Run the same cases on nsinit and its installed peers, for the table in nsinit(1)
    CompareInit(compare::Args),
    /// Write the documents that are made from the code: nsinit(1), nsctl(1) and those of its verbs
    Docs,
    /// Write the static release files and their checksums
    Dist(dist::Args),
    /// The measuring half of `bench`, run as the identity that is measured
    #[command(hide = true)]
    BenchWorker,
    /// The workload of `bench init` that answers signals
    #[command(hide = true)]
    BenchPong {
        /// Whom to answer
        to: i32,
    },
}

fn main() -> ExitCode {
    let outcome = match Args::parse().chore {
        Chore::Ci(args) => ci::run(&args),
        Chore::Bench(args) => bench::run(&args),
        Chore::CompareInit(args) => compare::run(&args),
        Chore::Docs => docs::run(),
        Chore::Dist(args) => dist::run(&args),
        Chore::BenchWorker => bench::worker(),
        Chore::BenchPong { to } => bench::pong(to),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
