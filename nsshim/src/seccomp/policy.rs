//! What a policy is, whatever says it: per architecture and system call, rules over arguments.
//!
//! seccompiler's rules keep their conditions to themselves and know one action per filter, so
//! rule and condition are our own; actions, operators and instructions are seccompiler's.

#![forbid(unsafe_code)]

use seccompiler::{SeccompAction, SeccompCmpArgLen, SeccompCmpOp};
use std::collections::BTreeMap;

/// What happens to each system call a program can make.
#[derive(Clone, Debug)]
pub struct Policy {
    /// One table per architecture; the first has the shortest way.
    pub tables: Vec<Table>,
    /// For calls of any other architecture.
    pub foreign: SeccompAction,
}

/// The calls of one architecture.
#[derive(Clone, Debug)]
pub struct Table {
    /// `AUDIT_ARCH_…` of `linux/audit.h`.
    pub audit: u32,
    /// By number.
    pub calls: BTreeMap<u32, Call>,
    /// For numbers that are not in `calls`.
    pub unknown: SeccompAction,
    /// For those of them from this number on: where another architecture begins that has the
    /// same `audit` value, as x32 has x86_64's.
    pub beyond: Option<(u32, SeccompAction)>,
}

impl Table {
    /// What happens to a number that is not in `calls`.
    pub fn otherwise(&self, number: u32) -> &SeccompAction {
        match &self.beyond {
            Some((first, action)) if number >= *first => action,
            _ => &self.unknown,
        }
    }
}

/// What happens to one system call: what the first matching rule says.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// In order of precedence.
    pub rules: Vec<Rule>,
    /// When no rule matches.
    pub otherwise: SeccompAction,
}

impl Call {
    /// The same whatever the arguments.
    pub fn always(action: SeccompAction) -> Self {
        Self { rules: Vec::new(), otherwise: action }
    }
}

/// An action for arguments that meet every condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// All must hold. Without any, the rule always matches.
    pub conditions: Vec<Condition>,
    /// What happens then.
    pub action: SeccompAction,
}

/// A comparison of one argument with a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// 0 to 5.
    pub argument: u8,
    /// `Dword` compares the low halves of argument, value and mask, and ignores the high ones.
    pub length: SeccompCmpArgLen,
    /// Unsigned. `MaskedEq(mask)`: the bits in `mask` are those of `value`.
    pub operator: SeccompCmpOp,
    /// What the argument is compared with.
    pub value: u64,
}

impl Condition {
    /// Whether an argument of this value meets the condition.
    pub fn holds(&self, argument: u64) -> bool {
        let seen = match self.length {
            SeccompCmpArgLen::Dword => u64::from(u32::MAX),
            SeccompCmpArgLen::Qword => u64::MAX,
        };
        let (argument, value) = (argument & seen, self.value & seen);
        match self.operator {
            SeccompCmpOp::Eq => argument == value,
            SeccompCmpOp::Ne => argument != value,
            SeccompCmpOp::Lt => argument < value,
            SeccompCmpOp::Le => argument <= value,
            SeccompCmpOp::Gt => argument > value,
            SeccompCmpOp::Ge => argument >= value,
            SeccompCmpOp::MaskedEq(mask) => argument & mask == value & mask,
        }
    }
}
