//! Every system call number, of every architecture, under many capability sets.

#![forbid(unsafe_code)]

use super::super::{arch::Arch, compile::compile, default};
use super::random::Random;
use super::*;

/// All that the tables know and more, the same for x32 (bit 30), and far-off ones.
fn numbers() -> impl Iterator<Item = u32> {
    let wild = [0x3fff_ffff, 0x7fff_ffff, 0x8000_0000, 0xbfff_ffff, 0xffff_fffe, u32::MAX];
    (0..=1023).chain(0x4000_0000..=0x4000_03ff).chain(wild)
}

fn capability_sets() -> impl Iterator<Item = u64> {
    let mut random = Random::seeded(1);
    let each = (0..41).map(|capability| 1 << capability);
    let any = (0..20).map(move |_| random.next() & ((1 << 41) - 1));
    each.chain(any).chain([0, (1 << 41) - 1, u64::MAX, super::super::DOCKER_DEFAULT_CAPABILITIES])
}

#[test]
fn every_number_fares_as_the_default_policy_says() {
    let arches = Arch::of_target("x86_64").unwrap();
    let mut random = Random::seeded(2);
    for capabilities in capability_sets() {
        let policy = default::policy(arches, capabilities);
        let filter = super::super::default_filter(capabilities);
        for audit in [X86_64, I386, AARCH64, 0, u32::MAX] {
            for number in numbers() {
                for args in [[0; 6], random.args(), random.args()] {
                    let call = SystemCall { number, audit, args };
                    assert_same(&policy, filter.instructions(), &call);
                }
            }
        }
    }
}

#[test]
fn every_number_fares_as_a_random_policy_says() {
    use seccompiler::SeccompAction::*;
    let actions = [Allow, Allow, Errno(1), Errno(38), KillThread, KillProcess, Log, Trace(7), Trap];
    let mut random = Random::seeded(3);
    const JUMP: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
    let mut far_jumps = 0;
    for (calls, rules) in [(0, 0), (1, 1), (40, 2), (400, 1), (400, 8), (900, 12)].repeat(4) {
        let policy = random.policy(calls, rules, &actions);
        let program = compile(&policy);
        far_jumps += program.iter().filter(|instruction| instruction.code == JUMP).count();
        for audit in [X86_64, I386, AARCH64] {
            for number in numbers() {
                let args = random.args();
                assert_same(&policy, &program, &SystemCall { number, audit, args });
            }
        }
    }
    // Conditional jumps reach 255 instructions far; the longest programs need others.
    assert!(far_jumps > 0);
}
