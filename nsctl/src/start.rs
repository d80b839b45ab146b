//! Starting without glibc's questions about the processor.
//!
//! Before `main`, a static glibc program asks the processor some 80 times (CPUID) what it can do and
//! how its caches are built, to choose among copies of `memcpy` and `strlen`. A virtual machine traps
//! each question: half a millisecond, as long as making five namespaces takes. nsctl copies a few
//! hundred bytes in its life.
//!
//! So this file stands in for the one object of libc.a that asks, libc-start.o: as its names are
//! defined here, the linker never takes it. `__libc_start_main` makes the calls that glibc's makes, in
//! glibc's order (csu/libc-start.c), without the questions. What has been learnt about the processor
//! then stays all zeros, which to glibc means an x86-64 without extensions.
//!
//! The names called are glibc's own and may change with it. Hence `build.rs` takes this file in
//! only with a version that it is known to fit, and after a trial: `start/probe.rs`, built and linked
//! with it in the same way, has run and checked the library. Else nsctl starts the ordinary way.
//!
//! Nothing in nsctl may load a library (getpwnam, getaddrinfo, iconv): those would believe the zeros.

// The names are glibc's.
#![allow(non_upper_case_globals)]

use std::arch::asm;
use std::ffi::{c_char, c_int, c_long, c_ulong, c_void};

type Vector = *const *const c_char;
type Main = extern "C" fn(c_int, Vector, Vector) -> c_int;
type Initializer = extern "C" fn(c_int, Vector, Vector);
type Finalizer = extern "C" fn();

/// What the string functions go by, else computed from the answers: in bytes, with the values that
/// glibc's sysdeps/x86/cacheinfo.h has before it asks. Those it leaves at 0 would be wrong here: a
/// `memcpy` of a megabyte would believe that no cache can hold anything, and fail.
mod caches {
    use super::{c_int, c_long};

    const DATA: c_long = 32 << 10;
    const SHARED: c_long = 1 << 20;
    /// Past the caches: glibc's rule is three quarters of the shared one.
    const NON_TEMPORAL: c_long = SHARED * 3 / 4;
    /// `rep movsb` and `rep stosb` pay from here on, where a function uses them at all.
    const REP: c_long = 2048;

    #[unsafe(no_mangle)]
    static __x86_data_cache_size: c_long = DATA;
    #[unsafe(no_mangle)]
    static __x86_data_cache_size_half: c_long = DATA / 2;
    #[unsafe(no_mangle)]
    static __x86_shared_cache_size: c_long = SHARED;
    #[unsafe(no_mangle)]
    static __x86_shared_cache_size_half: c_long = SHARED / 2;
    #[unsafe(no_mangle)]
    static __x86_shared_non_temporal_threshold: c_long = NON_TEMPORAL;
    #[unsafe(no_mangle)]
    static __x86_rep_movsb_threshold: c_long = REP;
    #[unsafe(no_mangle)]
    static __x86_rep_movsb_stop_threshold: c_long = NON_TEMPORAL;
    #[unsafe(no_mangle)]
    static __x86_rep_stosb_threshold: c_long = REP;
    #[unsafe(no_mangle)]
    static __x86_string_control: c_int = 0;
    /// Since glibc 2.40.
    #[unsafe(no_mangle)]
    static __x86_memset_non_temporal_threshold: c_long = NON_TEMPORAL;
    /// Since glibc 2.40; for libraries that are loaded, so never.
    #[unsafe(no_mangle)]
    static _dl_x86_features_tlsdesc_state_size: c_long = 0;
}

/// `Elf64_Rela`, elf.h.
#[repr(C)]
struct Relocation {
    place: *mut usize,
    info: c_ulong,
    resolver: extern "C" fn() -> usize,
}

/// `R_X86_64_IRELATIVE`, elf.h: the place gets what the resolver returns.
const IRELATIVE: c_ulong = 37;

unsafe extern "C" {
    static mut __environ: Vector;
    static mut __libc_stack_end: *const c_void;
    static __libc_enable_secure: c_int;
    static _dl_random: *const usize;
    static mut _dl_minsigstacksize: usize;

    // Made by the linker: what it found to be done at start and end.
    static __rela_iplt_start: [Relocation; 0];
    static __rela_iplt_end: [Relocation; 0];
    static __preinit_array_start: [Initializer; 0];
    static __preinit_array_end: [Initializer; 0];
    static __init_array_start: [Initializer; 0];
    static __init_array_end: [Initializer; 0];
    static __fini_array_start: [Finalizer; 0];
    static __fini_array_end: [Finalizer; 0];

    fn _dl_aux_init(auxiliary: *const c_void);
    fn __tunables_init(environment: Vector);
    fn __libc_setup_tls();
    fn __libc_early_init(initial: bool);
    fn __libc_init_first(argc: c_int, argv: Vector, environment: Vector);
    fn __libc_check_standard_fds();
    fn __cxa_atexit(
        function: extern "C" fn(*mut c_void),
        argument: *mut c_void,
        object: *mut c_void,
    ) -> c_int;
    fn _init();
    fn _fini();
    fn exit(status: c_int) -> !;
}

