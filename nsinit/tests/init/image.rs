//! The image itself: what it is, what it needs, and what it costs.

use crate::harness::{MODES, Run, can, image, is_root, status};
use std::fs;
use std::process::{Command, Stdio};

fn word(at: usize, size: usize) -> u64 {
    nsinit::IMAGE[at..at + size].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[test]
fn it_is_at_most_24_kib() {
    println!("the image has {} bytes", nsinit::IMAGE.len());
    assert!(nsinit::IMAGE.len() <= 24 * 1024, "{}", nsinit::IMAGE.len());
}

#[test]
fn it_is_static_and_has_no_writable_page() {
    let (offset, size, count) = (word(32, 8) as usize, word(54, 2) as usize, word(56, 2) as usize);
    const LOAD: u64 = 1;
    const GNU_STACK: u64 = 0x6474_e551;
    const WRITE: u64 = 2;
    const EXECUTE: u64 = 1;
    for header in (0..count).map(|index| offset + index * size) {
        let (kind, flags) = (word(header, 4), word(header + 4, 4));
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

#[test]
fn it_runs_in_a_root_that_holds_nothing_else() {
    let root = std::env::temp_dir().join(format!("nsinit-root-{}", std::process::id()));
    fs::create_dir(&root).unwrap();
    fs::copy(image("nsinit"), root.join("nsinit")).unwrap();
    // The workload is the one static program that is there.
    let mut words = vec!["unshare", "--pid", "--fork"];
    if !is_root() {
        words.extend(["--user", "--map-root-user"]);
    }
    words.extend(["chroot", root.to_str().unwrap(), "/nsinit", "/nsinit", "--version"]);
    let done = Command::new(words[0]).args(&words[1..]).stdin(Stdio::null()).output().unwrap();
    let err = String::from_utf8_lossy(&done.stderr);
    fs::remove_dir_all(&root).unwrap();
    if err.starts_with("unshare") {
        println!("skip: {err}");
        return;
    }
    assert_eq!(err, "");
    assert_eq!(done.status.code(), Some(0));
    assert!(done.stdout.starts_with(b"nsinit "));
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
