//! What depends on the processor: system call numbers and instruction, the entry point, the
//! clone, kernel structures, and the memory functions that the compiler calls by name.
//!
//! Another processor is another file like this one.

#[cfg(freestanding)]
use core::arch::asm;
use core::arch::naked_asm;

/// System call numbers, from arch/x86/entry/syscalls/syscall_64.tbl.
pub mod number {
    #![allow(missing_docs)]
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const POLL: usize = 7;
    pub const RT_SIGACTION: usize = 13;
    pub const RT_SIGPROCMASK: usize = 14;
    pub const IOCTL: usize = 16;
    #[cfg(freestanding)]
    pub const MADVISE: usize = 28;
    pub const GETPID: usize = 39;
    pub const EXECVE: usize = 59;
    pub const WAIT4: usize = 61;
    pub const KILL: usize = 62;
    pub const FCNTL: usize = 72;
    pub const CHDIR: usize = 80;
    pub const SETPGID: usize = 109;
    pub const GETPPID: usize = 110;
    pub const GETPGRP: usize = 111;
    pub const SETSID: usize = 112;
    pub const GETGROUPS: usize = 115;
    pub const SETGROUPS: usize = 116;
    pub const SETRESUID: usize = 117;
    pub const SETRESGID: usize = 119;
    pub const GETSID: usize = 124;
    pub const RT_SIGTIMEDWAIT: usize = 128;
    pub const RT_SIGQUEUEINFO: usize = 129;
    pub const PRCTL: usize = 157;
    pub const SCHED_SETAFFINITY: usize = 203;
    pub const CLOCK_GETTIME: usize = 228;
    pub const EXIT_GROUP: usize = 231;
    pub const WAITID: usize = 247;
    pub const OPENAT: usize = 257;
    pub const NEWFSTATAT: usize = 262;
    pub const SECCOMP: usize = 317;
    pub const CLOSE_RANGE: usize = 436;
}

/// `struct sigaction` as the kernel, not libc, has it (arch/x86/include/uapi/asm/signal.h).
#[repr(C)]
#[derive(Default)]
pub struct SigAction {
    pub handler: usize,
    pub flags: u64,
    pub restorer: usize,
    pub mask: u64,
}

/// `struct stat` (arch/x86/include/uapi/asm/stat.h), of which only the mode is read.
#[repr(C)]
#[derive(Default)]
pub struct Stat {
    before: [u64; 3],
    pub mode: u32,
    after: [u32; 29],
}

/// One system call with up to five arguments; the result is the kernel's, errors being -4095…-1.
///
/// A function, not inlined instructions: the image makes some fifty calls, and moving the
/// arguments is nothing beside entering the kernel.
///
/// # Safety
/// As the system call `number` demands of its arguments.
#[unsafe(naked)]
pub unsafe extern "C" fn syscall(
    number: usize,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
) -> isize {
    naked_asm!(
        "mov eax, edi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rdx, rcx",
        "mov r10, r8",
        "mov r8, r9",
        "syscall",
        "ret",
    )
}

/// clone(2) with `CLONE_VM | CLONE_VFORK | SIGCHLD`: the child runs `run(argument)` while the
/// caller is suspended, until the child execs or ends. Returns the pid or a negative errno.
///
/// The child's stack is the caller's own, continued below: the caller sleeps and cannot grow into
/// it, so no second stack has to be kept (and its pages stay those that the caller uses later).
///
/// # Safety
/// `argument` is what `run` expects. `run` sees the caller's memory, in a process of its own, and
/// must leave nothing there that only makes sense in the child.
#[unsafe(naked)]
pub unsafe extern "C" fn vfork(run: extern "C" fn(*const ()), argument: *const ()) -> isize {
    naked_asm!(
        // The kernel looks at r8 (tls) only with CLONE_SETTLS: it carries the argument over.
        "mov r9, rdi",
        "mov r8, rsi",
        // Below the red zone's 128 bytes, on a 16 byte boundary.
        "lea rsi, [rsp - 256]",
        "and rsi, -16",
        "mov edi, {flags}",
        "xor edx, edx",
        "xor r10d, r10d",
        "mov eax, {clone}",
        "syscall",
        "test rax, rax",
        "jz 2f",
        "ret",
        "2:",
        "xor ebp, ebp",
        "mov rdi, r8",
        "call r9",
        "mov edi, 125",
        "mov eax, {exit}",
        "syscall",
        "ud2",
        flags = const 0x100 | 0x4000 | 17, // CLONE_VM | CLONE_VFORK | SIGCHLD (linux/sched.h)
        clone = const 56,
        exit = const number::EXIT_GROUP,
    )
}

/// Where the kernel enters the image: the stack holds argc, argv, NULL, envp, NULL.
#[cfg(freestanding)]
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "xor ebp, ebp",
        "mov rdi, rsp",
        "and rsp, -16",
        "call {entry}",
        "ud2",
        entry = sym super::entry,
    )
}

/// Bytes that the image holds exactly if a panic can be reached.
#[cfg(freestanding)]
pub fn mark_panic() {
    // SAFETY: jumps over a few bytes of data and touches nothing.
    unsafe { asm!("jmp 2f", ".ascii \"a panic is reachable\"", "2:", options(nomem, nostack)) }
}

// The compiler emits calls of these for copies and comparisons. As instructions, because as Rust
// loops the compiler may well recognise them and call them from within themselves.

#[cfg(freestanding)]
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    naked_asm!("mov rax, rdi", "mov rcx, rdx", "rep movsb", "ret")
}

#[cfg(freestanding)]
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    naked_asm!(
        "mov rax, rdi",
        "mov rcx, rdx",
        "mov r8, rdi",
        "sub r8, rsi",
        "cmp r8, rdx",
        // Only a target that begins within the source has to be copied from the end.
        "jb 2f",
        "rep movsb",
        "ret",
        "2:",
        "lea rdi, [rdi + rdx - 1]",
        "lea rsi, [rsi + rdx - 1]",
        "std",
        "rep movsb",
        "cld",
        "ret",
    )
}

#[cfg(freestanding)]
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, length: usize) -> *mut u8 {
    naked_asm!("mov r8, rdi", "mov eax, esi", "mov rcx, rdx", "rep stosb", "mov rax, r8", "ret")
}

/// Not naked, as the compiler has to see that it is defined here: what it takes for another
/// library's function it calls through a table, which would be the only writable page.
#[cfg(freestanding)]
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
    let (x, y): (u32, u32);
    // SAFETY: reads at most `length` bytes of each, which the caller vouches for. With a length
    // of 0 nothing is compared, and the flags say "equal" from the first instruction.
    unsafe {
        asm!(
            "xor eax, eax",
            "xor edx, edx",
            "repe cmpsb",
            "je 2f",
            "movzx eax, byte ptr [rdi - 1]",
            "movzx edx, byte ptr [rsi - 1]",
            "2:",
            out("eax") x,
            out("edx") y,
            inout("rdi") a => _,
            inout("rsi") b => _,
            inout("rcx") length => _,
            options(nostack, readonly),
        );
    }
    x.wrapping_sub(y) as i32
}

#[cfg(freestanding)]
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { memcmp(a, b, length) }
}

#[cfg(freestanding)]
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let end: *const u8;
    // SAFETY: reads up to the NUL that the caller vouches for.
    unsafe {
        asm!(
            "2:",
            "cmp byte ptr [{end}], 0",
            "je 3f",
            "inc {end}",
            "jmp 2b",
            "3:",
            end = inout(reg) text => end,
            options(nostack, readonly),
        );
    }
    end as usize - text as usize
}
