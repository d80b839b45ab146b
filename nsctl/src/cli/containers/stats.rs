//! `nsctl stats`: what containers use, as sums over their processes.

use std::fs;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use nix::unistd::{SysconfVar, sysconf};
use serde_json::json;

use super::say;
use crate::args::StatsArgs;
use crate::containers::{Container, Containers, Status};
use crate::error::{self, Error};
use crate::output::Table;

/// Between two looks: the processor's share is what was used in between.
const INTERVAL: Duration = Duration::from_secs(1);

/// Prints them, once or every second.
pub fn stats(args: &StatsArgs) -> Result<i32, Error> {
    let containers = Containers::open()?;
    let mut before: Vec<(String, Use)> = Vec::new();
    let mut status = 0;
    loop {
        let (found, failed) = chosen(&containers, &args.containers)?;
        status = failed.unwrap_or(status);
        let now: Vec<(Container, Use)> =
            found.into_iter().filter_map(|one| Use::of(&one).map(|used| (one, used))).collect();
        if !before.is_empty() || now.is_empty() {
            show(&now, &before, args.json);
            if args.no_stream {
                return Ok(status);
            }
        }
        before = now.into_iter().map(|(container, used)| (container.id, used)).collect();
        std::thread::sleep(INTERVAL);
    }
}

fn chosen(
    containers: &Containers,
    names: &[String],
) -> Result<(Vec<Container>, Option<i32>), Error> {
    if names.is_empty() {
        return Ok((containers.all()?, None));
    }
    let mut failed = None;
    let mut found = Vec::new();
    for name in names {
        match containers.find(name) {
            Ok(container) if matches!(container.state.status, Status::Running | Status::Paused) => {
                found.push(container);
            }
            Ok(container) => {
                let error = Error::new(format!("{} is not running", container.about.name));
                failed = Some(error::report(&error));
            }
            Err(error) => failed = Some(error::report(&error)),
        }
    }
    Ok((found, failed))
}

struct Use {
    /// Clock ticks of the processor, of those that live and of those they waited for.
    ticks: u64,
    /// Pages in memory, of each process; what they share is counted for each.
    pages: u64,
    processes: usize,
    at: Instant,
}

impl Use {
    fn of(container: &Container) -> Option<Self> {
        let pids = container.processes(&container.state).ok()?;
        let mut sum = Use { ticks: 0, pages: 0, processes: pids.len(), at: Instant::now() };
        for pid in pids {
            let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            // From the third field on: the name may hold anything. proc_pid_stat(5)
            let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
            let fields: Vec<u64> =
                rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
            let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0);
            sum.ticks += (14..=17).map(field).sum::<u64>();
            sum.pages += field(24);
        }
        Some(sum)
    }

    /// In hundredths of one processor.
    fn percent(&self, before: &Use) -> f64 {
        let per_second = constant(SysconfVar::CLK_TCK, 100) as f64;
        let used = self.ticks.saturating_sub(before.ticks) as f64 / per_second;
        let time = self.at.saturating_duration_since(before.at).as_secs_f64();
        if time > 0.0 { 100.0 * used / time } else { 0.0 }
    }
}

fn constant(which: SysconfVar, usual: u64) -> u64 {
    sysconf(which).ok().flatten().and_then(|value| u64::try_from(value).ok()).unwrap_or(usual)
}

fn show(now: &[(Container, Use)], before: &[(String, Use)], json: bool) {
    let page = constant(SysconfVar::PAGE_SIZE, 4096);
    let mut table = Table::new(&["NAME", "CPU %", "MEMORY", "PROCESSES", "ID"]);
    let mut all = Vec::new();
    for (container, used) in now {
        let was = before.iter().find(|(id, _)| *id == container.id);
        let percent = was.map_or(0.0, |(_, before)| used.percent(before));
        let bytes = used.pages * page;
        all.push(json!({
            "id": container.id, "name": container.about.name, "cpu_percent": percent,
            "memory_bytes": bytes, "processes": used.processes,
        }));
        table.row(vec![
            container.about.name.clone(),
            format!("{percent:.1}"),
            format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
            used.processes.to_string(),
            container.short_id().to_string(),
        ]);
    }
    if json {
        say(&serde_json::Value::from(all).to_string());
    } else {
        // Home and clear, as watch(1) does, where a person looks.
        let clear = if std::io::stdout().is_terminal() { "\x1b[H\x1b[J" } else { "" };
        say(&format!("{clear}{}", table.text(true).trim_end()));
    }
}
