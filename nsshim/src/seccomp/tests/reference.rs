//! The same policy compiled by seccompiler, which shares no compiling code with us.

#![forbid(unsafe_code)]

use super::super::policy::{Call, Policy};
use super::super::{DOCKER_DEFAULT_CAPABILITIES, arch::Arch, compile::compile, default};
use super::random::Random;
use super::*;
use seccompiler::SeccompAction::{Allow, Errno, KillProcess};
use seccompiler::{
    BpfProgram, SeccompCondition, SeccompFilter, SeccompRule, TargetArch, sock_filter,
};

/// seccompiler knows one architecture, one action for matches and one for the rest.
fn by_seccompiler(policy: &Policy) -> BpfProgram {
    let [table] = &policy.tables[..] else { panic!("one table") };
    let rules = |call: &Call| -> Vec<SeccompRule> {
        call.rules
            .iter()
            .map(|rule| {
                let conditions = rule.conditions.iter().map(|c| {
                    SeccompCondition::new(c.argument, c.length.clone(), c.operator.clone(), c.value)
                        .unwrap()
                });
                SeccompRule::new(conditions.collect()).unwrap()
            })
            .collect()
    };
    let rules = table
        .calls
        .iter()
        .filter(|(_, call)| call.otherwise == Allow || !call.rules.is_empty())
        .map(|(&number, call)| (i64::from(number), rules(call)))
        .collect();
    let filter =
        SeccompFilter::new(rules, table.unknown.clone(), Allow, TargetArch::x86_64).unwrap();
    filter.try_into().unwrap()
}

fn assert_equal(ours: &[sock_filter], theirs: &[sock_filter], policy: &Policy) {
    let mut random = Random::seeded(6);
    let calls = &policy.tables[0].calls;
    let numbers = (0..=1023).chain([0x4000_0000, 0x4000_0001, 0x4000_0200, u32::MAX]);
    for number in numbers {
        for audit in [X86_64, I386, AARCH64] {
            let values = calls.get(&number).map(telling_values).unwrap_or_else(|| vec![0]);
            for value in values {
                let mut args = random.args();
                args[random.below(6) as usize] = value;
                let call = SystemCall { number, audit, args };
                assert_eq!(run(ours, &call).0, run(theirs, &call).0, "{call:x?}");
            }
        }
    }
}

#[test]
fn the_default_policy_fares_as_with_seccompiler() {
    let arches = Arch::of_target("x86_64").unwrap();
    for capabilities in [DOCKER_DEFAULT_CAPABILITIES, 0, u64::MAX] {
        let mut policy = default::policy(arches, capabilities);
        policy.tables.truncate(1);
        let table = &mut policy.tables[0];
        table.unknown = Errno(1);
        // What it cannot say: another errno, and rules that deny.
        table.calls.retain(|_, call| {
            let denies = |rule: &super::super::policy::Rule| rule.action != Allow;
            call.otherwise != Errno(38) && !call.rules.iter().any(denies)
        });
        let (ours, theirs) = (compile(&policy), by_seccompiler(&policy));
        assert!(ours.len() * 5 < theirs.len(), "{} to {}", ours.len(), theirs.len());
        assert_equal(&ours, &theirs, &policy);
    }
}

#[test]
fn random_policies_fare_as_with_seccompiler() {
    let mut random = Random::seeded(7);
    for _ in 0..30 {
        let mut policy = random.policy(30, 3, &[Allow]);
        policy.tables.truncate(1);
        let table = &mut policy.tables[0];
        table.unknown = Errno(1);
        table.beyond = None;
        for call in table.calls.values_mut().filter(|call| !call.rules.is_empty()) {
            call.otherwise = Errno(1);
        }
        policy.foreign = KillProcess;
        assert_equal(&compile(&policy), &by_seccompiler(&policy), &policy);
    }
}
