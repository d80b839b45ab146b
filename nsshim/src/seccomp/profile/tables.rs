//! From entries to a policy: by architecture and number.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use seccompiler::SeccompAction;
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp;

use super::entry::{Comparison, Entry};
use super::json::{Mistake, Object};
use super::names::{self, Architecture};
use super::{Facts, Note};
use crate::seccomp::arch::Arch;
use crate::seccomp::policy::{Call, Condition, Policy, Rule, Table};
use crate::seccomp::x32;

const NOT_IMPLEMENTED: SeccompAction = SeccompAction::Errno(libc::ENOSYS as u32);

/// Keys that mean something, and those that are there for people.
const KEYS: [&str; 9] = [
    "archMap",
    "architectures",
    "comment",
    "defaultAction",
    "defaultErrnoRet",
    "flags",
    "listenerMetadata",
    "listenerPath",
    "syscalls",
];

/// Reads the object that is a profile.
pub(super) fn policy(
    object: &Object<'_>,
    facts: &Facts,
    notes: &mut Vec<Note>,
) -> Result<Policy, Mistake> {
    for key in object.keys().filter(|key| !KEYS.contains(key)) {
        notes.push(Note { place: object.at(key), text: "this key means nothing here".into() });
    }
    for key in ["listenerPath", "listenerMetadata"] {
        if object.string(key)?.is_some() {
            return Err(Mistake::new(object.at(key), "nothing here listens".into())
                .try_this("a profile without SCMP_ACT_NOTIFY and its listener"));
        }
    }
    let default = names::action(object, "defaultAction", "defaultErrnoRet")?.ok_or_else(|| {
        Mistake::new(object.at("defaultAction"), "there is none".into())
            .try_this("\"defaultAction\": \"SCMP_ACT_ERRNO\"")
    })?;
    let architectures = architectures(object)?;
    let mut entries = Vec::new();
    for (index, entry) in object.objects("syscalls")?.iter().enumerate() {
        match Entry::read(entry, facts)? {
            // runc leaves out what says the same as the default.
            Some(entry) if entry.action != default => entries.push(entry),
            Some(_) => {}
            None => log::debug!("profile: syscalls[{index}] is not for this container"),
        }
    }
    note_entries(&entries, notes);

    let foreign = SeccompAction::KillProcess;
    let known = Arch::of_target("x86_64").unwrap_or_default();
    let mut tables = Vec::new();
    for (arch, listed) in known.iter().zip([Architecture::X86_64, Architecture::X86]) {
        if listed != Architecture::X86_64 && !architectures.contains(&listed) {
            continue;
        }
        let mut table = table(arch, arch.syscalls().collect(), &entries, &default);
        if listed == Architecture::X86_64 {
            if architectures.contains(&Architecture::X32) {
                table
                    .calls
                    .extend(self::table(arch, x32::syscalls().collect(), &entries, &default).calls);
            } else {
                table.beyond = Some((x32::BIT, foreign.clone()));
            }
        }
        tables.push(table);
    }
    Ok(Policy { tables, foreign })
}

/// Whether a 64-bit execve(2) is refused whatever its arguments.
pub(super) fn denies_execve(policy: &Policy) -> bool {
    let refuses = |action: &SeccompAction| {
        !matches!(action, SeccompAction::Allow | SeccompAction::Log | SeccompAction::Trace(_))
    };
    let call = policy.tables.first().and_then(|table| table.calls.get(&(libc::SYS_execve as u32)));
    call.is_some_and(|call| {
        refuses(&call.otherwise) && call.rules.iter().all(|rule| refuses(&rule.action))
    })
}

/// The flags for seccomp(2).
pub(super) fn flags(object: &Object<'_>) -> Result<u32, Mistake> {
    let words = object.strings("flags")?;
    let bit = |(index, word): (usize, &&str)| {
        names::flag(word, &format!("{}[{index}]", object.at("flags")))
    };
    words.iter().enumerate().map(bit).try_fold(0, |all, flag| Ok(all | flag?))
}

fn architectures(object: &Object<'_>) -> Result<Vec<Architecture>, Mistake> {
    let listed = object.strings("architectures")?;
    let map = object.objects("archMap")?;
    if !listed.is_empty() && !map.is_empty() {
        return Err(Mistake::new(
            object.at("archMap"),
            "there are architectures and archMap".into(),
        )
        .try_this("one of them"));
    }
    let read = |place: &str, words: Vec<&str>| {
        let each =
            |(index, word): (usize, &&str)| names::architecture(word, &format!("{place}[{index}]"));
        words.iter().enumerate().map(each).collect::<Result<Vec<_>, _>>()
    };
    let mut found = read(&object.at("architectures"), listed)?;
    for row in map {
        let word = row.string("architecture")?.unwrap_or_default();
        let arch = names::architecture(word, &row.at("architecture"))?;
        let more = read(&row.at("subArchitectures"), row.strings("subArchitectures")?)?;
        if arch == Architecture::X86_64 {
            found.extend(more);
        }
    }
    Ok(found)
}

