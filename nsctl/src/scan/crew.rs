//! Many things are looked at by as many threads as there are processors: what a look costs is the
//! kernel's, and it looks at two processes at once as fast as at one.
//!
//! The threads live no longer than one call: whoever forks afterwards is alone.

use std::fs;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use nix::sched::{CloneFlags, CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity, unshare};
use nix::unistd::Pid;

/// How many pieces of work are worth a thread.
const MANY: usize = 6;

/// How many help at most: the kernel's locks are the same for all.
const MOST: usize = 7;

/// Looks at all of these, a piece of so many at a time; returns what each who looked gathered.
pub(super) fn share<T: Send, S: Send>(
    mut all: impl Iterator<Item = T> + Send,
    piece: usize,
    begin: impl Fn() -> S + Sync,
    look: impl Fn(&mut S, Vec<T>) + Sync,
) -> Vec<S> {
    let first: Vec<T> = all.by_ref().take(MANY * piece).collect();
    let is_much = first.len() == MANY * piece;
    let all = Mutex::new(first.into_iter().chain(all));
    let next = || -> Vec<T> {
        // Nobody panics while it is locked.
        all.lock().unwrap_or_else(PoisonError::into_inner).by_ref().take(piece).collect()
    };
    let work = || {
        let mut gathered = begin();
        loop {
            match next() {
                some if some.is_empty() => return gathered,
                some => look(&mut gathered, some),
            }
        }
    };
    match is_much {
        true => together(work),
        false => vec![work()],
    }
}

/// Has the work done by as many as there are processors.
fn together<S: Send>(work: impl Fn() -> S + Sync) -> Vec<S> {
    let mut elsewhere = sched_getaffinity(CALLER).unwrap_or_default();
    let _ = elsewhere.unset(sched_getcpu().unwrap_or(0));
    let count = (0..CpuSet::count()).filter(|&cpu| elsewhere.is_set(cpu) == Ok(true)).count();
    let help = || {
        // The kernel begins a thread where its maker goes on, and may leave it there for a tick.
        let _ = sched_setaffinity(CALLER, &elsewhere);
        // A table of descriptors that others use, too, is locked and counted.
        let _ = unshare(CloneFlags::CLONE_FILES);
        // By the numbers of the /proc that is here, which may be another one's.
        (fs::read_link("/proc/thread-self"), work())
    };
    let (all, helpers) = thread::scope(|scope| {
        // Where there may be no more threads, those that there are do it.
        let start = |_| thread::Builder::new().spawn_scoped(scope, help).ok();
        let helpers: Vec<_> = (0..count.min(MOST)).map_while(start).collect();
        // Lets them go elsewhere.
        thread::yield_now();
        let mut all = vec![work()];
        let mut threads = Vec::new();
        for helper in helpers {
            let (thread, gathered) = helper.join().unwrap_or_else(|panic| resume_unwind(panic));
            threads.extend(thread);
            all.push(gathered);
        }
        (all, threads)
    });
    helpers.iter().for_each(|thread| wait_for_the_end(thread));
    all
}

/// The calling thread.
const CALLER: Pid = Pid::from_raw(0);

/// Who was waited for is one of the process's threads for a moment longer.
fn wait_for_the_end(thread: &Path) {
    while fs::exists(Path::new("/proc").join(thread)).unwrap_or(false) {
        thread::yield_now();
    }
}

/// Looks at each; the answers in the order of the things.
pub fn map<T: Sync, R: Send>(all: &[T], look: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let gathered = share(all.iter().enumerate(), 16, Vec::new, |answers, some| {
        answers.extend(some.into_iter().map(|(at, one)| (at, look(one))));
    });
    let mut answers: Vec<(usize, R)> = gathered.into_iter().flatten().collect();
    answers.sort_unstable_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_looked_at_once_and_answers_keep_the_order() {
        for count in [0, 1, 5, 6, 7, 95, 96, 97, 1003] {
            let all: Vec<usize> = (0..count).collect();
            assert_eq!(map(&all, |one| one * 2), all.iter().map(|one| one * 2).collect::<Vec<_>>());
            let gathered = share(all.iter().copied(), 1, Vec::new, Vec::extend);
            let mut gathered: Vec<usize> = gathered.into_iter().flatten().collect();
            gathered.sort_unstable();
            assert_eq!(gathered, all);
        }
    }

    #[test]
    #[should_panic(expected = "at the last")]
    fn a_panic_of_one_is_everybodys() {
        let all: Vec<usize> = (0..1000).collect();
        map(&all, |&one| assert!(one + 1 < all.len(), "at the last"));
    }
}
