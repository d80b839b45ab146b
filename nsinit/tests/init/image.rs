//! The image itself: what it is, what it needs, and what it costs.

use crate::harness::{MODES, Mode, Run, can, children, eventually, image, status};
use crate::subject::ours;
use crate::sys;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Kind and flags of the program headers of an ELF file (elf.h).
fn program_headers(file: &[u8]) -> Vec<(u64, u64)> {
    let word = |at: usize, size: usize| {
        file[at..at + size].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
    };
    let (offset, size, count) = (word(32, 8) as usize, word(54, 2) as usize, word(56, 2) as usize);
    let headers = (0..count).map(|index| offset + index * size);
    headers.map(|header| (word(header, 4), word(header + 4, 4))).collect()
}

#[test]
fn it_is_at_most_24_kib() {
    println!("the image has {} bytes", nsinit::IMAGE.len());
    assert!(nsinit::IMAGE.len() <= 24 * 1024, "{}", nsinit::IMAGE.len());
}

#[test]
fn it_is_static_and_has_no_writable_page() {
    const LOAD: u64 = 1;
    const GNU_STACK: u64 = 0x6474_e551;
    const WRITE: u64 = 2;
    const EXECUTE: u64 = 1;
    for (kind, flags) in program_headers(nsinit::IMAGE) {
        match kind {
            LOAD => assert_eq!(flags & WRITE, 0),
            GNU_STACK => assert_eq!(flags & EXECUTE, 0),
            // No interpreter, nothing dynamic, no thread-local memory.
            _ => panic!("program header {kind:#x}"),
        }
    }
}

#[test]
fn no_panic_can_be_reached() {
    // src/sys/x86_64.rs puts these words into the panic handler.
    let marker = b"a panic is reachable";
    assert!(!nsinit::IMAGE.windows(marker.len()).any(|window| window == marker));
}

/// A root directory that holds the init and this program, and nothing else. `None` if this program
/// needs more than that.
struct Root(PathBuf);

impl Root {
    fn new() -> Option<Root> {
        const INTERPRETER: u64 = 3;
        let own = std::env::current_exe().unwrap();
        if program_headers(&fs::read(&own).unwrap()).iter().any(|(kind, _)| *kind == INTERPRETER) {
            println!("skip: the tests are not linked statically (target-feature=+crt-static)");
            return None;
        }
        let root = std::env::temp_dir().join(format!("nsinit-root-{}", std::process::id()));
        fs::create_dir(&root).unwrap();
        fs::copy(image("nsinit"), root.join("init")).unwrap();
        fs::copy(own, root.join("payload")).unwrap();
        Some(Root(root))
    }

    fn run(&self, words: &[&str], payload: &str) -> Run {
        Run::new(Mode::Pid1, words)
            .root(Path::new(&self.0), "/init")
            .env("NSINIT_TEST_PAYLOAD", payload)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn it_does_all_its_work_in_a_root_that_holds_nothing_else() {
    // No /proc, no /dev, no /tmp, no /etc, no shell, no library.
    let Some(root) = Root::new().filter(|_| can(Mode::Pid1)) else { return };
    let mut run = root.run(&["/payload"], "record").start();
    run.until("ready");
    for signal in [libc::SIGHUP, libc::SIGTERM, libc::SIGRTMAX()] {
        run.signal(signal);
        assert_eq!(run.line(), format!("got {signal} 0 0"));
    }
    assert_eq!(run.end_workload().code, 137);

    let mut run = root.run(&["/payload"], "stream").stdin(Stdio::piped()).start();
    run.until("ready");
    let init = run.init();
    eventually("all orphans are reaped", || children(init).len() == 1);
    sys::kill(run.workload(), libc::SIGKILL).unwrap();
    assert_eq!(run.finish().code, 137);

    if ours() {
        assert_eq!(root.run(&["/no-such"], "").finish().code, 127);
        assert_eq!(root.run(&["/"], "").finish().code, 126);
    }
}

#[test]
fn asleep_it_has_little_memory() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        // A bare environment: it is on the stack, and not ours to give back.
        let mut run = Run::shell(mode, "echo ready; read x")
            .wrapper(&["env", "-i", "PATH=/usr/bin:/bin"])
            .stdin(Stdio::piped())
            .start();
        run.until("ready");
        let init = run.init();
        crate::harness::eventually("asleep", || status(init, "State").starts_with('S'));
        let rollup = fs::read_to_string(format!("/proc/{init}/smaps_rollup")).unwrap();
        let field = |name: &str| -> u64 {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').trim().strip_suffix(" kB").unwrap().parse().unwrap()
        };
        println!("{mode:?}: anonymous {} KiB, resident {} KiB", field("Anonymous"), field("Rss"));
        assert!(field("Anonymous") <= 12, "{rollup}");
        assert!(field("Rss") <= 28, "{rollup}");
    }
}

#[test]
fn while_nothing_happens_it_does_nothing() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let mut run = Run::shell(mode, "echo before; sleep 0.3; echo after; read x")
            .stdin(Stdio::piped())
            .start();
        run.until("before");
        let init = run.init();
        crate::harness::eventually("asleep", || status(init, "State").starts_with('S'));
        let work = || {
            let switches = status(init, "voluntary_ctxt_switches");
            let time = fs::read_to_string(format!("/proc/{init}/schedstat")).unwrap();
            (switches, time)
        };
        let before = work();
        run.until("after");
        assert_eq!(work(), before, "{mode:?}");
    }
}
