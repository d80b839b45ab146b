//! The table of how long each took from start to exit.

use super::arena::Arena;
use super::contestants::Contestant;
use super::measure::{Starts, times};
use super::report::number;
use super::statistics as stat;
use serde::Serialize;
use std::fmt;

#[derive(Serialize)]
pub struct Start {
    name: String,
    command: String,
    median_ms: f64,
    p10_ms: f64,
    p90_ms: f64,
    /// Median over the rounds of this one's time by the reference's.
    #[serde(rename = "times_floor")]
    times: Option<f64>,
    failures: usize,
}

impl Start {
    /// Those of the contestants that succeeded once.
    pub fn all(
        contestants: &[Contestant],
        measured: &[Starts],
        reference: &str,
        arena: &Arena,
    ) -> Vec<Start> {
        let reference = times(measured, reference);
        let start = |contestant: &Contestant| {
            let found = measured.iter().find(|starts| starts.name == contestant.name)?;
            let ms = |part| stat::quantile(&stat::present(&found.us), part).map(|us| us / 1e3);
            Some(Start {
                name: contestant.name.clone(),
                command: arena.shorten(&contestant.argv(0).join(" ")),
                median_ms: ms(0.5)?,
                p10_ms: ms(0.1)?,
                p90_ms: ms(0.9)?,
                times: reference.and_then(|reference| stat::median_ratio(&found.us, reference)),
                failures: found.failures,
            })
        };
        contestants.iter().filter_map(start).collect()
    }
}

/// One line each, with the command as far as it fits.
pub fn table(f: &mut fmt::Formatter<'_>, starts: &[Start], reference: &str) -> fmt::Result {
    let times = format!("×{reference}");
    writeln!(f, "{:14} {:>9} {:>7} {:>7} {times:>7}  command", "", "median ms", "p10", "p90")?;
    for start in starts {
        let Start { name, median_ms, p10_ms, p90_ms, .. } = start;
        let times = number(start.times, 2);
        write!(f, "{name:14} {median_ms:9.2} {p10_ms:7.2} {p90_ms:7.2} {times:>7}  ")?;
        writeln!(f, "{}", shortened(&start.command))?;
        if start.failures > 0 {
            writeln!(f, "{:14} failed {} times", "", start.failures)?;
        }
    }
    Ok(())
}

/// A command with forty mounts says nothing more after the first.
const WIDEST: usize = 160;

fn shortened(command: &str) -> String {
    match command.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{} …", &command[..end]),
        None => command.to_string(),
    }
}
