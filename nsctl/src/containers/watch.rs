//! Seeing that something changed in a container's directory. inotify(7)

use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use crate::error::Error;

/// Wakes when something in the directory changes.
#[derive(Debug)]
pub struct Watch(Inotify);

impl Watch {
    /// From now on.
    pub fn of(directory: &Path) -> Result<Self, Error> {
        let failed =
            |errno| Error::new(format!("cannot watch {}: inotify: {errno}", directory.display()));
        let watch =
            Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).map_err(failed)?;
        let events = AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_CLOSE_WRITE;
        watch.add_watch(directory, events).map_err(failed)?;
        Ok(Watch(watch))
    }

    /// Waits for a change, but not longer than `most`: a shim that is killed writes nothing.
    pub fn wait(&self, most: Duration) {
        let limit = PollTimeout::try_from(most).unwrap_or(PollTimeout::MAX);
        let _ = poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], limit);
        while self.0.read_events().is_ok() {}
    }
}
