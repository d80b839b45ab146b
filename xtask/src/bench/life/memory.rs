//! What stays beside a container that sleeps on its own: memory, and wake-ups.

use super::{Bench, Workload, program};
use crate::Result;
use crate::bench::memory::{self, Process};
use crate::bench::report::Target;
use std::time::Duration;

/// As many as the goal speaks of.
const CONTAINERS: usize = 50;

const STATE: &str = "memory";

/// How long they are watched.
const WINDOW: Duration = Duration::from_secs(2);

/// From the last start to rest.
const SETTLE: Duration = Duration::from_millis(300);

pub fn measure(bench: &Bench<'_>) -> Result<Vec<Target>> {
    let rest = program(bench, Workload::Sleep);
    let mut names = Vec::new();
    for _ in 0..CONTAINERS {
        names.push(bench.ask(STATE, &["run", "-d", "--", &rest])?);
    }
    let words: Vec<&str> =
        ["inspect"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let all: serde_json::Value = serde_json::from_str(&bench.ask(STATE, &words)?)?;
    let mut processes = Vec::new();
    for container in all.as_array().into_iter().flatten() {
        for (key, role) in [("pid", "init"), ("shim", "shim")] {
            let pid = container["state"][key].as_i64().ok_or("a container has ended")?;
            processes.push(Process { pid: i32::try_from(pid)?, role });
        }
    }
    std::thread::sleep(SETTLE);
    let rows = memory::look("nsctl", &processes, CONTAINERS, WINDOW);
    let sum = |value: fn(&memory::Row) -> Option<f64>| rows.iter().map(value).sum::<Option<f64>>();
    let wakeups = rows.iter().map(|row| row.wakeups as f64).sum();
    let of = |role: &str| rows.iter().find(|row| row.role == role)?.pss_kb;
    Ok(vec![
        Target::at_most(
            format!("PSS of shim and init, KB, of {CONTAINERS} detached"),
            sum(|row| row.pss_kb),
            Some(200.0),
        ),
        Target::at_most("of that the shim's, KB".into(), of("shim"), None),
        Target::at_most("private dirty, KB".into(), sum(|row| row.private_dirty_kb), None),
        Target::at_most("wake-ups of all while they sleep".into(), Some(wakeups), Some(0.0)),
    ])
}
