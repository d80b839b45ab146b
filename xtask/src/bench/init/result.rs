//! The table, the verdicts, and both as JSON.

use super::{ORPHANS, RUNS, Row};
use crate::Result;
use crate::bench::contestants::LeftOut;
use crate::bench::report::{Host, Target, number};
use serde::Serialize;
use std::fmt;

#[derive(Serialize)]
pub struct Findings {
    pub host: Host,
    pub seconds: f64,
    /// Of starts, signals and orphans.
    pub rounds: [usize; 3],
    pub rows: Vec<Row>,
    pub left_out: Vec<LeftOut>,
}

/// What was promised of nsinit.
const MOST_BYTES: f64 = 24_576.0;
const MOST_OF_TINIS_START: f64 = 0.25;
const MOST_DIRTY_KB: f64 = 20.0;
const MOST_PSS_KB: f64 = 28.0;
const MOST_OF_TINIS_LATENCY: f64 = 1.0;
const MOST_OF_TINIS_ORPHANS: f64 = 1.05;

impl Findings {
    pub fn json(&self) -> Result<String> {
        let mut value = serde_json::to_value(self)?;
        value["targets"] = serde_json::to_value(self.targets())?;
        Ok(serde_json::to_string_pretty(&value)? + "\n")
    }

    fn targets(&self) -> Vec<Target> {
        let row = |name: &str| self.rows.iter().find(|row| row.name == name);
        let own = |value: fn(&Row) -> Option<f64>| value(row("nsinit")?);
        let by_tini = |value: fn(&Row) -> Option<f64>| Some(own(value)? / value(row("tini")?)?);
        let at_most = |what: &str, value, bound| Target::at_most(what.into(), value, Some(bound));
        vec![
            at_most("start: nsinit / tini", by_tini(|row| row.start_us), MOST_OF_TINIS_START),
            at_most("file, bytes", own(|row| Some(row.bytes as f64)), MOST_BYTES),
            at_most("private dirty asleep, KB", own(|row| row.private_dirty_kb), MOST_DIRTY_KB),
            at_most("PSS asleep, KB", own(|row| row.pss_kb), MOST_PSS_KB),
            at_most(
                "signal through it: nsinit / tini",
                by_tini(|row| row.latency_us),
                MOST_OF_TINIS_LATENCY,
            ),
            at_most(
                "orphans: nsinit / tini",
                own(|row| row.orphans_by_tini),
                MOST_OF_TINIS_ORPHANS,
            ),
        ]
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [starts, signals, orphans] = self.rounds;
        writeln!(f, "{}, {:.0} s", self.host, self.seconds)?;
        writeln!(
            f,
            "start: to exit, beyond the workload's own, {starts} rounds; memory: asleep, one alone; \
             signal: beyond one sent directly, on one CPU, {signals} rounds; {ORPHANS} orphans, \
             one after the other, in {RUNS} runs, {orphans} rounds of one\n"
        )?;
        let titles =
            ["file B", "start µs", "dirty KB", "PSS KB", "signal µs", "orphans ms", "by tini"];
        write!(f, "{:12}", "")?;
        titles.iter().try_for_each(|title| write!(f, " {title:>10}"))?;
        writeln!(f)?;
        for row in &self.rows {
            let cells = [
                number(Some(row.bytes as f64), 0),
                number(row.start_us, 0),
                number(row.private_dirty_kb, 0),
                number(row.pss_kb, 0),
                number(row.latency_us, 2),
                number(row.orphans_ms, 0),
                number(row.orphans_by_tini, 3),
            ];
            write!(f, "{:12}", row.name)?;
            cells.iter().try_for_each(|cell| write!(f, " {cell:>10}"))?;
            writeln!(f)?;
        }
        for LeftOut { name, reason } in &self.left_out {
            writeln!(f, "left out: {name}: {reason}")?;
        }
        writeln!(f)?;
        self.targets().iter().try_for_each(|target| target.fmt(f))
    }
}
