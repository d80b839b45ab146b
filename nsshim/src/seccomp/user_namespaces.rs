//! The filter of `--no-nested-userns`, beside any other one: no user namespace is made inside.
//!
//! In a user namespace all rights can be had again that were taken away outside of it, and most
//! ways into the kernel that have been found since 2013 begin there.

#![forbid(unsafe_code)]

use seccompiler::SeccompAction::{self, Allow};
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp;

use super::Filter;
use super::arch::Arch;
use super::compile::compile;
use super::policy::{Call, Condition, Policy, Rule, Table};
use super::x32;

/// Makes clone(2) and unshare(2) with `CLONE_NEWUSER` fail with `EPERM`, and clone3(2) with
/// `ENOSYS`: its flags are in memory, out of a filter's reach, and a libc goes back to clone.
pub fn no_user_namespaces() -> Filter {
    let arches = Arch::of_target("x86_64").unwrap_or_default();
    let table = |arch: &Arch| {
        let mut calls: Vec<(u32, &str)> = arch.syscalls().collect();
        if arch.audit == arches[0].audit {
            calls.extend(x32::syscalls());
        }
        let calls = calls.into_iter().filter_map(|(number, name)| Some((number, call(name)?)));
        Table { audit: arch.audit, calls: calls.collect(), unknown: Allow, beyond: None }
    };
    // What cannot run here needs no answer.
    let policy = Policy { tables: arches.iter().map(table).collect(), foreign: Allow };
    Filter::new(compile(&policy), 0)
}

fn call(name: &str) -> Option<Call> {
    let new_user = Condition {
        argument: 0,
        length: Dword,
        operator: SeccompCmpOp::MaskedEq(libc::CLONE_NEWUSER as u64),
        value: libc::CLONE_NEWUSER as u64,
    };
    match name {
        "clone" | "unshare" => Some(Call {
            rules: vec![Rule {
                conditions: vec![new_user],
                action: SeccompAction::Errno(libc::EPERM as u32),
            }],
            otherwise: Allow,
        }),
        "clone3" => Some(Call::always(SeccompAction::Errno(libc::ENOSYS as u32))),
        _ => None,
    }
}
