//! Keeping a hand-off on one processor.
//!
//! From nsctl to the workload each process makes the next and then waits for it.
//! The kernel puts a new process on an idle processor, which must be woken first:
//! 50 to 90 µs in a virtual machine, each time, for a helper that is never needed.
//! So the chain stays where it is, and the workload is let go before its exec. Who waits stays a
//! little longer: what ends soon is then heard of on the way back without waking another one.

use std::time::{Duration, Instant};

use crate::sys::{self, Processors};

/// How long who waits stays where it is.
const SOON: Duration = Duration::from_millis(50);

const EVERYWHERE: Processors = [0xff; size_of::<Processors>()];

/// That this process is held on one processor.
#[derive(Debug)]
pub(crate) struct Held(());

/// Holds this process and its children where it runs now.
///
/// Only a process that may run everywhere is held: that is restored exactly, also
/// for a cpuset that grows later, while a mask that a user has set would have to
/// be carried along.
pub(crate) fn hold() -> Option<Held> {
    let own = sys::sched_getaffinity().ok()?;
    sys::sched_setaffinity(&EVERYWHERE).ok()?;
    let allowed = sys::sched_getaffinity().ok()?;
    let mut here = [0; size_of::<Processors>()];
    let cpu = sys::getcpu();
    *here.get_mut(cpu / 8)? |= 1 << (cpu % 8);
    if own != allowed {
        let _ = sys::sched_setaffinity(&own);
        return None;
    }
    sys::sched_setaffinity(&here).ok().map(|()| Held(()))
}

impl Held {
    /// Lets the calling process run everywhere again.
    pub(crate) fn let_go(&self) {
        let _ = sys::sched_setaffinity(&EVERYWHERE);
    }
}

/// A hold on who waits, which is soon over. It ends itself, and so no later than it gets its
/// processor, where something that has priority may run.
#[derive(Debug)]
pub struct Lingering(Option<(Held, Instant)>);

impl Lingering {
    /// From now on.
    pub(crate) fn new(held: Option<Held>) -> Self {
        Lingering(held.map(|held| (held, Instant::now() + SOON)))
    }

    /// When it is to be looked at again; `None` when it is over.
    pub fn left(&self) -> Option<Duration> {
        self.0.as_ref().map(|(_, end)| end.saturating_duration_since(Instant::now()))
    }

    /// Ends it when its time is over.
    pub fn turn(&mut self) {
        if self.left() == Some(Duration::ZERO) {
            self.end();
        }
    }

    /// Ends it.
    pub(crate) fn end(&mut self) {
        if let Some((held, _)) = self.0.take() {
            held.let_go();
        }
    }
}
