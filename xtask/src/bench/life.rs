//! `cargo xtask bench life`: containers that live on their own. How soon the prompt is back, what a
//! command in one costs, what a thousand of them cost, and what the relay of their output does.

mod contestants;
mod many;
mod memory;
mod relay;

use super::contestants::{LeftOut, Workload};
use super::identity::Identity;
use super::report::Target;
use super::tables::{self, Half, Ratio};
use super::{Args, Job, Measured, arena::Arena, arena::Home, cgroups, in_worker};
use crate::Result;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Time to measure in, if nothing else is said.
const DEFAULT_SECONDS: u64 = 240;

/// What was promised.
const RATIOS: &[Ratio] = &[
    ("nsctl-d", "podman-d", Some(0.1)),
    ("nsctl-d", "runc-d", Some(0.5)),
    ("nsctl-d", "crun-d", None),
    ("nsctl-exec", "nsenter", Some(0.8)),
    ("nsctl-exec", "crun-exec", Some(0.37)),
    ("nsctl-exec", "runc-exec", None),
    ("nsctl-exec", "podman-exec", None),
    ("nsctl-enter", "nsenter", Some(0.8)),
];

/// Measures, prints the tables and the verdicts.
pub fn run(args: &Args) -> Result<()> {
    let identities = super::identities(args)?;
    cgroups::show_only_the_second_version()?;
    let arena = super::furnish(args)?;
    contestants::furnish(&arena)?;
    tables::run(args, DEFAULT_SECONDS, identities, |identity, share| {
        let bench = Bench { home: arena.home(identity)?, arena: &arena, identity };
        measure(&bench, args, share)
    })
}

/// One identity, and its place.
struct Bench<'a> {
    arena: &'a Arena,
    home: Home,
    identity: &'a Identity,
}

impl Bench<'_> {
    /// nsctl with the state directory `state`.
    fn nsctl(&self, state: &str, words: &[&str]) -> Command {
        let program = self.arena.program("nsctl");
        let words: Vec<&str> = [&[program.as_str()], words].concat();
        let mut command = self.identity.command(&words, &self.home);
        command.env("NSCTL_STATE_DIR", self.state(state)).stdin(Stdio::null());
        command
    }

    /// What nsctl says.
    fn ask(&self, state: &str, words: &[&str]) -> Result<String> {
        let output = self.nsctl(state, words).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("nsctl {}: {}", words.join(" "), said.trim()).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_string())
    }

    /// A state directory.
    fn state(&self, name: &str) -> String {
        format!("{}/{name}", self.home.0)
    }

    /// Ends and removes all containers there.
    fn clear(&self, state: &str) -> Result<()> {
        let all = self.ask(state, &["ps", "-aq"])?;
        let names: Vec<&str> = all.lines().collect();
        // An argument list has an end.
        for some in names.chunks(500) {
            self.ask(state, &[&["rm", "-f"], some].concat())?;
        }
        Ok(())
    }
}

fn measure(bench: &Bench<'_>, args: &Args, share: Duration) -> Result<Half> {
    eprintln!("measuring as {}, {} s …", bench.identity, share.as_secs());
    let list = contestants::list(bench);
    if list.is_err() {
        // What stands already; why not all does is what is told.
        let _ = contestants::clear(bench);
    }
    let mut list = list?;
    list.found.retain(|contestant| args.wants(&contestant.name));
    list.left_out.retain(|one| args.wants(&one.name));
    let job = Job {
        contestants: list.found,
        rounds: args.rounds,
        start_budget: share.mul_f64(0.45),
        throughput_budget: Duration::ZERO,
    };
    let measured = in_worker(bench.identity, bench.arena, &bench.home, &job);
    contestants::clear(bench)?;
    let Measured { starts, mut left_out, .. } = measured?;
    left_out.append(&mut list.left_out);

    let mut targets = tables::ratios(&starts, RATIOS);
    let mut add = |what: &str, found: Result<Vec<Target>>| match found {
        Ok(found) => targets.extend(found),
        Err(error) => {
            left_out.push(LeftOut { name: what.into(), reason: error.to_string() });
        }
    };
    add("memory", memory::measure(bench));
    bench.clear("memory")?;
    add("many", many::measure(bench, args.rounds, share.mul_f64(0.3)));
    add("relay", relay::measure(bench));
    ["few", "many", "relay"].iter().try_for_each(|state| bench.clear(state))?;
    Ok(Half::new(
        bench.identity,
        tables::WORKLOAD,
        bench.arena,
        &job.contestants,
        &starts,
        left_out,
        targets,
    ))
}

/// The program that a container runs, as it finds it.
fn program(bench: &Bench<'_>, workload: Workload) -> String {
    bench.arena.program(match workload {
        Workload::True => "true",
        Workload::Sleep => REST,
    })
}

/// The workload that never ends.
const REST: &str = "nsbench-rest";