/// Makes the C library ready, calls `main`, and exits with what it returns.
///
/// # Safety
/// Only `_start` (crt1.o) calls this, as the process's first function, with what the kernel laid on
/// the stack: `argv`, a null, the environment, a null, the auxiliary vector. Until the relocations are
/// done nothing here may become a call of a memory or string function.
#[unsafe(no_mangle)]
unsafe extern "C" fn __libc_start_main(
    main: Main,
    argc: c_int,
    argv: Vector,
    _init_before_2_34: usize,
    _fini_before_2_34: usize,
    // The dynamic linker's; there is none.
    _loader_fini: usize,
    stack_end: *const c_void,
) -> ! {
    // SAFETY: the order is glibc's; each call finds done what it needs. The pointers are the kernel's,
    // the arrays the linker's, and there is one thread.
    unsafe {
        let environment = argv.add(argc as usize + 1);
        __environ = environment;
        __libc_stack_end = stack_end;
        let mut end = environment;
        while !end.read().is_null() {
            end = end.add(1);
        }
        _dl_aux_init(end.add(1).cast());
        __tunables_init(environment);

        // Here glibc asks its questions. One answer is wanted, if the kernel has not given it
        // (AT_MINSIGSTKSZ, Linux 5.14): room for any processor's state on a signal's stack.
        if _dl_minsigstacksize == 0 {
            _dl_minsigstacksize = 16 << 10;
        }

        choose_functions();
        __libc_setup_tls();
        set_guards();
        __libc_early_init(true);
        __libc_init_first(argc, argv, environment);
        __cxa_atexit(finalize, std::ptr::null_mut(), std::ptr::null_mut());
        if __libc_enable_secure != 0 {
            __libc_check_standard_fds();
        }
        initialize(argc, argv, environment);
        // Left out: _dl_debug_initialize, for debuggers that look at libraries.
        exit(main(argc, argv, environment))
    }
}

/// Has each function that exists in several copies choose one; glibc's `apply_irel`.
///
/// # Safety
/// Once, with one thread, in a program at a fixed address.
#[inline(always)]
unsafe fn choose_functions() {
    let mut at = (&raw const __rela_iplt_start).cast::<Relocation>();
    let end = (&raw const __rela_iplt_end).cast();
    while at != end {
        // SAFETY: the linker made the table, and only of this kind in a program at a fixed address.
        unsafe {
            if (*at).info != IRELATIVE {
                asm!("ud2", options(noreturn));
            }
            (*at).place.write(((*at).resolver)());
            at = at.add(1);
        }
    }
}

/// Sets the canary of stack frames and the key that hides stored code addresses, from the kernel's
/// 16 random bytes; `_dl_setup_stack_chk_guard`, `_dl_setup_pointer_guard`.
///
/// # Safety
/// After `__libc_setup_tls`, and in a function that never returns to one with a canary.
#[inline(always)]
unsafe fn set_guards() {
    // SAFETY: the offsets are those of `tcbhead_t` in sysdeps/x86_64/nptl/tls.h, part of the ABI.
    unsafe {
        // The lowest byte is 0, so that no string can carry the canary.
        let canary = _dl_random.read_unaligned() & !0xff;
        let key = _dl_random.add(1).read_unaligned();
        asm!("mov fs:[0x28], {}", "mov fs:[0x30], {}", in(reg) canary, in(reg) key);
    }
}

/// What the program's objects want done before `main`; std takes the arguments from here.
///
/// # Safety
/// Once, when the C library is ready.
unsafe fn initialize(argc: c_int, argv: Vector, environment: Vector) {
    let call_all = |from: *const Initializer, to: *const Initializer| {
        let mut at = from;
        while at != to {
            // SAFETY: the linker made the table, and `to` is its end.
            unsafe {
                (*at)(argc, argv, environment);
                at = at.add(1);
            }
        }
    };
    call_all((&raw const __preinit_array_start).cast(), (&raw const __preinit_array_end).cast());
    // SAFETY: crti.o's, for objects that have their initializers there.
    unsafe { _init() };
    call_all((&raw const __init_array_start).cast(), (&raw const __init_array_end).cast());
}

/// The same for the end, backwards; `exit` calls it.
extern "C" fn finalize(_: *mut c_void) {
    let start = (&raw const __fini_array_start).cast::<Finalizer>();
    let mut at = (&raw const __fini_array_end).cast::<Finalizer>();
    while at != start {
        // SAFETY: the linker made the table, and `start` is its start.
        unsafe {
            at = at.sub(1);
            (*at)();
        }
    }
    // SAFETY: crti.o's counterpart of `_init`.
    unsafe { _fini() };
}
