//! From a policy to the program that the kernel runs.
//!
//! Loading costs as well as calling: for every number it knows, of both architectures, the kernel
//! walks the program to see whether the call is always allowed (`seccomp_cache_prepare` in
//! kernel/seccomp.c, Linux 5.11), and from then on does not run it for those. So the program is a
//! search tree over ranges of numbers, and arguments are read only where a rule needs them.

#![forbid(unsafe_code)]

use super::arguments;
use super::assembler::{Assembler, Label, Test};
use super::policy::{Policy, Table};
use super::tree::Ranges;
use seccompiler::sock_filter;

/// Offsets in `struct seccomp_data` of `linux/seccomp.h`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;

/// The program that does as `policy` says.
///
/// It may be longer than the kernel takes (4096 instructions); loading it then says `EINVAL`.
pub fn compile(policy: &Policy) -> Vec<sock_filter> {
    let mut asm = Assembler::default();
    let foreign = asm.finish_with(&policy.foreign);
    // Backwards: the table written last comes first and is tried first.
    let tried = policy.tables.iter().rev().fold(foreign, |no, table| {
        let calls = calls(&mut asm, table);
        asm.branch(Test::Eq, table.audit, calls, no)
    });
    let entry = asm.load(ARCH, tried);
    asm.finish(entry)
}

fn calls(asm: &mut Assembler, table: &Table) -> Label {
    let mut ranges = Ranges::all(asm.finish_with(table.otherwise(0)));
    let mut last = None;
    // Where something may change: at each call, behind it, and where another architecture begins.
    let after = |&number: &u32| number.checked_add(1);
    let mut firsts: Vec<u32> = table.calls.keys().copied().collect();
    firsts.extend(table.calls.keys().filter_map(after));
    firsts.extend(table.beyond.iter().map(|(first, _)| first));
    firsts.sort_unstable();
    firsts.dedup();
    for number in firsts {
        let label = match (table.calls.get(&number), last) {
            (None, _) => asm.finish_with(table.otherwise(number)),
            // Most calls fare as the one before.
            (Some(call), Some((same, label))) if same == call => label,
            (Some(call), _) => arguments::assemble(asm, call),
        };
        if let Some(call) = table.calls.get(&number) {
            last = Some((call, label));
        }
        ranges.from(number, label);
    }
    let tree = ranges.assemble(asm, &numbers_tried_at_load);
    asm.load(NUMBER, tree)
}

/// The kernel walks the program once per number below its NR_syscalls, 471 in Linux 6.19.
fn numbers_tried_at_load(first: u32, last: u32) -> u32 {
    const NUMBERS: u32 = 480;
    (last.min(NUMBERS) + 1).saturating_sub(first)
}
