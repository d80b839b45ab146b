//! Between two runs of a container.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Monitor, ready};
use crate::error::Failure;
use crate::exit::Exit;
use crate::keep::Keeper;
use crate::shim::Child;
use crate::sys::SignalInfo;

impl Monitor<'_> {
    /// A pause before the container is made again. False: it is not wanted any more.
    pub(in crate::shim) fn rest(&mut self, pause: Duration, exit: Exit) -> bool {
        let end = Instant::now() + pause;
        let goes_on = loop {
            let left = end.saturating_duration_since(Instant::now());
            let limit = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            fds.extend(self.keeper.iter().flat_map(Keeper::interests));
            let _ = poll(&mut fds, limit);
            let kept = ready(&fds[1..]);
            drop(fds);
            if let Some(keeper) = &mut self.keeper {
                keeper.turn(&kept);
                if !keeper.still_comes_back() {
                    break false;
                }
            }
            let ends = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];
            let mut signals = std::iter::from_fn(|| SignalInfo::read(&self.signals));
            if signals.any(|info| ends.contains(&info.signal)) {
                break false;
            }
            if left.is_zero() {
                break true;
            }
        };
        if let Some(keeper) = self.keeper.as_mut().filter(|_| !goes_on) {
            keeper.stays_ended(exit);
        }
        goes_on
    }

    /// The container was made again.
    pub(in crate::shim) fn watch(&mut self, child: Child) {
        self.child = child;
        self.workload_runs = false;
        self.is_started = false;
        self.child_is_silent = false;
        self.workload_is_stopped = false;
        self.exit = None;
        self.failed = false;
        self.is_again = true;
        self.deadline = None;
    }

    /// The container could not be made again. It has ended for good then.
    pub(in crate::shim) fn was_not_made_again(&mut self, why: &Failure) {
        if let Some(keeper) = &mut self.keeper {
            keeper.complain(&format!("not started again: {why}"));
            keeper.stays_ended(Exit::Code(125));
        }
    }
}
