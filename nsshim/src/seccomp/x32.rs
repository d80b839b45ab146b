//! x32: 64-bit programs with 32-bit pointers. Their calls have x86_64's numbers with bit 30 set.
//!
//! From `arch/x86/entry/syscalls/syscall_64.tbl` of the kernel, the rows of the ABI x32.

#![forbid(unsafe_code)]

use super::x86_64;

/// `__X32_SYSCALL_BIT` of `asm/unistd.h`.
pub const BIT: u32 = 1 << 30;

/// Calls with structures of their own: numbers from 512 on, in this order.
const OTHERS: &str = "rt_sigaction rt_sigreturn ioctl readv writev recvfrom sendmsg recvmsg \
    execve ptrace rt_sigpending rt_sigtimedwait rt_sigqueueinfo sigaltstack timer_create \
    mq_notify kexec_load waitid set_robust_list get_robust_list vmsplice move_pages preadv \
    pwritev rt_tgsigqueueinfo recvmmsg sendmmsg process_vm_readv process_vm_writev setsockopt \
    getsockopt io_setup io_submit execveat preadv2 pwritev2";

/// Number, with the bit, and name of each system call.
pub fn syscalls() -> impl Iterator<Item = (u32, &'static str)> {
    let own = || (512..).zip(OTHERS.split_whitespace());
    let shared = x86_64::NUMBERS
        .iter()
        .flat_map(|&(first, names)| (first..).zip(names.split_whitespace()))
        .filter(move |(_, name)| own().all(|(_, other)| other != *name));
    shared.chain(own()).map(|(number, name)| (number | BIT, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_kernels() {
        for (name, number) in [("read", 0), ("ioctl", 514), ("execve", 520), ("pwritev2", 547)] {
            let found: Vec<u32> =
                syscalls().filter(|call| call.1 == name).map(|call| call.0).collect();
            assert_eq!(found, [number | BIT], "{name}");
        }
    }
}
