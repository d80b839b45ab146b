//! Those that `nsctl stats` was asked for by name: what cannot be shown is told once.

use std::collections::BTreeSet;

use super::measured::Measured;
use crate::containers::{Container, Containers, Pinned, Status};
use crate::error::{self, Error};

/// Them, and what became of them.
pub(super) struct Watched {
    /// Those that may be shown yet.
    names: Vec<String>,
    /// Those of whom it was told that they do not run.
    told: BTreeSet<String>,
    /// The exit status.
    pub status: i32,
}

impl Watched {
    pub fn new(names: &[String]) -> Self {
        Watched { names: names.to_vec(), told: BTreeSet::new(), status: 0 }
    }

    /// Whether nothing of them can be shown any more.
    pub fn is_over(&self) -> bool {
        self.names.is_empty()
    }

    /// Those that run. Who is gone, or can never be counted, is not looked for again.
    pub fn look(&mut self, containers: &Containers) -> Vec<(Container, Measured)> {
        let mut now = Vec::new();
        let Watched { names, told, status } = self;
        names.retain(|name| {
            let container = containers.find(name);
            let seen = container.and_then(|one| counted(&one).map(|used| (one, used)));
            match seen {
                Ok((container, Some(used))) => {
                    now.push((container, used));
                    told.remove(name);
                }
                Ok((container, None)) if told.insert(name.clone()) => {
                    let error = Error::new(format!("{} is not running", container.about.name));
                    *status = error::report(&error);
                }
                Ok((_, None)) => {}
                Err(error) => {
                    *status = error::report(&error);
                    return false;
                }
            }
            true
        });
        now
    }
}

/// `None`: it does not run.
fn counted(container: &Container) -> Result<Option<Measured>, Error> {
    if !matches!(container.state.status, Status::Running | Status::Paused) {
        return Ok(None);
    }
    Measured::of(container).map(Some).or_else(|error| {
        // It may have ended while that was asked: that is seen before its shim says so.
        let first =
            container.state.pid.and_then(|pid| Pinned::open(pid, container.state.start_ticks));
        if first.is_some_and(|first| first.lives()) { Err(error) } else { Ok(None) }
    })
}
