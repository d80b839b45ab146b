//! `cargo xtask bench root`: what a root of the container's own costs, with all that is
//! mounted in it; what volumes cost; what the system-call filter costs.

mod contestants;
mod targets;

use super::identity::Identity;
use super::tables::{self, Half};
use super::{Args, Job, Measured, arena::Arena, cgroups, in_worker};
use crate::Result;
use std::time::Duration;

/// Time to measure in, if nothing else is said.
const DEFAULT_SECONDS: u64 = 90;

/// All times are compared with this one's.
const REFERENCE: &str = "bwrap";

/// Measures, prints the tables and the verdicts.
pub fn run(args: &Args) -> Result<()> {
    let identities = super::identities(args)?;
    cgroups::show_only_the_second_version()?;
    let arena = super::furnish(args)?;
    contestants::furnish(&arena)?;
    tables::run(args, DEFAULT_SECONDS, identities, |identity, share| {
        measure_as(identity, &arena, args, share)
    })
}

fn measure_as(identity: &Identity, arena: &Arena, args: &Args, share: Duration) -> Result<Half> {
    let home = arena.home(identity)?;
    let mut list = contestants::list(identity, arena, &home)?;
    list.found.retain(|contestant| args.wants(&contestant.name));
    list.left_out.retain(|one| args.wants(&one.name));
    eprintln!("measuring as {identity}, {} s …", share.as_secs());
    let job = Job {
        contestants: list.found,
        rounds: args.rounds,
        start_budget: share,
        throughput_budget: Duration::ZERO,
    };
    let Measured { starts, mut left_out, .. } = in_worker(identity, arena, &home, &job)?;
    left_out.append(&mut list.left_out);
    let targets = targets::targets(identity, &starts);
    Ok(Half::new(identity, REFERENCE, arena, &job.contestants, &starts, left_out, targets))
}
