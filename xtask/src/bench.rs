//! `cargo xtask bench`: what a container costs, next to what the kernel and
//! the other tools make it cost.
//!
//! A number of one run says little: machines differ, and change while they
//! measure. So all contestants run interleaved, in an order drawn anew for
//! each round, and what is compared is the ratio within a round.
//!
//! Each identity (root, an ordinary user) is measured by a worker process
//! that has that identity for good, as a person's shell has.

mod arena;
mod bundle;
mod cgroups;
mod contestants;
mod floor;
mod identity;
mod init;
mod life;
mod measure;
mod memory;
mod namespaces;
mod report;
mod root;
mod starts;
mod statistics;
mod tables;
mod throughput;
mod watchdog;

use crate::{Result, cargo};
pub use arena::directory;
pub use contestants::which;

use arena::Arena;
use contestants::{Contestant, LeftOut, Workload};
use identity::Identity;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub struct Args {
    /// What to measure
    #[arg(value_enum, default_value = "run")]
    suite: Suite,
    /// Write the results as JSON too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure as: both is the default for root, a user can only be itself
    #[arg(long = "as", value_enum, value_name = "WHO")]
    who: Option<Who>,
    /// The ordinary user to measure as, when started as root
    #[arg(long, value_name = "NAME|UID")]
    user: Option<String>,
    /// Stop after this many rounds, even if there is time left
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Time to measure in, everything together; 170, for `root` and `ns` 90, for `life` 240
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Measure only these contestants
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Measure this nsctl instead of building one
    #[arg(long, value_name = "PROGRAM")]
    nsctl: Option<PathBuf>,
    /// Measure another nsctl too, for a before and after
    #[arg(long, value_name = "PROGRAM")]
    baseline: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Suite {
    /// Start, throughput and memory of `nsctl run`
    Run,
    /// Start, size, memory, signals and orphans of nsinit, beside other inits
    Init,
    /// Start with a root of the container's own, volumes and the system-call filter
    Root,
    /// Containers that live on their own: run -d, exec, ps, memory, a thousand of them, the relay
    Life,
    /// See and enter namespaces: ns ls beside lsns, enter beside nsenter
    Ns,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Who {
    Root,
    User,
    Both,
}

impl Args {
    /// The time to measure in.
    fn seconds(&self, default: u64) -> u64 {
        self.seconds.unwrap_or(default)
    }

    /// Whether a contestant takes part. Whoever names a baseline wants to see it.
    fn wants(&self, name: &str) -> bool {
        let is = |only: &String| only == name;
        self.only.is_empty() || name.starts_with("baseline") || self.only.iter().any(is)
    }
}

/// What a worker is asked to measure.
#[derive(Serialize, Deserialize)]
struct Job {
    contestants: Vec<Contestant>,
    rounds: Option<usize>,
    start_budget: Duration,
    throughput_budget: Duration,
}

/// What a worker has measured.
#[derive(Serialize, Deserialize)]
struct Measured {
    starts: Vec<measure::Starts>,
    throughput: Vec<throughput::Rate>,
    left_out: Vec<LeftOut>,
}

/// Everything known about one identity.
struct Half {
    identity: Identity,
    contestants: Vec<Contestant>,
    measured: Measured,
    memory: memory::Memory,
}

/// Measures, prints the tables, writes the JSON.
pub fn run(args: &Args) -> Result<()> {
    match args.suite {
        Suite::Run => run_suite(args),
        Suite::Init => init::run(args),
        Suite::Root => root::run(args),
        Suite::Life => life::run(args),
        Suite::Ns => namespaces::run(args),
    }
}

fn run_suite(args: &Args) -> Result<()> {
    let identities = identities(args)?;
    cgroups::show_only_the_second_version()?;
    let arena = furnish(args)?;

    let host = report::Host::new();
    let begin = Instant::now();
    let share = Duration::from_secs(args.seconds(170)) / identities.len() as u32;
    let mut halves = Vec::new();
    for identity in identities {
        halves.push(measure_as(identity, &arena, args, share)?);
    }
    let report = report::Report::new(host, &halves, &arena, begin.elapsed());
    print!("{report}");
    if let Some(path) = &args.json {
        std::fs::write(path, report.json()?)?;
    }
    Ok(())
}

/// Everything that the contestants need, in one place. nsctl is built unless one was named.
fn furnish(args: &Args) -> Result<Arena> {
    let nsctl = match &args.nsctl {
        Some(program) => program.clone(),
        None => cargo::build_nsctl(&[])?,
    };
    let arena = Arena::new()?;
    arena.install(&nsctl, "nsctl")?;
    arena.install(&std::env::current_exe()?, "xtask")?;
    if let Some(baseline) = &args.baseline {
        arena.install(baseline, "baseline")?;
    }
    arena.compile_workloads()?;
    if cfg!(target_arch = "x86_64") {
        arena.compile("floor", floor::compile_floor)?;
    }
    Ok(arena)
}

fn identities(args: &Args) -> Result<Vec<Identity>> {
    let root = nix::unistd::geteuid().is_root();
    let who = args.who.unwrap_or(if root { Who::Both } else { Who::User });
    if !root && (who != Who::User || args.user.is_some()) {
        return Err("only root can measure as somebody else".into());
    }
    let mut found = Vec::new();
    if who != Who::User {
        found.push(Identity::current()?);
    }
    if who != Who::Root {
        found.push(if root {
            Identity::ordinary(args.user.as_deref())?
        } else {
            Identity::current()?
        });
    }
    Ok(found)
}

fn measure_as(identity: Identity, arena: &Arena, args: &Args, share: Duration) -> Result<Half> {
    let home = arena.home(&identity)?;
    let (mut contestants, mut left_out) =
        contestants::list(&identity, arena, &home, Workload::True)?;
    contestants.retain(|contestant| args.wants(&contestant.name));
    left_out.retain(|one| args.wants(&one.name));

    eprintln!("measuring as {identity}, {} s …", share.as_secs());
    let job = Job {
        contestants: contestants.clone(),
        rounds: args.rounds,
        start_budget: share.mul_f64(0.52),
        throughput_budget: share.mul_f64(0.20),
    };
    let mut measured = in_worker(&identity, arena, &home, &job)?;
    measured.left_out.append(&mut left_out);

    // What could not run `true` will not run `sleep`.
    let (mut sleepers, _) = contestants::list(&identity, arena, &home, Workload::Sleep)?;
    let ran = |name: &str| measured.starts.iter().any(|starts| starts.name == name);
    sleepers.retain(|sleeper| sleeper.peer && ran(&sleeper.name));
    let budget = share.mul_f64(0.25);
    let enough = budget / sleepers.len().max(1) as u32 >= memory::WINDOW;
    let containers = if enough { memory::CONTAINERS } else { memory::CONTAINERS / 5 };
    let memory = memory::measure(&sleepers, &identity, &home, containers, budget)?;

    Ok(Half { identity, contestants, measured, memory })
}

/// Where nsctl keeps its state while starts are measured, in the home.
const STATE: &str = "starts";

/// Hands the job to a process that is `identity` and nothing else.
fn in_worker(
    identity: &Identity,
    arena: &Arena,
    home: &arena::Home,
    job: &Job,
) -> Result<Measured> {
    let mut child = identity
        .command(&[arena.program("xtask").as_str(), "bench-worker"], home)
        .env("NSCTL_STATE_DIR", format!("{}/{STATE}", home.0))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("asked for a pipe");
    stdin.write_all(&serde_json::to_vec(job)?)?;
    drop(stdin);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("measuring as {identity}: {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

pub use init::pong;

/// The worker: reads a [`Job`] on standard input, writes [`Measured`].
pub fn worker() -> Result<()> {
    let job: Job = serde_json::from_reader(std::io::stdin())?;
    let (contestants, left_out) = measure::probe(job.contestants);
    let mut measured = Measured {
        starts: measure::interleaved(&contestants, measure::WARM_UP, job.rounds, job.start_budget)?,
        throughput: Vec::new(),
        left_out,
    };
    if job.throughput_budget.is_zero() {
        serde_json::to_writer(std::io::stdout(), &measured)?;
        return Ok(());
    }
    let peers: Vec<_> = contestants.into_iter().filter(|contestant| contestant.peer).collect();
    measured.throughput = throughput::interleaved(&peers, job.throughput_budget)?;
    serde_json::to_writer(std::io::stdout(), &measured)?;
    Ok(())
}
