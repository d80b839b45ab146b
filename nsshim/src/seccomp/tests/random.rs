//! Random numbers that are the same in every run, and random policies made of them.

#![forbid(unsafe_code)]

use super::super::policy::{Call, Condition, Policy, Rule, Table};
use seccompiler::{SeccompAction, SeccompCmpArgLen, SeccompCmpOp};

/// xorshift64* (Vigna 2014).
pub struct Random(u64);

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// 0 to `end` - 1.
    pub fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }

    /// Small, large, round and any: what arguments and rules are made of.
    pub fn value(&mut self) -> u64 {
        match self.below(5) {
            0 => self.below(16),
            1 => self.next(),
            2 => self.next() >> 32,
            3 => 1 << self.below(64),
            _ => self.below(4) << 32 | self.below(4),
        }
    }

    pub fn args(&mut self) -> [u64; 6] {
        std::array::from_fn(|_| self.value())
    }

    pub fn condition(&mut self) -> Condition {
        Condition {
            argument: self.below(6) as u8,
            length: match self.below(2) {
                0 => SeccompCmpArgLen::Dword,
                _ => SeccompCmpArgLen::Qword,
            },
            operator: match self.below(7) {
                0 => SeccompCmpOp::Eq,
                1 => SeccompCmpOp::Ne,
                2 => SeccompCmpOp::Lt,
                3 => SeccompCmpOp::Le,
                4 => SeccompCmpOp::Gt,
                5 => SeccompCmpOp::Ge,
                _ => SeccompCmpOp::MaskedEq(self.value()),
            },
            value: self.value(),
        }
    }

    /// Up to `rules` rules; every other call has all its conditions on one argument.
    pub fn call(&mut self, rules: u64, actions: &[SeccompAction]) -> Call {
        let same = (self.below(2) == 0).then(|| self.condition());
        let rules = (0..self.below(rules + 1))
            .map(|_| Rule {
                conditions: (0..=self.below(3))
                    .map(|_| {
                        let mut condition = self.condition();
                        if let Some(same) = &same {
                            condition.argument = same.argument;
                            condition.length = same.length.clone();
                        }
                        condition
                    })
                    .collect(),
                action: self.pick(actions),
            })
            .collect();
        Call { rules, otherwise: self.pick(actions) }
    }

    /// Two tables with `calls` calls each, in runs and with holes.
    pub fn policy(&mut self, calls: u64, rules: u64, actions: &[SeccompAction]) -> Policy {
        let mut table = |audit| {
            let mut number = 0;
            let calls = (0..calls).map(|_| {
                number += 1 + self.below(8).saturating_sub(6) as u32;
                let call = match self.below(4) {
                    0 => self.call(rules, actions),
                    _ => Call::always(self.pick(actions)),
                };
                (number, call)
            });
            let calls = calls.collect();
            let beyond = Some((1 << self.below(32), self.pick(actions)));
            Table { audit, calls, unknown: self.pick(actions), beyond }
        };
        let tables = vec![table(super::X86_64), table(super::I386)];
        Policy { tables, foreign: SeccompAction::KillProcess }
    }

    fn pick(&mut self, actions: &[SeccompAction]) -> SeccompAction {
        actions[self.below(actions.len() as u64) as usize].clone()
    }
}
