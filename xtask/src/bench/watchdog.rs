//! Ends what hangs, without a cost to what does not: a run only stores its
//! pid, a thread looks at it twice a second.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// No contestant needs as long to start `true`.
const LIMIT: Duration = Duration::from_secs(10);

/// The process that one thread waits for.
#[derive(Default)]
pub struct Watched {
    pid: AtomicI32,
    since_ms: AtomicU64,
}

fn clock_ms() -> u64 {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    BEGIN.get_or_init(Instant::now).elapsed().as_millis() as u64
}

impl Watched {
    /// Waits for a child that is killed when it takes too long.
    pub fn wait(&self, child: &mut Child) -> std::io::Result<ExitStatus> {
        self.since_ms.store(clock_ms(), Relaxed);
        self.pid.store(child.id() as i32, Relaxed);
        let status = child.wait();
        self.pid.store(0, Relaxed);
        status
    }
}

/// Watches for as long as somebody holds one of the returned handles.
pub fn watch(threads: usize) -> Vec<Arc<Watched>> {
    let watched: Vec<Arc<Watched>> = (0..threads).map(|_| Arc::default()).collect();
    let weak: Vec<_> = watched.iter().map(Arc::downgrade).collect();
    clock_ms();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(500));
            let alive: Vec<_> = weak.iter().filter_map(std::sync::Weak::upgrade).collect();
            if alive.is_empty() {
                return;
            }
            for one in alive {
                let pid = one.pid.load(Relaxed);
                let age_ms = clock_ms().saturating_sub(one.since_ms.load(Relaxed));
                if pid != 0 && age_ms > LIMIT.as_millis() as u64 {
                    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                }
            }
        }
    });
    watched
}
