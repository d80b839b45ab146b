//! The compiled programs against the policies they come from, and against seccompiler.

#![forbid(unsafe_code)]

mod arguments;
mod default;
mod numbers;
pub(super) mod random;
mod reference;

use super::interpreter::{SystemCall, run};
use super::policy::{Call, Policy};
use seccompiler::sock_filter;

const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;
const AARCH64: u32 = 0xc000_00b7;

/// What a policy says, read off without any compiling.
fn decide(policy: &Policy, call: &SystemCall) -> u32 {
    let action = match policy.tables.iter().find(|table| table.audit == call.audit) {
        None => &policy.foreign,
        Some(table) => match table.calls.get(&call.number) {
            None => table.otherwise(call.number),
            Some(Call { rules, otherwise }) => rules
                .iter()
                .find(|rule| {
                    rule.conditions.iter().all(|c| c.holds(call.args[usize::from(c.argument)]))
                })
                .map_or(otherwise, |rule| &rule.action),
        },
    };
    u32::from(action.clone())
}

#[track_caller]
fn assert_same(policy: &Policy, program: &[sock_filter], call: &SystemCall) {
    let (expected, found) = (decide(policy, call), run(program, call).0);
    assert_eq!(found, expected, "{found:#x} in place of {expected:#x} for {call:x?}");
}

/// Arguments at which a policy may change its mind: its own values and what is next to them, in
/// the low half, in the high half and with the high half set.
fn telling_values(call: &Call) -> Vec<u64> {
    let conditions = call.rules.iter().flat_map(|rule| &rule.conditions);
    let mut values: Vec<u64> = conditions
        .flat_map(|c| {
            let mask = match c.operator {
                seccompiler::SeccompCmpOp::MaskedEq(mask) => mask,
                _ => 0,
            };
            [c.value, mask, c.value | mask, c.value ^ mask, mask & mask.wrapping_neg()]
        })
        .chain([0, 1 << 31, 1 << 32, 1 << 63])
        .flat_map(|v| [v, v.wrapping_sub(1), v.wrapping_add(1), !v])
        .flat_map(|v| [v, v | 1 << 32, v | 1 << 63, v << 32, v & 0xffff_ffff, v.rotate_left(32)])
        .collect();
    values.sort_unstable();
    values.dedup();
    values
}