fn table(
    arch: &Arch,
    syscalls: Vec<(u32, &'static str)>,
    entries: &[Entry<'_>],
    default: &SeccompAction,
) -> Table {
    let mut by_name: BTreeMap<&str, Vec<&Entry<'_>>> = BTreeMap::new();
    for entry in entries {
        for name in &entry.names {
            by_name.entry(name).or_default().push(entry);
        }
    }
    let newest = syscalls.iter().filter(|call| by_name.contains_key(call.1)).map(|call| call.0);
    let newest = newest.max();
    // A file that answers with an errno would answer calls it does not know yet with ENOSYS.
    let unknown = match default {
        SeccompAction::Errno(_) => NOT_IMPLEMENTED,
        other => other.clone(),
    };
    let call = |(number, name): (u32, &'static str)| {
        let call = match by_name.get(name) {
            Some(entries) => call(arch, entries, default),
            None if newest.is_some_and(|newest| number <= newest) => Call::always(default.clone()),
            None => Call::always(unknown.clone()),
        };
        (number, call)
    };
    let calls = syscalls.into_iter().map(call).collect();
    Table { audit: arch.audit, calls, unknown, beyond: None }
}

/// What the entries for one call say together.
fn call(arch: &Arch, entries: &[&Entry<'_>], default: &SeccompAction) -> Call {
    if let Some(entry) = entries.iter().find(|entry| entry.conditions.is_empty()) {
        return Call::always(entry.action.clone());
    }
    let rules = entries
        .iter()
        .flat_map(|entry| {
            let alternatives = match has_twice(&entry.conditions) {
                true => entry.conditions.iter().map(std::slice::from_ref).collect(),
                false => vec![&entry.conditions[..]],
            };
            alternatives.into_iter().filter_map(|conditions| {
                let conditions: Option<Vec<_>> =
                    conditions.iter().map(|c| width(arch, c)).collect();
                let conditions = conditions?.into_iter().flatten().collect();
                Some(Rule { conditions, action: entry.action.clone() })
            })
        })
        .collect();
    Call { rules, otherwise: default.clone() }
}

/// Whether two conditions are on the same argument.
fn has_twice(conditions: &[Comparison]) -> bool {
    let twice = |(at, one): (usize, &Comparison)| {
        conditions[..at].iter().any(|other| other.argument == one.argument)
    };
    conditions.iter().enumerate().any(twice)
}

/// The condition on an argument of this architecture: `Some(None)` when it always holds, `None`
/// when it never does.
///
/// Arguments of a 32-bit call have no bits above 32, whatever the registers hold.
fn width(arch: &Arch, comparison: &Comparison) -> Option<Option<Condition>> {
    let Comparison { argument, operator, value } = comparison.clone();
    if arch.register == Dword && value > u64::from(u32::MAX) {
        return match operator {
            SeccompCmpOp::Ne | SeccompCmpOp::Lt | SeccompCmpOp::Le => Some(None),
            SeccompCmpOp::Eq | SeccompCmpOp::Gt | SeccompCmpOp::Ge | SeccompCmpOp::MaskedEq(_) => {
                None
            }
        };
    }
    let length = if arch.register == Dword { Dword } else { Qword };
    Some(Some(Condition { argument, length, operator, value }))
}

fn note_entries(entries: &[Entry<'_>], notes: &mut Vec<Note>) {
    let arches = Arch::of_target("x86_64").unwrap_or_default();
    let known = |name: &str| arches.iter().any(|arch| arch.syscalls().any(|call| call.1 == name));
    let mut decided: BTreeMap<&str, &str> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.conditions.is_empty()) {
        for name in &entry.names {
            decided.entry(name).or_insert(&entry.place);
        }
    }
    let mut note = |entry: &Entry<'_>, text| notes.push(Note { place: entry.place.clone(), text });
    for entry in entries {
        for name in &entry.names {
            if !known(name) {
                note(entry, format!("no system call here is named {name:?}"));
            } else if let Some(place) = decided.get(name).filter(|place| **place != entry.place) {
                note(entry, format!("{name} is decided by {place}, which has no conditions"));
            }
        }
        if has_twice(&entry.conditions) {
            note(entry, "two conditions on one argument are alternatives, as in runc".into());
        }
    }
}
