//! Runs a filter as the kernel does, for tests.

#![forbid(unsafe_code)]

use libc::{
    BPF_ABS, BPF_ALU, BPF_AND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_JSET, BPF_K, BPF_LD,
    BPF_RET, BPF_W,
};
use seccompiler::sock_filter;

/// What the kernel shows a filter: `struct seccomp_data`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemCall {
    pub number: u32,
    pub audit: u32,
    pub args: [u64; 6],
}

impl SystemCall {
    fn word(&self, offset: u32) -> u32 {
        match offset {
            0 => self.number,
            4 => self.audit,
            16..64 if offset.is_multiple_of(4) => {
                let argument = self.args[(offset as usize - 16) / 8];
                if offset.is_multiple_of(8) { argument as u32 } else { (argument >> 32) as u32 }
            }
            _ => panic!("load of seccomp_data at {offset}"),
        }
    }
}

/// What the filter returns, and after how many instructions.
pub fn run(program: &[sock_filter], call: &SystemCall) -> (u32, usize) {
    const LOAD: u32 = BPF_LD | BPF_W | BPF_ABS;
    const AND: u32 = BPF_ALU | BPF_AND | BPF_K;
    const JUMP: u32 = BPF_JMP | BPF_JA;
    const RETURN: u32 = BPF_RET | BPF_K;
    let (mut accumulator, mut at) = (0, 0);
    for count in 1.. {
        let sock_filter { code, jt, jf, k } = program[at].clone();
        at += 1;
        match u32::from(code) {
            LOAD => accumulator = call.word(k),
            AND => accumulator &= k,
            JUMP => at += k as usize,
            RETURN => return (k, count),
            branch => {
                let holds = match branch & !BPF_JMP {
                    BPF_JEQ => accumulator == k,
                    BPF_JGE => accumulator >= k,
                    BPF_JGT => accumulator > k,
                    BPF_JSET => accumulator & k != 0,
                    _ => panic!("instruction {code:#x}"),
                };
                at += usize::from(if holds { jt } else { jf });
            }
        }
    }
    unreachable!("a program of forward jumps ends")
}
