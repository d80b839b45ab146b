//! From measurements to tables, verdicts and JSON.

use super::arena::Arena;
use super::contestants::LeftOut;
use super::memory::{CONTAINERS, Row};
use super::starts::{self, Start};
use super::throughput::AT_ONCE;
use super::{Half, contestants, measure, statistics as stat};
use crate::Result;
use serde::Serialize;
use std::fmt;
use std::process::Command;
use std::time::Duration;

#[derive(Serialize)]
pub struct Report {
    host: Host,
    seconds: f64,
    halves: Vec<Section>,
}

#[derive(Serialize)]
pub struct Host {
    kernel: String,
    cpus: usize,
    /// Whatever runs beside a benchmark shows in its numbers.
    load_before: String,
    versions: Vec<(String, String)>,
}

/// The results of one identity.
#[derive(Serialize)]
struct Section {
    identity: String,
    kind: &'static str,
    rounds: usize,
    starts: Vec<Start>,
    throughput: Vec<Throughput>,
    containers: usize,
    window_seconds: f64,
    memory: Vec<Row>,
    left_out: Vec<LeftOut>,
    targets: Vec<Target>,
}

#[derive(Serialize)]
struct Throughput {
    name: String,
    /// One for each of [`AT_ONCE`].
    starts_per_second: Vec<f64>,
}

/// What was to be reached, and what is.
#[derive(Serialize)]
pub struct Target {
    what: String,
    value: Option<f64>,
    /// For ratios of times: that of the two medians, as a second opinion.
    ratio_of_medians: Option<f64>,
    /// And that of the quickest runs, which nothing else on the machine has disturbed.
    ratio_of_quickest: Option<f64>,
    /// None: shown without a verdict.
    bound: Option<f64>,
    stretch: Option<f64>,
    at_least: bool,
    pass: Option<bool>,
}

impl Target {
    pub fn at_most(what: String, value: Option<f64>, bound: Option<f64>) -> Target {
        Target {
            what,
            value,
            ratio_of_medians: None,
            ratio_of_quickest: None,
            bound,
            stretch: None,
            at_least: false,
            pass: None,
        }
        .judged()
    }

    pub fn with_quickest(self, ratio: Option<f64>) -> Target {
        Target { ratio_of_quickest: ratio, ..self }
    }

    pub fn at_least(what: String, value: Option<f64>, bound: f64) -> Target {
        Target { at_least: true, ..Target::at_most(what, value, Some(bound)) }.judged()
    }

    fn judged(mut self) -> Target {
        self.pass = self.bound.and_then(|bound| self.met(bound));
        self
    }

    fn met(&self, bound: f64) -> Option<bool> {
        self.value.map(|value| if self.at_least { value >= bound } else { value <= bound })
    }
}

/// Ratios of start times that were promised: this by that, at most, stretch.
const START_RATIOS: &[(&str, &str, Option<f64>, Option<f64>)] = &[
    ("nsctl", "floor", Some(2.1), Some(1.5)),
    ("nsctl", "bwrap", Some(0.70), None),
    ("nsctl", "crun", Some(0.45), None),
    ("nsctl", "unshare", None, Some(1.0)),
    ("nsctl-nonet", "bwrap-nonet", Some(0.65), None),
    ("nsctl-ranges", "crun-ranges", Some(0.5), None),
];

impl Report {
    pub fn new(host: Host, halves: &[Half], arena: &Arena, took: Duration) -> Report {
        let halves = halves.iter().map(|half| section(half, arena)).collect();
        Report { host, seconds: took.as_secs_f64(), halves }
    }

    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl Host {
    /// To be asked before anything is measured.
    pub fn new() -> Host {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default().trim().to_string();
        let version = |name: &&str| {
            let output = Command::new(contestants::which(name)?).arg("--version").output().ok()?;
            let said = String::from_utf8_lossy(&output.stdout).lines().next()?.to_string();
            Some(((*name).to_string(), said))
        };
        Host {
            kernel: read("/proc/sys/kernel/osrelease"),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            load_before: read("/proc/loadavg"),
            versions: ["unshare", "bwrap", "crun", "runc"].iter().filter_map(version).collect(),
        }
    }
}

fn section(half: &Half, arena: &Arena) -> Section {
    let starts = Start::all(&half.contestants, &half.measured.starts, "floor", arena);
    let mut left_out = half.measured.left_out.clone();
    left_out.extend(
        half.memory.left_out.iter().map(|one| LeftOut {
            name: format!("{} (memory)", one.name),
            reason: one.reason.clone(),
        }),
    );
    Section {
        identity: half.identity.to_string(),
        kind: half.identity.kind(),
        rounds: half.measured.starts.first().map_or(0, |starts| starts.us.len()),
        starts,
        throughput: rates(half),
        containers: half.memory.containers,
        window_seconds: half.memory.window.as_secs_f64(),
        memory: half.memory.rows.clone(),
        left_out,
        targets: targets(half),
    }
}

fn times<'a>(half: &'a Half, name: &str) -> Option<&'a [Option<f64>]> {
    measure::times(&half.measured.starts, name)
}

fn rates(half: &Half) -> Vec<Throughput> {
    let all = &half.measured.throughput;
    let names = all.iter().filter(|rate| rate.at_once == AT_ONCE[0]).map(|rate| &rate.name);
    let of =
        |name: &String| all.iter().filter(|r| r.name == *name).map(|r| r.per_second()).collect();
    names.map(|name| Throughput { name: name.clone(), starts_per_second: of(name) }).collect()
}

