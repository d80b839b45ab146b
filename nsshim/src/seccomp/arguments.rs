//! The part of a program that looks at the arguments of one system call.

#![forbid(unsafe_code)]

use super::assembler::{Assembler, Label, Test};
use super::policy::{Call, Condition};
use super::tree::Ranges;
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp;

/// Offset of `args` in `struct seccomp_data` of `linux/seccomp.h`.
const ARGS: u32 = 16;

/// Where the halves of an argument are; every architecture here is little-endian.
fn low(argument: u8) -> u32 {
    ARGS + 8 * u32::from(argument)
}

fn high(argument: u8) -> u32 {
    low(argument) + 4
}

/// Writes the rules of `call`.
pub fn assemble(asm: &mut Assembler, call: &Call) -> Label {
    by_value(asm, call).unwrap_or_else(|| by_rule(asm, call))
}

/// One rule after the other, one condition after the other: works for all.
fn by_rule(asm: &mut Assembler, call: &Call) -> Label {
    let otherwise = asm.finish_with(&call.otherwise);
    call.rules.iter().rev().fold(otherwise, |no, rule| {
        let action = asm.finish_with(&rule.action);
        rule.conditions.iter().rev().fold(action, |yes, cond| condition(asm, cond, yes, no))
    })
}

/// Rules that all compare one argument cut its values into ranges, however many rules there are.
///
/// `None` when they look at several arguments or at bits, or when a range ends above 32 bits
/// (no system call has such a rule).
fn by_value(asm: &mut Assembler, call: &Call) -> Option<Label> {
    let conditions = || call.rules.iter().flat_map(|rule| &rule.conditions);
    let Condition { argument, length, .. } = conditions().next()?;
    let mut firsts = vec![0];
    for cond in conditions() {
        if cond.argument != *argument || cond.length != *length {
            return None;
        }
        let value = match length {
            Dword => cond.value & u64::from(u32::MAX),
            Qword => cond.value,
        };
        match cond.operator {
            SeccompCmpOp::Lt | SeccompCmpOp::Ge => firsts.push(value),
            SeccompCmpOp::Le | SeccompCmpOp::Gt => firsts.push(value.checked_add(1)?),
            SeccompCmpOp::Eq | SeccompCmpOp::Ne => firsts.extend([value, value.checked_add(1)?]),
            SeccompCmpOp::MaskedEq(_) => return None,
        }
    }
    firsts.sort_unstable();
    firsts.dedup();

    // A range reaches from its first value to the next one: all its values fare alike.
    let mut action_at = |value: u64| {
        let rule = call.rules.iter().find(|rule| rule.conditions.iter().all(|c| c.holds(value)));
        asm.finish_with(rule.map_or(&call.otherwise, |rule| &rule.action))
    };
    const ABOVE: u64 = 1 << 32;
    if *firsts.last()? > ABOVE {
        return None;
    }
    let above = action_at(ABOVE);
    let mut ranges = Ranges::all(above);
    for first in firsts {
        if let Ok(low_half) = u32::try_from(first) {
            ranges.from(low_half, action_at(first));
        }
    }
    let tree = ranges.assemble(asm, &|_, _| 1);
    let low_half = asm.load(low(*argument), tree);
    Some(match length {
        Dword => low_half,
        Qword => {
            let is_low = asm.branch(Test::Eq, 0, low_half, above);
            asm.load(high(*argument), is_low)
        }
    })
}

fn condition(asm: &mut Assembler, cond: &Condition, yes: Label, no: Label) -> Label {
    let value = Halves::of(cond.value);
    let wide = cond.length == Qword;
    match cond.operator {
        SeccompCmpOp::Eq => masked(asm, cond, u64::MAX, yes, no),
        SeccompCmpOp::Ne => masked(asm, cond, u64::MAX, no, yes),
        SeccompCmpOp::MaskedEq(mask) => masked(asm, cond, mask, yes, no),
        SeccompCmpOp::Gt => ordered(asm, cond.argument, wide, Test::Gt, value, yes, no),
        SeccompCmpOp::Ge => ordered(asm, cond.argument, wide, Test::Ge, value, yes, no),
        SeccompCmpOp::Le => ordered(asm, cond.argument, wide, Test::Gt, value, no, yes),
        SeccompCmpOp::Lt => ordered(asm, cond.argument, wide, Test::Ge, value, no, yes),
    }
}

fn ordered(
    asm: &mut Assembler,
    argument: u8,
    wide: bool,
    test: Test,
    value: Halves,
    yes: Label,
    no: Label,
) -> Label {
    let by_low = asm.branch(test, value.low, yes, no);
    let low_half = asm.load(low(argument), by_low);
    if !wide {
        return low_half;
    }
    let equal = asm.branch(Test::Eq, value.high, low_half, no);
    let greater = asm.branch(Test::Gt, value.high, yes, equal);
    asm.load(high(argument), greater)
}

fn masked(asm: &mut Assembler, cond: &Condition, mask: u64, yes: Label, no: Label) -> Label {
    let (mask, value) = (Halves::of(mask), Halves::of(cond.value & mask));
    let low_half = masked_half(asm, low(cond.argument), mask.low, value.low, yes, no);
    match cond.length {
        Dword => low_half,
        Qword => masked_half(asm, high(cond.argument), mask.high, value.high, low_half, no),
    }
}

fn masked_half(
    asm: &mut Assembler,
    offset: u32,
    mask: u32,
    value: u32,
    yes: Label,
    no: Label,
) -> Label {
    let test = match (mask, value) {
        (0, _) => return yes,
        (u32::MAX, _) => asm.branch(Test::Eq, value, yes, no),
        (_, 0) => asm.branch(Test::AnyBit, mask, no, yes),
        _ => {
            let equal = asm.branch(Test::Eq, value, yes, no);
            asm.and(mask, equal)
        }
    };
    asm.load(offset, test)
}

#[derive(Clone, Copy)]
struct Halves {
    high: u32,
    low: u32,
}

impl Halves {
    fn of(value: u64) -> Self {
        Self { high: (value >> 32) as u32, low: value as u32 }
    }
}
