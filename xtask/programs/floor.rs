// The kernel's floor: one clone3(2) straight into all namespaces, execve(2) of
// the workload, wait4(2), exit as it did. No libc, no start-up code, no mounts:
// whoever makes the same namespaces cannot be faster.
//
//     floor CLONE_FLAGS PROGRAM [ARG…]
#![no_std]
#![no_main]

use core::arch::{asm, naked_asm};

const WAIT4: usize = 61;
const EXECVE: usize = 59;
const EXIT_GROUP: usize = 231;
const CLONE3: usize = 435;
const SIGCHLD: u64 = 17;

/// `struct clone_args`, first version (64 bytes), linux/sched.h.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    // The kernel leaves argc at the stack pointer; the psABI wants 16-byte alignment.
    naked_asm!("mov rdi, rsp", "and rsp, -16", "call {run}", "ud2", run = sym run)
}

unsafe extern "C" fn run(stack: *const usize) -> ! {
    unsafe {
        let argc = *stack;
        let argv = stack.add(1);
        let envp = argv.add(argc + 1);
        if argc < 3 {
            exit(125);
        }
        let args = CloneArgs {
            flags: number(*argv.add(1) as *const u8),
            exit_signal: SIGCHLD,
            ..CloneArgs::default()
        };
        let size = core::mem::size_of::<CloneArgs>();
        let pid = syscall(CLONE3, [&raw const args as usize, size, 0, 0]);
        if pid == 0 {
            syscall(EXECVE, [*argv.add(2), argv.add(2) as usize, envp as usize, 0]);
            exit(127);
        }
        if pid < 0 {
            exit(125);
        }
        let mut status = 0u32;
        syscall(WAIT4, [pid as usize, &raw mut status as usize, 0, 0]);
        exit(match status & 0x7f {
            0 => (status >> 8 & 0xff) as usize,
            signal => 128 + signal as usize,
        })
    }
}

/// A decimal number in a C string.
unsafe fn number(mut text: *const u8) -> u64 {
    let mut value = 0u64;
    unsafe {
        while *text >= b'0' && *text <= b'9' {
            value = value * 10 + u64::from(*text - b'0');
            text = text.add(1);
        }
    }
    value
}

fn exit(status: usize) -> ! {
    unsafe {
        syscall(EXIT_GROUP, [status, 0, 0, 0]);
    }
    loop {}
}

unsafe fn syscall(number: usize, a: [usize; 4]) -> isize {
    let result;
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => result,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3],
            lateout("rcx") _, lateout("r11") _);
    }
    result
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    exit(125)
}
