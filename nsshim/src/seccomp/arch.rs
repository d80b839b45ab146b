//! The architectures a policy covers: the numbers their system calls have.

#![forbid(unsafe_code)]

use super::{i386, x86_64};
use seccompiler::SeccompCmpArgLen;

/// One numbering of system calls, as the kernel tells it apart (`seccomp_data.arch`).
#[derive(Debug)]
pub struct Arch {
    /// `AUDIT_ARCH_…` of `linux/audit.h`.
    pub audit: u32,
    /// How much of an argument the kernel looks at: a register of this architecture.
    ///
    /// A 64-bit program can make 32-bit calls (`int $0x80`) with anything in the upper halves of
    /// its registers. The call does not see them, so a rule must not either.
    pub register: SeccompCmpArgLen,
    numbers: &'static [(u32, &'static str)],
}

/// x86_64, and the 32-bit programs its kernel runs.
///
/// x32 has the same `seccomp_data.arch` and bit 30 set in its numbers, which makes them unknown.
const X86: &[Arch] = &[
    Arch { audit: 0xc000_003e, register: SeccompCmpArgLen::Qword, numbers: x86_64::NUMBERS },
    Arch { audit: 0x4000_0003, register: SeccompCmpArgLen::Dword, numbers: i386::NUMBERS },
];

impl Arch {
    /// The architectures whose programs run on a kernel of `target_arch` (`cfg(target_arch)`).
    ///
    /// The first is the one most programs have: its calls take the shortest way.
    ///
    /// Room for aarch64: a file `aarch64.rs` with its numbers (`scripts/syscall.tbl`, the rows of
    /// the ABIs common, 64, renameat, rlimit and memfd_secret), a row here (audit 0xc00000b7,
    /// Qword), and the names that only 32-bit ARM has (audit 0x40000028: recv, send, …) in the
    /// default policy.
    pub fn of_target(target_arch: &str) -> Option<&'static [Arch]> {
        match target_arch {
            "x86_64" => Some(X86),
            _ => None,
        }
    }

    /// Number and name of each system call, by rising number.
    pub fn syscalls(&self) -> impl Iterator<Item = (u32, &'static str)> {
        self.numbers.iter().flat_map(|&(first, names)| (first..).zip(names.split_whitespace()))
    }
}
