//! What was promised, and whether it holds.

use super::contestants::VOLUMES;
use crate::bench::identity::Identity;
use crate::bench::measure::{Starts, times};
use crate::bench::report::Target;
use crate::bench::statistics as stat;
use crate::bench::tables::ratio;

pub fn targets(identity: &Identity, measured: &[Starts]) -> Vec<Target> {
    let by = |that, bound| ratio(measured, "nsctl --rootfs", &("nsctl", that, bound));
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
