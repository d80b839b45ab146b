//! `cargo xtask bench init`: what an init costs beside its workload, next to the other inits.

mod latency;
mod result;

use super::arena::{Arena, SLEEP};
use super::contestants::{Contestant, LeftOut, which};
use super::identity::Identity;
use super::{Args, floor, measure, memory, statistics as stat};
use crate::Result;
use crate::peers::{PEERS, Peer};
use std::time::Duration;

pub use latency::pong;

/// How many orphans there are, and in how many runs: many short ones, each beside one of every
/// other init, say more on a busy machine than a few long ones.
const ORPHANS: u32 = 20_000;
const RUNS: u32 = 4;

/// An init that takes part.
struct Init {
    name: &'static str,
    path: String,
    options: &'static str,
}

impl Init {
    /// The words before a workload's.
    fn line(&self) -> Vec<String> {
        let options = self.options.split_whitespace().map(str::to_string);
        std::iter::once(self.path.clone()).chain(options).chain(["--".to_string()]).collect()
    }

    fn with(&self, before: &[&str], workload: &[&str]) -> Contestant {
        let mut words: Vec<String> = before.iter().map(|word| (*word).to_string()).collect();
        words.extend(self.line());
        words.extend(workload.iter().map(|word| (*word).to_string()));
        Contestant::new(self.name, words)
    }
}

/// What was measured of one init.
#[derive(Clone, serde::Serialize)]
struct Row {
    name: String,
    bytes: u64,
    /// Start to exit, beyond the workload's own.
    start_us: Option<f64>,
    private_dirty_kb: Option<f64>,
    pss_kb: Option<f64>,
    /// From the signal to the workload's, beyond one that is sent directly.
    latency_us: Option<f64>,
    orphans_ms: Option<f64>,
    /// Orphans by tini's, in the same rounds.
    orphans_by_tini: Option<f64>,
}

/// Measures, prints the table and the verdicts.
pub fn run(args: &Args) -> Result<()> {
    // First of all, so that every thread of this process leaves the answers to the one that waits.
    latency::block_answers()?;
    let host = super::report::Host::new();
    let arena = Arena::new()?;
    arena.compile_workloads()?;
    arena.compile("orphans", floor::compile_orphans)?;
    arena.install(&std::env::current_exe()?, "xtask")?;
    crate::dist::write_program(arena.program("nsinit").as_ref(), nsinit::IMAGE)?;

    let mut left_out = Vec::new();
    let inits = inits(args, &arena, &mut left_out);
    let total = Duration::from_secs(args.seconds(DEFAULT_SECONDS));
    let begin = std::time::Instant::now();
    eprintln!("measuring {} inits, {} s …", inits.len(), total.as_secs());

    let starts = starts(&inits, &arena, args.rounds, total.mul_f64(0.25))?;
    let pongs = latency::interleaved(&inits, &arena, args.rounds, total.mul_f64(0.15))?;
    let memory = memories(&inits, &arena, total.mul_f64(0.15), &mut left_out)?;
    let orphans = orphans(&inits, &arena, args.rounds, total.mul_f64(0.40))?;

    let rows = inits.iter().map(|init| {
        let beyond = |all: &[measure::Starts], what: &str| {
            let plain = median(all, what)?;
            median(all, init.name).map(|us| us - plain)
        };
        let memory = memory.iter().find(|row| row.name == init.name);
        let ratio = measure::times(&orphans, init.name).zip(measure::times(&orphans, "tini"));
        Ok(Row {
            name: init.name.into(),
            bytes: std::fs::metadata(&init.path)?.len(),
            start_us: beyond(&starts, PLAIN),
            private_dirty_kb: memory.and_then(|row| row.private_dirty_kb),
            pss_kb: memory.and_then(|row| row.pss_kb),
            latency_us: beyond(&pongs, PLAIN),
            orphans_ms: median(&orphans, init.name).map(|us| us / 1e3 * f64::from(RUNS)),
            orphans_by_tini: ratio.and_then(|(us, tini)| stat::median_ratio(us, tini)),
        })
    });
    let result = result::Findings {
        host,
        seconds: begin.elapsed().as_secs_f64(),
        rounds: [&starts, &pongs, &orphans].map(|all| all.first().map_or(0, |one| one.us.len())),
        rows: rows.collect::<Result<_>>()?,
        left_out,
    };
    print!("{result}");
    if let Some(path) = &args.json {
        std::fs::write(path, result.json()?)?;
    }
    Ok(())
}

/// Time to measure in, if nothing else is said.
const DEFAULT_SECONDS: u64 = 170;

/// The workload without an init.
const PLAIN: &str = "workload";

fn inits(args: &Args, arena: &Arena, left_out: &mut Vec<LeftOut>) -> Vec<Init> {
    let own = Init { name: "nsinit", path: arena.program("nsinit"), options: "" };
    let mut found = vec![own];
    for &Peer { name, options, .. } in PEERS {
        if !args.only.is_empty() && !args.only.iter().any(|only| only == name) {
            continue;
        }
        match which(name) {
            Some(path) => found.push(Init { name, path, options }),
            None => left_out.push(LeftOut { name: name.into(), reason: "not installed".into() }),
        }
    }
    found
}

fn starts(
    inits: &[Init],
    arena: &Arena,
    rounds: Option<usize>,
    budget: Duration,
) -> Result<Vec<measure::Starts>> {
    let workload = arena.program("true");
    let mut contestants = vec![Contestant::new(PLAIN, vec![workload.clone()])];
    contestants.extend(inits.iter().map(|init| init.with(&[], &[&workload])));
    measure::interleaved(&contestants, measure::WARM_UP, rounds, budget)
}

/// One of each, alone: many would share what one has to have for itself.
fn memories(
    inits: &[Init],
    arena: &Arena,
    budget: Duration,
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<memory::Row>> {
    let sleep = arena.program(SLEEP);
    let contestants: Vec<_> = inits.iter().map(|init| init.with(&[], &[&sleep])).collect();
    let identity = Identity::current()?;
    let home = arena.home(&identity)?;
    let memory = memory::measure(&contestants, &identity, &home, 1, budget)?;
    left_out.extend(memory.left_out);
    Ok(memory.rows)
}

/// As PID 1, which every init can be: not all ask to be a subreaper.
fn orphans(
    inits: &[Init],
    arena: &Arena,
    rounds: Option<usize>,
    budget: Duration,
) -> Result<Vec<measure::Starts>> {
    let workload = arena.program("orphans");
    let before: &[&str] = if nix::unistd::geteuid().is_root() {
        &["unshare", "--pid", "--fork", "--kill-child"]
    } else {
        &["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    };
    let count = (ORPHANS / RUNS).to_string();
    let with = |init: &Init| init.with(before, &[&workload, &count]);
    measure::interleaved(&inits.iter().map(with).collect::<Vec<_>>(), 0, rounds, budget)
}

fn median(all: &[measure::Starts], name: &str) -> Option<f64> {
    stat::quantile(&stat::present(measure::times(all, name)?), 0.5)
}
