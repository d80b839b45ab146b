//! Finding the processes of a test's own containers, wherever they are.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Marks everything that a test starts, by an environment variable that is inherited.
#[derive(Debug, Clone)]
pub struct Tag(String);

impl Tag {
    /// A mark of its own.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Tag(format!("NSCTL_TEST_TAG={}-{number}", std::process::id()))
    }

    /// Name and value.
    pub fn variable(&self) -> (&str, &str) {
        self.0.split_once('=').unwrap()
    }

    /// The marked processes that are alive, with their command lines. Needs the right to
    /// read their environment: root, or the same user.
    pub fn processes(&self) -> Vec<(i32, String)> {
        let marked = |pid: i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
            let mut variables = environment.split(|&byte| byte == 0);
            variables.any(|variable| variable == self.0.as_bytes()).then_some(())?;
            let state = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let after_name = state.rsplit_once(')')?.1;
            (!after_name.trim_start().starts_with(['Z', 'X'])).then_some(())?;
            let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            Some((pid, String::from_utf8_lossy(&command).replace('\0', " ")))
        };
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(marked)
            .collect()
    }

    /// Waits until no marked process is left; fails with what is.
    pub fn expect_none_within(&self, limit: Duration) {
        let gone = eventually(limit, || self.processes().is_empty());
        assert!(gone, "left behind: {:?}", self.processes());
    }
}

/// Looks again and again until `condition` holds or the time is over; returns whether it held.
pub fn eventually(limit: Duration, condition: impl Fn() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
}
