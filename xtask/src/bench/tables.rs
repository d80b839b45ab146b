//! Tables of starts, the verdicts, and both as JSON: for suites that compare within each round.

use super::Args;
use super::arena::Arena;
use super::contestants::{Contestant, LeftOut};
use super::identity::Identity;
use super::measure::{Starts, times};
use super::report::{Host, Target};
use super::starts::{self, Start};
use super::statistics as stat;
use crate::Result;
use serde::Serialize;
use std::fmt;
use std::time::{Duration, Instant};

#[derive(Serialize)]
struct Findings {
    host: Host,
    seconds: f64,
    halves: Vec<Half>,
}

/// The results of one identity.
#[derive(Serialize)]
pub struct Half {
    identity: String,
    kind: &'static str,
    /// Whose times all others are compared with.
    reference: &'static str,
    rounds: usize,
    starts: Vec<Start>,
    left_out: Vec<LeftOut>,
    targets: Vec<Target>,
}

/// What most suites compare all times with.
pub const WORKLOAD: &str = "workload";

/// On a busy machine a chain of processes that wait for each other loses its processor more
/// often than one that does not; these runs did not.
const QUICKEST: f64 = 0.02;

impl Half {
    pub fn new(
        identity: &Identity,
        reference: &'static str,
        arena: &Arena,
        contestants: &[Contestant],
        measured: &[Starts],
        left_out: Vec<LeftOut>,
        targets: Vec<Target>,
    ) -> Half {
        Half {
            identity: identity.to_string(),
            kind: identity.kind(),
            reference,
            rounds: measured.first().map_or(0, |starts| starts.us.len()),
            starts: Start::all(contestants, measured, reference, arena),
            left_out,
            targets,
        }
    }
}

/// What was promised: this by that, at most.
pub type Ratio = (&'static str, &'static str, Option<f64>);

/// Ratios within each round.
pub fn ratios(measured: &[Starts], promised: &[Ratio]) -> Vec<Target> {
    promised.iter().map(|promised| ratio(measured, promised.0, promised)).collect()
}

/// One of them, by the name that it is shown with.
pub fn ratio(measured: &[Starts], shown: &str, &(this, that, bound): &Ratio) -> Target {
    let both = times(measured, this).zip(times(measured, that));
    let ratio = both.and_then(|(this, that)| stat::median_ratio(this, that));
    let quickest = quickest(measured, this).zip(quickest(measured, that));
    Target::at_most(format!("start to exit: {shown} / {that}"), ratio, bound)
        .with_quickest(quickest.map(|(this, that)| this / that))
}

/// The time of a run that nothing else has disturbed, µs.
pub fn quickest(measured: &[Starts], name: &str) -> Option<f64> {
    stat::quantile(&stat::present(times(measured, name)?), QUICKEST)
}

/// The median time, µs.
pub fn median(measured: &[Starts], name: &str) -> Option<f64> {
    stat::quantile(&stat::present(times(measured, name)?), 0.5)
}

/// Measures as each identity for its share of the time, prints the tables and the verdicts.
pub fn run(
    args: &Args,
    default_seconds: u64,
    identities: Vec<Identity>,
    mut measure: impl FnMut(&Identity, Duration) -> Result<Half>,
) -> Result<()> {
    let host = Host::new();
    let begin = Instant::now();
    let share = Duration::from_secs(args.seconds(default_seconds)) / identities.len() as u32;
    let halves: Result<Vec<Half>> =
        identities.iter().map(|identity| measure(identity, share)).collect();
    let result = Findings { host, seconds: begin.elapsed().as_secs_f64(), halves: halves? };
    print!("{result}");
    if let Some(path) = &args.json {
        std::fs::write(path, result.json()?)?;
    }
    Ok(())
}

impl Findings {
    fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, {:.0} s", self.host, self.seconds)?;
        for half in &self.halves {
            writeln!(f, "\n==== as {}, start to exit, {} rounds ====", half.identity, half.rounds)?;
            starts::table(f, &half.starts, half.reference)?;
            for LeftOut { name, reason } in &half.left_out {
                writeln!(f, "left out: {name}: {reason}")?;
            }
            writeln!(f)?;
            half.targets.iter().try_for_each(|target| target.fmt(f))?;
        }
        Ok(())
    }
}
