//! What works here, and why the rest does not: found by trying.
//!
//! ```text
//!  checks (a table) ──trial (a run in a process of its own)──▶ Verdict ──report──▶ table or JSON
//!                                └ causes: the same table that serves the errors of run
//! ```
//!
//! A cause is looked for only where something failed, or could not be tried because something
//! else had failed before it.

mod ask;
mod checks;
mod line;
mod report;
mod trial;

use nsshim::Host;

use crate::causes::Context;
use crate::error::{Error, Finding};
use crate::inherited::Inherited;
use crate::resolve;

use checks::{Check, How};
use trial::{Ended, Failed};

pub use line::line;
pub use report::Report;
pub use trial::read;

/// Does not exist, whatever the root.
const NO_PROGRAM: &str = "/proc/self/nsctl-doctor/none";

/// What came of a check.
#[derive(Debug)]
pub struct Verdict {
    check: &'static Check,
    /// What was tried, to be pasted.
    tried: String,
    result: Outcome,
    /// Whether the exit status depends on it.
    asked_for: bool,
}

#[derive(Debug)]
enum Outcome {
    Works,
    Fails(Failed),
    /// Not tried, because this does not work; what else would be in the way.
    Behind(&'static str, Vec<Finding>),
    /// It does not work, and nobody misses it.
    NotNeeded(Failed),
}

/// Tries what was asked for and what that builds on.
pub fn examine(what: &[String], inherited: &Inherited) -> Result<Report, Error> {
    let host = Host::probe();
    let asked_for = wanted(what)?;
    let mut verdicts: Vec<Verdict> = Vec::new();
    for check in checks::ALL {
        let is_asked_for = asked_for.contains(&check.name);
        if !is_asked_for && !what.is_empty() && !is_below(check.name, &asked_for) {
            continue;
        }
        let blocked = check.after.iter().find(|name| {
            verdicts.iter().any(|done| {
                done.check.name == **name
                    && matches!(done.result, Outcome::Fails(_) | Outcome::Behind(..))
            })
        });
        let (tried, result) = examine_one(check, blocked.copied(), &host, inherited)?;
        let asked_for = match what {
            [] => check.by_run && !matches!(result, Outcome::NotNeeded(_)),
            _ => is_asked_for,
        };
        verdicts.push(Verdict { check, tried, result, asked_for });
    }
    Ok(Report { verdicts })
}

/// What can be asked for, and what it is.
pub fn words() -> Vec<(&'static str, &'static str)> {
    let groups = checks::GROUPS.iter().map(|(name, _)| (*name, "several checks"));
    let checks = checks::ALL.iter().map(|check| (check.name, check.what));
    checks.chain(groups).chain([("all", "every check")]).collect()
}

/// The names of the checks; without any all.
fn wanted(what: &[String]) -> Result<Vec<&'static str>, Error> {
    let all = || checks::ALL.iter().map(|check| check.name);
    let mut names = Vec::new();
    for word in what {
        let group = checks::GROUPS.iter().find(|(name, _)| name == word);
        match (group, all().find(|name| name == word)) {
            (Some((_, members)), _) => names.extend(members.iter().copied()),
            (None, Some(name)) => names.push(name),
            (None, None) if word == "all" => names.extend(all()),
            (None, None) => {
                let groups = checks::GROUPS.iter().map(|(name, _)| *name).chain(["all"]);
                let known: Vec<&str> = all().chain(groups).collect();
                return Err(Error::new(format!("no such check: {}", crate::error::shown(word)))
                    .try_this(known.join(" "))
                    .with_status(crate::exit::USAGE));
            }
        }
    }
    Ok(names)
}

/// Whether one of `names` can be tried only after this.
fn is_below(name: &str, names: &[&'static str]) -> bool {
    checks::ALL.iter().any(|check| {
        check.after.contains(&name) && (names.contains(&check.name) || is_below(check.name, names))
    })
}

fn examine_one(
    check: &'static Check,
    blocked: Option<&'static str>,
    host: &Host,
    inherited: &Inherited,
) -> Result<(String, Outcome), Error> {
    let Some(words) = check.how.words(host) else {
        let How::Ask(ask) = check.how else { unreachable!("only questions have no words") };
        let answer = ask();
        let result = match answer.fails {
            None => Outcome::Works,
            Some(finding) => {
                Outcome::Fails(Failed { message: String::new(), findings: vec![finding] })
            }
        };
        return Ok((answer.asked, result));
    };
    let tried = format!("nsctl run {}", [&words[..], &["true".into()]].concat().join(" "));
    let words = || words.iter().map(Into::into).chain([NO_PROGRAM.into()]);
    // With our streams no terminal is looked at.
    let context = trial::read(words()).and_then(|mut args| {
        (args.tty, args.no_tty) = (false, true);
        let request = resolve::run(args, inherited)?;
        Ok(Context::of(&request.spec, &request.host))
    });
    let result = match (context, blocked) {
        (Err(error), _) => Outcome::Fails(error.into()),
        (Ok(context), Some(before)) => Outcome::Behind(before, supposed(check, &context)),
        (Ok(context), None) => {
            match trial::carry_out(|| resolve::run(trial::read(words())?, inherited))? {
                Ended::Exited | Ended::NotExecuted(_) => Outcome::Works,
                Ended::Failed(mut failed) => {
                    for finding in supposed(check, &context) {
                        add(&mut failed.findings, finding);
                    }
                    Outcome::Fails(failed)
                }
            }
        }
    };
    let result = match result {
        Outcome::Fails(failed) if !is_needed(check, host) => Outcome::NotNeeded(failed),
        result => result,
    };
    Ok((tried, result))
}

/// Root makes namespaces without a user namespace; who has only its own ids has no use for
/// mapped owners.
fn is_needed(check: &Check, host: &Host) -> bool {
    match check.name {
        "user" => !host.is_privileged(),
        "idmap" => host.is_privileged(),
        _ => true,
    }
}

fn supposed(check: &Check, context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for (call, errno) in check.supposed {
        for finding in context.suppose(call, *errno) {
            add(&mut found, finding);
        }
    }
    found
}

fn add(findings: &mut Vec<Finding>, finding: Finding) {
    if !findings.iter().any(|known| known.name == finding.name) {
        findings.push(finding);
    }
}
