//! The tables, the verdicts, and both as JSON.

use super::contestants::VOLUMES;
use crate::Result;
use crate::bench::arena::Arena;
use crate::bench::contestants::{Contestant, LeftOut};
use crate::bench::identity::Identity;
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
const REFERENCE: &str = "bwrap";

/// On a busy machine a chain of processes that wait for each other loses its processor more
/// often than one that does not; these runs did not.
const QUICKEST: f64 = 0.02;

impl Half {
    pub fn new(
        identity: &Identity,
        contestants: &[Contestant],
        measured: &[Starts],
        left_out: Vec<LeftOut>,
        arena: &Arena,
    ) -> Half {
        Half {
            identity: identity.to_string(),
            kind: identity.kind(),
            rounds: measured.first().map_or(0, |starts| starts.us.len()),
            starts: Start::all(contestants, measured, REFERENCE, arena),
            left_out,
            targets: targets(identity, measured),
        }
    }
}

fn targets(identity: &Identity, measured: &[Starts]) -> Vec<Target> {
    let by = |that: &str, bound| {
        let both = times(measured, "nsctl").zip(times(measured, that));
        let ratio = both.and_then(|(this, that)| stat::median_ratio(this, that));
        let quick = |us: &[Option<f64>]| stat::quantile(&stat::present(us), QUICKEST);
        let quickest = both.and_then(|(this, that)| Some(quick(this)? / quick(that)?));
        Target::at_most(format!("start to exit: nsctl --rootfs / {that}"), ratio, bound)
            .with_quickest(quickest)
    };
    let volumes = ["nsctl", "bwrap"].map(|who| more(measured, &format!("{who}-volumes"), who));
    let [ours, theirs] = volumes.map(|us| us.map(|us| us / 1e3 / VOLUMES as f64));
    let volumes = ours.zip(theirs).map(|(ours, theirs)| ours / theirs);
    let filter = more(measured, "nsctl", "nsctl-unfiltered").map(|us| us / 1e3);
    let crun = if identity.is_root() { 0.45 } else { 0.33 };
    vec![
        by("bwrap", Some(0.75)),
        by("bwrap-few", None),
        by("crun", Some(crun)),
        by("runc", Some(0.1)),
        Target::at_most(format!("{VOLUMES} volumes: nsctl / bwrap"), volumes, Some(1.3)),
        Target::at_most("one volume of nsctl, ms".into(), ours, None),
        Target::at_most("one bind of bwrap, ms".into(), theirs, None),
        Target::at_most("the default system-call filter, ms".into(), filter, Some(0.10)),
    ]
}

/// How much longer this takes than that, µs.
fn more(measured: &[Starts], this: &str, that: &str) -> Option<f64> {
    stat::median_difference(times(measured, this)?, times(measured, that)?)
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
