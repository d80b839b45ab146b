//! The tables, the verdicts, and both as JSON.

use super::Bench;
use crate::Result;
use crate::bench::contestants::{Contestant, LeftOut};
use crate::bench::measure::{Starts, times};
use crate::bench::report::{Host, Target};
use crate::bench::starts::{self, Start};
use crate::bench::statistics as stat;
use serde::Serialize;
use std::fmt;

#[derive(Serialize)]
pub struct Findings {
    pub host: Host,
    pub seconds: f64,
    pub halves: Vec<Half>,
}

/// The results of one identity.
#[derive(Serialize)]
pub struct Half {
    identity: String,
    kind: &'static str,
    rounds: usize,
    starts: Vec<Start>,
    left_out: Vec<LeftOut>,
    targets: Vec<Target>,
}

/// All times are compared with this one's.
const REFERENCE: &str = "workload";

/// Runs that nothing else on the machine has disturbed.
const QUICKEST: f64 = 0.02;

/// What was promised: this by that, at most.
const RATIOS: &[(&str, &str, Option<f64>)] = &[
    ("nsctl-d", "podman-d", Some(0.1)),
    ("nsctl-d", "runc-d", Some(0.5)),
    ("nsctl-d", "crun-d", None),
    ("nsctl-exec", "nsenter", Some(0.8)),
    ("nsctl-exec", "crun-exec", Some(0.37)),
    ("nsctl-exec", "runc-exec", None),
    ("nsctl-exec", "podman-exec", None),
    ("nsctl-enter", "nsenter", Some(0.8)),
];

impl Half {
    pub fn new(
        bench: &Bench<'_>,
        contestants: &[Contestant],
        measured: &[Starts],
        left_out: Vec<LeftOut>,
        targets: Vec<Target>,
    ) -> Half {
        Half {
            identity: bench.identity.to_string(),
            kind: bench.identity.kind(),
            rounds: measured.first().map_or(0, |starts| starts.us.len()),
            starts: Start::all(contestants, measured, REFERENCE, bench.arena),
            left_out,
            targets,
        }
    }
}

/// Ratios within each round.
pub fn starts(measured: &[Starts]) -> Vec<Target> {
    let quick = |us: &[Option<f64>]| stat::quantile(&stat::present(us), QUICKEST);
    let target = |&(this, that, bound): &(&str, &str, Option<f64>)| {
        let both = times(measured, this).zip(times(measured, that));
        let ratio = both.and_then(|(this, that)| stat::median_ratio(this, that));
        let quickest = both.and_then(|(this, that)| Some(quick(this)? / quick(that)?));
        Target::at_most(format!("start to exit: {this} / {that}"), ratio, bound)
            .with_quickest(quickest)
    };
    RATIOS.iter().map(target).collect()
}

impl Findings {
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, {:.0} s", self.host, self.seconds)?;
        for half in &self.halves {
            writeln!(f, "\n==== as {}, start to exit, {} rounds ====", half.identity, half.rounds)?;
            starts::table(f, &half.starts, REFERENCE)?;
            for LeftOut { name, reason } in &half.left_out {
                writeln!(f, "left out: {name}: {reason}")?;
            }
            writeln!(f)?;
            half.targets.iter().try_for_each(|target| target.fmt(f))?;
        }
        Ok(())
    }
}
