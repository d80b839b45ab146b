//! A thousand containers: what it costs to list them, and to start one more.

use super::{Bench, Workload, program};
use crate::Result;
use crate::bench::contestants::Contestant;
use crate::bench::measure::{Starts, times};
use crate::bench::report::Target;
use crate::bench::statistics as stat;
use crate::bench::tables::{median, quickest};
use crate::bench::{Job, in_worker};
use std::time::Duration;

/// Few, and many; and half as many on the way.
const FEW: usize = 10;
const HALF: usize = 500;
const MANY: usize = 1000;

pub fn measure(bench: &Bench<'_>, rounds: Option<usize>, budget: Duration) -> Result<Vec<Target>> {
    let budget = budget / 4;
    fill(bench, "few", FEW)?;
    let few = look(bench, rounds, budget)?;
    fill(bench, "many", HALF)?;
    let half = look(bench, rounds, budget)?;
    fill(bench, "many", MANY - HALF)?;
    let many = look(bench, rounds, budget)?;
    bench.clear("many")?;
    let few_again = look(bench, rounds, budget)?;

    let each = |found: &[Starts], count: usize| {
        let more = stat::median_difference(times(found, "ps-many")?, times(found, "ps-few")?)?;
        Some(more / (count - FEW) as f64)
    };
    let each_quickest = |found: &[Starts], count: usize| {
        Some((quickest(found, "ps-many")? - quickest(found, "ps-few")?) / (count - FEW) as f64)
    };
    let ps = |found: &[Starts], count: usize| {
        let what = format!("ps of {count}, beyond that of {FEW}, µs each");
        Target::at_most(what, each(found, count), Some(6.0))
            .with_quickest(each_quickest(found, count))
    };
    // Before and after, so that it is not the machine that changed.
    let start = |by: &dyn Fn(&[Starts], &str) -> Option<f64>| {
        let few = (by(&few, "run-d")? + by(&few_again, "run-d")?) / 2.0;
        Some(by(&many, "run-d")? / few)
    };
    let what = format!("run -d with {MANY} alive / with {FEW}");
    Ok(vec![
        ps(&half, HALF),
        ps(&many, MANY),
        Target::at_most(what, start(&median), Some(1.5)).with_quickest(start(&quickest)),
    ])
}

fn fill(bench: &Bench<'_>, state: &str, count: usize) -> Result<()> {
    let rest = program(bench, Workload::Sleep);
    (0..count).try_for_each(|_| bench.ask(state, &["run", "-d", "--", &rest]).map(drop))
}

fn look(bench: &Bench<'_>, rounds: Option<usize>, budget: Duration) -> Result<Vec<Starts>> {
    let nsctl = bench.arena.program("nsctl");
    let with_state = |state: &str, words: &[&str]| {
        let state = format!("NSCTL_STATE_DIR={}", bench.state(state));
        let words = [&["env", &state, &nsctl], words].concat();
        words.iter().map(|word| (*word).to_string()).collect::<Vec<String>>()
    };
    let done = program(bench, Workload::True);
    let run = with_state("one", &["run", "-d", "--name", "one", "--", &done]);
    let job = Job {
        contestants: vec![
            Contestant::new("ps-few", with_state("few", &["ps"])),
            Contestant::new("ps-many", with_state("many", &["ps"])),
            Contestant::new("run-d", run).cleared_by(with_state("one", &["rm", "-f", "one"])),
        ],
        rounds,
        start_budget: budget,
        throughput_budget: Duration::ZERO,
    };
    let measured = in_worker(bench.identity, bench.arena, &bench.home, &job)?;
    match measured.left_out.first() {
        Some(one) => Err(format!("{}: {}", one.name, one.reason).into()),
        None => Ok(measured.starts),
    }
}
