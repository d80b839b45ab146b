//! What was found out: as a table for people, as JSON for programs.

use serde_json::{Value, json};

use super::trial::Failed;
use super::{Outcome, Verdict};
use crate::error::{Finding, explained};
use crate::output::Table;
use crate::status;

/// All verdicts.
#[derive(Debug)]
pub struct Report {
    pub(super) verdicts: Vec<Verdict>,
}

impl Report {
    /// Whether all that was asked for works.
    pub fn works(&self) -> bool {
        self.verdicts
            .iter()
            .all(|verdict| !verdict.asked_for || matches!(verdict.result, Outcome::Works))
    }

    /// A line a check, and below it what is in the way. No cause is told twice.
    pub fn text(&self) -> String {
        let mut table = Table::new(&["CHECK", "RESULT", "WHAT", "FOR"]);
        for verdict in &self.verdicts {
            let cells = [verdict.check.name, verdict.result.word()];
            let cells = cells.into_iter().chain([verdict.check.what, verdict.check.needed_for]);
            table.row(cells.map(String::from).collect());
        }
        let table = table.text(true);
        let mut lines = table.lines();
        let mut text = format!("{}\n", lines.next().unwrap_or_default());
        let mut told: Vec<&Finding> = Vec::new();
        for (line, verdict) in lines.zip(&self.verdicts) {
            text += &format!("{line}\n");
            match &verdict.result {
                Outcome::Works => {}
                Outcome::Fails(failed) | Outcome::NotNeeded(failed) => {
                    if !failed.message.is_empty() {
                        text += &explained("failed: ", &failed.message);
                    }
                    text += &format!("  tried:  {}\n", verdict.tried);
                }
                Outcome::Behind(before, _) => {
                    text += &format!("  not tried: it needs {before}\n");
                }
            }
            let findings = verdict.result.findings();
            if !findings.is_empty() && findings.iter().all(|finding| told.contains(&finding)) {
                text += "  cause:  as above\n";
            }
            for finding in findings {
                if !told.contains(&finding) {
                    told.push(finding);
                    text += &explained("cause:  ", &finding.evidence);
                    if let Some(remedy) = &finding.remedy {
                        text += &explained("remedy: ", remedy);
                    }
                }
            }
        }
        text
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let checks = self.verdicts.iter().map(|verdict| {
            let message = match &verdict.result {
                Outcome::Fails(failed) | Outcome::NotNeeded(failed) => {
                    Some(&failed.message).filter(|message| !message.is_empty())
                }
                Outcome::Works | Outcome::Behind(..) => None,
            };
            let behind = match verdict.result {
                Outcome::Behind(before, _) => Some(before),
                _ => None,
            };
            let causes: Vec<Value> =
                verdict.result.findings().iter().map(status::finding).collect();
            json!({
                "check": verdict.check.name,
                "what": verdict.check.what,
                "for": verdict.check.needed_for,
                "result": verdict.result.word(),
                "asked_for": verdict.asked_for,
                "tried": verdict.tried,
                "message": message,
                "behind": behind,
                "causes": causes,
            })
        });
        json!({"works": self.works(), "checks": checks.collect::<Vec<_>>()})
    }
}

impl Outcome {
    fn word(&self) -> &'static str {
        match self {
            Outcome::Works => "works",
            Outcome::Fails(_) | Outcome::Behind(..) => "does not",
            Outcome::NotNeeded(_) => "not needed",
        }
    }

    fn findings(&self) -> &[Finding] {
        match self {
            Outcome::Works => &[],
            Outcome::Fails(Failed { findings, .. })
            | Outcome::NotNeeded(Failed { findings, .. }) => findings,
            Outcome::Behind(_, findings) => findings,
        }
    }
}
