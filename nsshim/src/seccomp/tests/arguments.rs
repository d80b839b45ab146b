//! The arguments of calls that have rules for them.

#![forbid(unsafe_code)]

use super::super::policy::{Policy, Table};
use super::super::{DOCKER_DEFAULT_CAPABILITIES, arch::Arch, compile::compile, default};
use super::random::Random;
use super::*;
use seccompiler::SeccompAction::{Allow, Errno, KillProcess, Log};

/// Tries each telling value in each argument, among random ones.
fn try_all(policy: &Policy, random: &mut Random) {
    let program = compile(policy);
    for table in &policy.tables {
        for (&number, rules) in &table.calls {
            if rules.rules.is_empty() {
                continue;
            }
            for value in telling_values(rules) {
                for position in 0..6 {
                    let mut args = random.args();
                    args[position] = value;
                    let call = SystemCall { number, audit: table.audit, args };
                    assert_same(policy, &program, &call);
                }
            }
        }
    }
}

#[test]
fn arguments_fare_as_the_default_policy_says() {
    let arches = Arch::of_target("x86_64").unwrap();
    let mut random = Random::seeded(4);
    for capabilities in [DOCKER_DEFAULT_CAPABILITIES, 0, 1 << 21, u64::MAX] {
        try_all(&default::policy(arches, capabilities), &mut random);
    }
}

#[test]
fn arguments_fare_as_random_rules_say() {
    let mut random = Random::seeded(5);
    for _ in 0..3000 {
        let call = random.call(4, &[Allow, Errno(1), Errno(2), Log]);
        let calls = [(1, call)].into();
        let table = Table { audit: X86_64, calls, unknown: KillProcess, beyond: None };
        try_all(&Policy { tables: vec![table], foreign: KillProcess }, &mut random);
    }
}
