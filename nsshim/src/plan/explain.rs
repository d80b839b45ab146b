//! The plan with its reasons.

use super::Plan;
use crate::spec::Kind;
use crate::step::{Reason, reason_of_kind};

/// One step, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Whether the shim takes it, on the host's side.
    pub outside: bool,
    /// The calls, as strace(1) prints them.
    pub calls: String,
    /// What it is for, as it follows "to".
    pub purpose: String,
    /// Why, and where to read about it. Several for a call that does several things.
    pub reasons: Vec<Reason>,
}

impl Plan {
    /// Each step in its order, with its reasons.
    pub fn explained(&self) -> Vec<Explained> {
        let outside = |step: &crate::Outside| Explained {
            outside: true,
            calls: step.to_string(),
            purpose: step.purpose(),
            reasons: vec![step.reason()],
        };
        let inside = |step: &crate::Inside| Explained {
            outside: false,
            calls: step.to_string(),
            purpose: step.purpose(),
            reasons: vec![step.reason()],
        };
        let mut all: Vec<Explained> = self.before.iter().chain(&self.each).map(outside).collect();
        all.push(self.clone_explained());
        all.extend(self.early.iter().map(inside));
        all.extend(self.outside.iter().map(outside));
        all.extend(self.inside.iter().map(inside));
        all.extend(self.exec_explained());
        all
    }

    fn clone_explained(&self) -> Explained {
        let new = Kind::ALL.into_iter().filter(|kind| self.clone.contains(kind.flag()));
        let reasons: Vec<Reason> = new.map(reason_of_kind).collect();
        let (purpose, reasons) = match &reasons[..] {
            [] => ("make the container's first process", vec![]),
            _ => ("make the container's first process, straight in all new namespaces", reasons),
        };
        let descriptor = Reason {
            why: "and a descriptor of the process, which cannot be mistaken for a later one with \
                  the same number",
            page: "pidfd_open(2)",
        };
        Explained {
            outside: true,
            calls: self.clone_call(),
            purpose: purpose.into(),
            reasons: reasons.into_iter().chain([descriptor]).collect(),
        }
    }

    fn exec_explained(&self) -> Vec<Explained> {
        const INIT: Reason = Reason {
            why: "PID 1 must reap orphans and pass signals on, which programs do not; it is executed \
                  from memory, so that nothing inside reaches a file of the host (CVE-2019-5736)",
            page: "nsinit(1)",
        };
        const FILTER: Reason = Reason {
            why: "the file's filter is the command's alone, loaded right before its execve",
            page: "seccomp(2)",
        };
        let inside = |calls: String, purpose: &str, reason| Explained {
            outside: false,
            calls,
            purpose: purpose.into(),
            reasons: vec![reason],
        };
        let command: Vec<String> =
            self.exec.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let (number, by) = match (&self.exec.init, self.ends_as_one) {
            (Some(_), true) => ("the command, as PID 2", "nsinit: "),
            (Some(_), false) => ("the command, a child of nsinit", "nsinit: "),
            (None, _) => ("the command, in the place of the container's first process", ""),
        };
        let exec = Reason { why: number, page: "execve(2)" };
        let mut all = Vec::new();
        if let Some(options) = &self.exec.init {
            let calls = format!("execveat(nsinit, {})", options.words());
            all.push(inside(calls, "become the container's init", INIT));
        }
        if let Some(filter) = &self.exec.filter {
            all.push(inside(format!("{by}{filter}"), "restrict the command", FILTER));
        }
        all.push(inside(format!("{by}execve {command:?}"), "run the command", exec));
        all
    }
}