fn targets(half: &Half) -> Vec<Target> {
    let mut targets = Vec::new();
    for &(this, that, bound, stretch) in START_RATIOS {
        // Ranges are a user's business; root writes its maps directly.
        if this == "nsctl-ranges" && half.identity.is_root() {
            continue;
        }
        let both = times(half, this).zip(times(half, that));
        let median = |us| stat::quantile(&stat::present(us), 0.5);
        let what = format!("start to exit: {this} / {that}");
        let ratio = both.and_then(|(this, that)| stat::median_ratio(this, that));
        targets.push(Target {
            ratio_of_medians: both.and_then(|(this, that)| Some(median(this)? / median(that)?)),
            stretch,
            ..Target::at_most(what, ratio, bound)
        });
    }

    let both = times(half, "nsctl").zip(times(half, "nsctl-unfiltered"));
    let what = "the default system-call filter, ms a start".to_string();
    let cost = both.and_then(|(with, without)| stat::median_difference(with, without));
    targets.push(Target::at_most(what, cost.map(|us| us / 1000.0), Some(0.10)));

    let most = AT_ONCE[AT_ONCE.len() - 1];
    let rate = |name: &str| {
        let found =
            half.measured.throughput.iter().find(|r| r.name == name && r.at_once == most)?;
        Some(found.per_second())
    };
    let what = format!("starts per second, {most} at once: nsctl / bwrap");
    let ratio = rate("nsctl").zip(rate("bwrap")).map(|(nsctl, bwrap)| nsctl / bwrap);
    targets.push(Target::at_least(what, ratio, 1.6));

    let ours: Vec<_> = half.memory.rows.iter().filter(|row| row.name == "nsctl").collect();
    // Containers share pages: fewer of them have more each, and prove nothing.
    let enough = half.memory.containers >= CONTAINERS;
    let known = |value| if ours.is_empty() { None } else { value };
    let stays = ours.iter().filter(|row| row.role != "launcher");
    let pss = known(stays.map(|row| row.pss_kb).sum()).filter(|_| enough);
    let wakeups = known(Some(ours.iter().map(|row| row.wakeups as f64).sum()));
    let what = format!("PSS of shim and init, KB, of {CONTAINERS}");
    targets.push(Target { stretch: Some(64.0), ..Target::at_most(what, pss, Some(200.0)) });
    let what = "wake-ups while the workload sleeps".to_string();
    targets.push(Target::at_most(what, wakeups, Some(0.0)));
    targets
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Host { kernel, cpus, load_before, .. } = self;
        write!(f, "Linux {kernel}, {cpus} CPUs, load before {load_before}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, {:.0} s", self.host, self.seconds)?;
        for (name, version) in &self.host.versions {
            writeln!(f, "  {name}: {version}")?;
        }
        writeln!(f, "workload: `fn main() {{}}` in Rust, optimized, linked statically")?;
        self.halves.iter().try_for_each(|section| section.fmt(f))
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n==== as {} ====", self.identity)?;
        writeln!(f, "\nstart to exit, {} rounds", self.rounds)?;
        starts::table(f, &self.starts, "floor")?;
        self.throughput_table(f)?;
        self.memory_table(f)?;
        for LeftOut { name, reason } in &self.left_out {
            writeln!(f, "left out: {name}: {reason}")?;
        }
        writeln!(f)?;
        self.targets.iter().try_for_each(|target| target.fmt(f))
    }
}

impl Section {
    fn throughput_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{:14}", "starts per s")?;
        for at_once in AT_ONCE {
            write!(f, " {:>10}", format!("{at_once} at once"))?;
        }
        writeln!(f)?;
        for Throughput { name, starts_per_second } in &self.throughput {
            write!(f, "{name:14}")?;
            for rate in starts_per_second {
                write!(f, " {rate:10.0}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn memory_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nper container, of {}: the runtime's own processes beside a sleeping workload; \
             wake-ups of all in {:.1} s",
            self.containers, self.window_seconds
        )?;
        let titles = ["processes", "PSS KB", "private dirty KB", "wake-ups"];
        writeln!(
            f,
            "{:24} {:>9} {:>8} {:>17} {:>9}",
            "", titles[0], titles[1], titles[2], titles[3]
        )?;
        for row in &self.memory {
            let who = format!("{} {}", row.name, row.role);
            let (pss, dirty) = (number(row.pss_kb, 0), number(row.private_dirty_kb, 0));
            writeln!(f, "{who:24} {:9.1} {pss:>8} {dirty:>17} {:9}", row.processes, row.wakeups)?;
        }
        Ok(())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = |met| match met {
            Some(true) => "pass",
            Some(false) => "FAIL",
            None => "?",
        };
        let sign = if self.at_least { "≥" } else { "≤" };
        let verdict = if self.bound.is_some() { mark(self.pass) } else { "" };
        write!(f, "{verdict:4}  {}: ", self.what)?;
        match self.value {
            Some(value) => write!(f, "{value:.2}")?,
            None => write!(f, "not measured")?,
        }
        if let Some(ratio) = self.ratio_of_medians {
            write!(f, " (of medians {ratio:.2})")?;
        }
        if let Some(ratio) = self.ratio_of_quickest {
            write!(f, " (of the quickest {ratio:.2})")?;
        }
        if let Some(bound) = self.bound {
            write!(f, ", goal {sign} {bound}")?;
        }
        if let Some(stretch) = self.stretch {
            let reached = match self.met(stretch) {
                Some(true) => ": reached",
                Some(false) => ": not reached",
                None => "",
            };
            write!(f, ", stretch {sign} {stretch}{reached}")?;
        }
        writeln!(f)
    }
}

pub fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("?".into(), |value| format!("{value:.digits$}"))
}
