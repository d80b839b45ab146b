//! Starts per second, with one, two and four starters at once.

use super::contestants::Contestant;
use super::measure::silent;
use super::watchdog::{Watched, watch};
use crate::Result;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

pub const AT_ONCE: [usize; 3] = [1, 2, 4];

/// Slices per contestant and level: enough to spread a disturbance over all.
const SLICES: u32 = 4;

/// Before each slice, for the kernel to finish what the last one left behind.
const PAUSE: Duration = Duration::from_millis(60);

/// What one contestant reached.
#[derive(Serialize, Deserialize)]
pub struct Rate {
    pub name: String,
    pub at_once: usize,
    pub starts: usize,
    pub seconds: f64,
}

impl Rate {
    pub fn per_second(&self) -> f64 {
        self.starts as f64 / self.seconds
    }
}

/// Measures everyone at every level, in short slices in turn.
pub fn interleaved(contestants: &[Contestant], budget: Duration) -> Result<Vec<Rate>> {
    let mut rates = Vec::new();
    for at_once in AT_ONCE {
        for c in contestants {
            rates.push(Rate { name: c.name.clone(), at_once, starts: 0, seconds: 0.0 });
        }
    }
    let cells = SLICES * rates.len().max(1) as u32;
    let slice = (budget / cells).saturating_sub(PAUSE).max(Duration::from_millis(50));
    let watched = watch(AT_ONCE[AT_ONCE.len() - 1]);
    for _ in 0..SLICES {
        for (i, rate) in rates.iter_mut().enumerate() {
            thread::sleep(PAUSE);
            let contestant = &contestants[i % contestants.len()];
            let (starts, seconds) = one_slice(contestant, &watched[..rate.at_once], slice)?;
            rate.starts += starts;
            rate.seconds += seconds;
        }
    }
    Ok(rates)
}

/// Starts the contestant again and again, one thread for each handle.
fn one_slice(
    contestant: &Contestant,
    watched: &[Arc<Watched>],
    slice: Duration,
) -> Result<(usize, f64)> {
    let begin = Instant::now();
    let starter = |slot: usize, watched: &Watched| -> std::io::Result<usize> {
        let mut command = contestant.command(slot);
        silent(&mut command);
        let mut starts = 0;
        while begin.elapsed() < slice {
            let mut child = command.spawn()?;
            if watched.wait(&mut child)?.success() {
                starts += 1;
            }
        }
        Ok(starts)
    };
    let starter = &starter;
    let starts = thread::scope(|scope| {
        let threads: Vec<_> = watched
            .iter()
            .enumerate()
            .map(|(slot, watched)| scope.spawn(move || starter(slot, watched)))
            .collect();
        threads.into_iter().try_fold(0, |sum, thread| {
            let starts = thread.join().expect("a starter does not panic");
            starts.map(|starts| sum + starts)
        })
    })?;
    Ok((starts, begin.elapsed().as_secs_f64()))
}
