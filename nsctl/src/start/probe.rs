//! Tries `start.rs` on the machine that builds: does the C library work after it?
//!
//! `build.rs` compiles and runs this program. Its last word is the library's version; a wrong start
//! ends in a link error, a signal or a panic instead, and in the ordinary start for nsctl.

#![no_main]

#[path = "../start.rs"]
mod start;

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_long};
use std::hint::black_box;
use std::time::{Instant, SystemTime};
use std::{env, fs, thread};

unsafe extern "C" {
    fn gnu_get_libc_version() -> *const c_char;
    fn atexit(function: extern "C" fn()) -> c_int;
    fn sysconf(name: c_int) -> c_long;
    fn strlen(text: *const c_char) -> usize;
    fn getauxval(kind: usize) -> usize;
}

/// `_SC_MINSIGSTKSZ`, bits/confname.h.
const MINIMAL_SIGNAL_STACK: c_int = 249;
/// `AT_RANDOM`, elf.h.
const RANDOM: usize = 25;

thread_local! {
    static CONSTANT: Cell<u64> = const { Cell::new(0x1234_5678_9abc_def0) };
    static LAZY: Cell<Vec<u8>> = Cell::new(vec![7; 100]);
}

#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, _argv: *const *const c_char) -> c_int {
    arguments(argc);
    guards();
    thread_locals();
    // A thread has storage of its own, made in another way than the first one's.
    thread::spawn(thread_locals).join().unwrap();
    memory();
    system();
    // SAFETY: the function is `extern "C"` and lives as long as the program.
    assert_eq!(unsafe { atexit(last_word) }, 0);
    0
}

/// `exit` must run what was registered.
extern "C" fn last_word() {
    // SAFETY: the library's own constant string.
    let version = unsafe { CStr::from_ptr(gnu_get_libc_version()) };
    println!("glibc {}", version.to_str().unwrap());
}

fn arguments(argc: c_int) {
    let arguments: Vec<String> = env::args().collect();
    assert_eq!(arguments.len(), argc as usize);
    assert_eq!(arguments[1..], ["one", "", "three"]);
    assert_eq!(env::var("PROBE").as_deref(), Ok("set"));
    assert!(env::var_os("NOT_SET").is_none());
}

fn guards() {
    let (canary, key): (usize, usize);
    // SAFETY: reads the thread's own control block. The kernel's random bytes stay where they are.
    let random = unsafe {
        std::arch::asm!("mov {}, fs:[0x28]", "mov {}, fs:[0x30]", out(reg) canary, out(reg) key);
        (getauxval(RANDOM) as *const [usize; 2]).read_unaligned()
    };
    assert_eq!((canary, key), (random[0] & !0xff, random[1]));
}

fn thread_locals() {
    assert_eq!(CONSTANT.replace(1), 0x1234_5678_9abc_def0);
    assert_eq!(CONSTANT.get(), 1);
    assert_eq!(LAZY.take(), [7; 100]);
}

/// Every small size and the neighbours of each power of two: past the caches too, where the
/// functions go by the sizes in `start.rs`.
fn memory() {
    let powers = (9..=24).flat_map(|power| [-1, 0, 1].map(|off| ((1_i64 << power) + off) as usize));
    for size in (0..=300).chain(powers) {
        let source: Vec<u8> = (0..size).map(|at| (at % 251) as u8 + 1).collect();
        let mut copy = vec![0; size + 1];
        black_box(&mut copy[..size]).copy_from_slice(black_box(&source));
        assert!(black_box(&copy[..size]) == black_box(&source[..]), "memcpy or memcmp of {size}");
        assert_eq!(copy[size], 0, "memcpy of {size}");
        // SAFETY: the copy ends with a null, and has no other.
        assert_eq!(unsafe { strlen(copy.as_ptr().cast()) }, size, "strlen");
        black_box(&mut copy).copy_within(0..size, 1);
        assert!(copy[1..] == source[..], "memmove of {size}");
        black_box(&mut copy).fill(9);
        assert!(copy.iter().all(|byte| *byte == 9), "memset of {size}");
    }
}

fn system() {
    assert!(fs::metadata("/").unwrap().is_dir());
    let missing = fs::metadata("/no/such/file").unwrap_err();
    assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
    let now = Instant::now();
    assert!(Instant::now() >= now);
    assert!(SystemTime::now() > SystemTime::UNIX_EPOCH);
    // SAFETY: reads a number; the library asserts that it has one.
    assert!(unsafe { sysconf(MINIMAL_SIGNAL_STACK) } >= 2048);
}
