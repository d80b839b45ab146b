//! How long to wait before a container is started again.

use std::time::{Duration, Instant};

/// A run that lasted so long was a good one.
const GOOD: Duration = Duration::from_secs(10);

/// docker's: 100 ms, doubled each time up to a minute, and from the start again after ten seconds
/// of running. These are of CLOCK_MONOTONIC: nobody sets it.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    began: Option<Instant>,
    /// How many runs in a row were none that lasted.
    short: u32,
}

impl Backoff {
    /// The workload runs.
    pub fn begin(&mut self) {
        self.began = Some(Instant::now());
    }

    /// It ended, or could not be started. Returns how long to wait.
    pub fn end(&mut self) -> Duration {
        let ran = self.began.take().map_or(Duration::ZERO, |began| began.elapsed());
        self.wait_after(ran)
    }

    fn wait_after(&mut self, ran: Duration) -> Duration {
        if ran >= GOOD {
            self.short = 0;
        }
        let wait = Duration::from_millis(100 << self.short.min(10));
        self.short += 1;
        wait.min(Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_minute_and_begins_anew_after_a_good_run() {
        let mut backoff = Backoff::default();
        let mut waits = |ran: u64, times: usize| -> Vec<u128> {
            let wait = |_| backoff.wait_after(Duration::from_secs(ran)).as_millis();
            (0..times).map(wait).collect()
        };
        assert_eq!(waits(1, 4), [100, 200, 400, 800]);
        assert_eq!(waits(1, 8)[5..], [51_200, 60_000, 60_000]);
        assert_eq!(waits(10, 1), [100]);
        assert_eq!(waits(9, 2), [200, 400]);
    }

    #[test]
    fn what_never_ran_is_no_good_run() {
        let mut backoff = Backoff::default();
        backoff.begin();
        assert_eq!(backoff.end(), Duration::from_millis(100));
        assert_eq!(backoff.end(), Duration::from_millis(200));
    }
}
