//! `cargo xtask bench ns`: what it costs to see the namespaces of a crowd, and to enter those of a
//! process.

use super::contestants::{Contestant, List};
use super::identity::Identity;
use super::measure::Starts;
use super::report::Target;
use super::tables::{self, Half, Ratio, median, quickest};
use super::{Args, Job, Measured, arena::Arena, floor, in_worker};
use crate::Result;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

/// Time to measure in, if nothing else is said.
const DEFAULT_SECONDS: u64 = 90;

/// Processes; each fourth has seven namespaces of its own.
const FEW: usize = 500;
const MANY: usize = 2000;

/// What was promised.
const RATIOS: &[Ratio] = &[
    ("ns-ls", "lsns", Some(0.25)),
    ("ns-ls-quick", "lsns", Some(0.15)),
    ("enter", "nsenter", Some(0.8)),
];

/// How much more for four times as many.
const LINEAR: f64 = 4.5;

/// Measures, prints the tables and the verdicts.
pub fn run(args: &Args) -> Result<()> {
    let identities = super::identities(args)?;
    let arena = super::furnish(args)?;
    arena.compile("crowd", floor::compile_crowd)?;
    tables::run(args, DEFAULT_SECONDS, identities, |identity, share| {
        measure_as(identity, &arena, args, share)
    })
}

fn measure_as(identity: &Identity, arena: &Arena, args: &Args, share: Duration) -> Result<Half> {
    eprintln!("measuring as {identity}, {} s …", share.as_secs());
    let few = look(identity, arena, args, FEW, share.mul_f64(0.3))?.1;
    let (list, many) = look(identity, arena, args, MANY, share.mul_f64(0.6))?;
    let mut targets = tables::ratios(&many.starts, RATIOS);
    for name in ["ns-ls", "ns-ls-quick"] {
        let more = |by: fn(&[Starts], &str) -> Option<f64>| {
            Some(by(&many.starts, name)? / by(&few.starts, name)?)
        };
        let what = format!("{name} of {MANY} processes / of {FEW}");
        targets
            .push(Target::at_most(what, more(median), Some(LINEAR)).with_quickest(more(quickest)));
    }
    let left_out = list.left_out.into_iter().chain(many.left_out).collect();
    Ok(Half::new(identity, tables::WORKLOAD, arena, &list.found, &many.starts, left_out, targets))
}

/// Everyone, beside so many processes.
fn look(
    identity: &Identity,
    arena: &Arena,
    args: &Args,
    processes: usize,
    budget: Duration,
) -> Result<(List, Measured)> {
    let home = arena.home(identity)?;
    let words = [arena.program("crowd"), processes.to_string(), (processes / 4).to_string()];
    let mut crowd =
        identity.command(&words, &home).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut pid = String::new();
    BufReader::new(crowd.stdout.take().ok_or("no pipe")?).read_line(&mut pid)?;
    let outcome = match pid.trim().parse::<i32>() {
        Ok(pid) => {
            let list = contestants(identity, arena, args, pid);
            let job = Job {
                contestants: list.found.clone(),
                rounds: args.rounds,
                start_budget: budget,
                throughput_budget: Duration::ZERO,
            };
            in_worker(identity, arena, &home, &job).map(|measured| (list, measured))
        }
        Err(_) => Err(format!("no crowd of {processes} processes can be made here").into()),
    };
    disperse(crowd)?;
    outcome
}

fn contestants(identity: &Identity, arena: &Arena, args: &Args, pid: i32) -> List {
    let mut list = List::default();
    let done = arena.program("true");
    let pid = pid.to_string();
    list.add("workload", false, &done, "", &[]);
    for name in ["nsctl", "baseline"].into_iter().filter(|name| arena.has(name)) {
        let kind = |what: &str| match name {
            "nsctl" => what.to_string(),
            _ => format!("{name}-{what}"),
        };
        let nsctl = arena.program(name);
        list.add(&kind("ns-ls"), true, &nsctl, "ns ls", &[]);
        list.add(&kind("ns-ls-quick"), true, &nsctl, "ns ls --quick", &[]);
        list.add(&kind("enter"), true, &nsctl, "enter", &[&pid, &done]);
    }
    if let Some(lsns) = list.installed("lsns") {
        list.add("lsns", true, &lsns, "", &[]);
    }
    if let Some(nsenter) = list.installed("nsenter") {
        // Else it cannot enter a user namespace that has no map.
        let keep = if identity.is_root() { "-a -t" } else { "-a --preserve-credentials -t" };
        list.add("nsenter", true, &nsenter, keep, &[&pid, &done]);
    }
    list.found.retain(|one: &Contestant| args.wants(&one.name));
    list
}

/// Its input ends, and so does it; its children are killed with it.
fn disperse(mut crowd: Child) -> Result<()> {
    drop(crowd.stdin.take());
    crowd.wait()?;
    Ok(())
}
