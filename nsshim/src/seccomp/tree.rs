//! Decides by the accumulator with few tests: a search tree over ranges of its values.

#![forbid(unsafe_code)]

use super::assembler::{Assembler, Label, Test};

/// A cut of all 32-bit values into ranges, each with the place it leads to.
#[derive(Debug)]
pub struct Ranges {
    /// First value of each range, rising from 0, and the label; neighbours differ.
    ranges: Vec<(u32, Label)>,
}

impl Ranges {
    /// Everything leads to `label`.
    pub fn all(label: Label) -> Self {
        Self { ranges: vec![(0, label)] }
    }

    /// Values from `first` on lead to `label`. `first` must not fall from call to call.
    pub fn from(&mut self, first: u32, label: Label) {
        self.ranges.pop_if(|last| last.0 == first);
        if self.ranges.last().is_none_or(|last| last.1 != label) {
            self.ranges.push((first, label));
        }
    }

    /// Writes the tree. `weight(first, last)` says how much a short way to a range is worth.
    pub fn assemble(&self, asm: &mut Assembler, weight: &dyn Fn(u32, u32) -> u32) -> Label {
        let leaves: Vec<Leaf> = (0..self.ranges.len())
            .map(|i| {
                let (first, label) = self.ranges[i];
                let last = self.ranges.get(i + 1).map_or(u32::MAX, |next| next.0 - 1);
                Leaf { first, single: first == last, label, weight: weight(first, last).max(1) }
            })
            .collect();
        assemble(asm, &leaves)
    }
}

struct Leaf {
    first: u32,
    single: bool,
    label: Label,
    weight: u32,
}

/// Up to how many single values are sought one after the other instead of by halving.
const CHAIN: usize = 3;

fn assemble(asm: &mut Assembler, leaves: &[Leaf]) -> Label {
    if let Some(label) = chain(asm, leaves) {
        return label;
    }
    let (low, high) = leaves.split_at(middle(leaves));
    // Written last is placed first: the low half follows its test without a jump.
    let yes = assemble(asm, high);
    let no = assemble(asm, low);
    asm.branch(Test::Ge, high[0].first, yes, no)
}

/// One destination but for a few single values: a test for each of those is all it takes, where
/// cutting ranges takes two.
fn chain(asm: &mut Assembler, leaves: &[Leaf]) -> Option<Label> {
    // The ends of a slice are closed by the tests above it, so a single value at an end need not
    // have a neighbour there.
    let every_other = |offset| leaves.iter().skip(offset).step_by(2);
    let fits = |&(common, single): &(usize, usize)| {
        every_other(single).len() <= CHAIN
            && every_other(single).all(|leaf| leaf.single)
            && every_other(common).all(|leaf| leaf.label == leaves[common].label)
    };
    let (common, single) = [(0, 1), (1, 0)].into_iter().find(fits)?;
    let otherwise = leaves.get(common)?.label;
    let test = |no, leaf: &Leaf| asm.branch(Test::Eq, leaf.first, leaf.label, no);
    Some(every_other(single).rev().fold(otherwise, test))
}

/// Where to cut so that both sides weigh about the same.
fn middle(leaves: &[Leaf]) -> usize {
    let total: u32 = leaves.iter().map(|leaf| leaf.weight).sum();
    let mut low = 0;
    let imbalance = |i: usize| {
        low += leaves[i - 1].weight;
        (low.abs_diff(total - low), i)
    };
    (1..leaves.len()).map(imbalance).min().map_or(1, |(_, i)| i)
}
