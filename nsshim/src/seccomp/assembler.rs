//! Writes classic BPF backwards, so that every jump knows where it goes.
//!
//! Instructions are made from the last to the first. Two equal instructions with equal successors
//! are one: common tails, such as the checks of `socket` for two architectures, share their code.

#![forbid(unsafe_code)]

use libc::{BPF_ABS, BPF_ALU, BPF_AND, BPF_JA, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W};
use seccompiler::{SeccompAction, sock_filter};
use std::collections::HashMap;

/// A conditional jump, comparing the accumulator with a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// Equal.
    Eq = libc::BPF_JEQ as isize,
    /// Greater or equal, unsigned.
    Ge = libc::BPF_JGE as isize,
    /// Greater, unsigned.
    Gt = libc::BPF_JGT as isize,
    /// Any of the bits is set.
    AnyBit = libc::BPF_JSET as isize,
}

/// An instruction that is already written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(usize);

/// What an instruction means, with successors in place of distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Instruction {
    Return(u32),
    Load { offset: u32, then: Label },
    And { mask: u32, then: Label },
    Branch { test: Test, value: u32, yes: Label, no: Label },
}

/// A program in the making. A label's number counts from the end of the program.
#[derive(Debug, Default)]
pub struct Assembler {
    reversed: Vec<sock_filter>,
    known: HashMap<Instruction, Label>,
    /// For a label that became too far to jump to: the latest place that leads there.
    relays: HashMap<Label, Label>,
}

impl Assembler {
    /// Ends the program with `action`.
    pub fn finish_with(&mut self, action: &SeccompAction) -> Label {
        let value = u32::from(action.clone());
        self.once(Instruction::Return(value), |program| program.push(BPF_RET | BPF_K, 0, 0, value))
    }

    /// Loads 32 bits of `struct seccomp_data` at `offset` into the accumulator, then goes on.
    pub fn load(&mut self, offset: u32, then: Label) -> Label {
        self.once(Instruction::Load { offset, then }, |program| {
            program.fall_into(then);
            program.push(BPF_LD | BPF_W | BPF_ABS, 0, 0, offset)
        })
    }

    /// Keeps only the bits of the accumulator that are in `mask`, then goes on.
    pub fn and(&mut self, mask: u32, then: Label) -> Label {
        self.once(Instruction::And { mask, then }, |program| {
            program.fall_into(then);
            program.push(BPF_ALU | BPF_AND | BPF_K, 0, 0, mask)
        })
    }

    /// Goes one of two ways. No test is made when both lead to the same place.
    pub fn branch(&mut self, test: Test, value: u32, yes: Label, no: Label) -> Label {
        if yes == no {
            return yes;
        }
        self.once(Instruction::Branch { test, value, yes, no }, |program| {
            // Making `no` reachable can push `yes` one instruction away, hence the margin.
            let yes = program.within_reach(yes, 1);
            let no = program.within_reach(no, 0);
            let (jt, jf) = (program.distance(yes), program.distance(no));
            program.push(BPF_JMP | test as u32 | BPF_K, jt as u8, jf as u8, value)
        })
    }

    /// The program that starts at `entry`.
    pub fn finish(mut self, entry: Label) -> Vec<sock_filter> {
        self.fall_into(entry);
        self.reversed.reverse();
        self.reversed
    }

    fn once(&mut self, instruction: Instruction, write: impl FnOnce(&mut Self) -> Label) -> Label {
        if let Some(&label) = self.known.get(&instruction) {
            return label;
        }
        let label = write(self);
        self.known.insert(instruction, label);
        label
    }

    fn push(&mut self, code: u32, jt: u8, jf: u8, k: u32) -> Label {
        self.reversed.push(sock_filter { code: code as u16, jt, jf, k });
        Label(self.reversed.len() - 1)
    }

    /// How many instructions lie between the next one to be written and `label`.
    fn distance(&self, label: Label) -> usize {
        self.reversed.len() - label.0 - 1
    }

    /// Sees to it that the next instruction written comes right before `label`.
    fn fall_into(&mut self, label: Label) {
        let distance = self.distance(label);
        if distance > 0 {
            self.relay(label, distance);
        }
    }

    /// A place that does as `label` and that a conditional jump can reach (its distances have
    /// eight bits), also when `margin` more instructions come in between.
    fn within_reach(&mut self, label: Label, margin: usize) -> Label {
        let limit = usize::from(u8::MAX) - margin;
        let nearest = *self.relays.get(&label).unwrap_or(&label);
        if self.distance(nearest) <= limit {
            return nearest;
        }
        let relay = self.relay(label, self.distance(label));
        self.relays.insert(label, relay);
        relay
    }

    /// An unconditional jump (its distance has 32 bits), or the end itself where that is the end.
    fn relay(&mut self, label: Label, distance: usize) -> Label {
        let target = &self.reversed[label.0];
        let (code, k) = (u32::from(target.code), target.k);
        if code == BPF_RET | BPF_K {
            self.push(code, 0, 0, k)
        } else {
            self.push(BPF_JMP | BPF_JA, 0, 0, distance as u32)
        }
    }
}
