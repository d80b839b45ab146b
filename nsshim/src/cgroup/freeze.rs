//! Freezing: all in a group stands still, what it makes meanwhile too, and nothing in it can
//! tell, or undo it.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Group, LOOK_AGAIN, Version, entry, read};

impl Group {
    /// The file that freezes it; `None`: nothing can.
    ///
    /// cgroup.freeze: Linux 5.2
    pub fn freezer(&self) -> Option<&'static str> {
        match self.version {
            Version::V2 => self.read("cgroup.freeze").is_ok().then_some("cgroup.freeze"),
            Version::V1 => self.has("freezer").then_some("freezer.state"),
        }
    }

    /// Freezes it, and returns when all of it stands still.
    ///
    /// # Errors
    /// `ETIMEDOUT`: one of its processes waited for something else so long; it goes on then.
    pub fn freeze(&self, patience: Duration) -> nix::Result<()> {
        let give_up = Instant::now() + patience;
        let frozen = match self.version {
            Version::V2 => {
                self.write("cgroup.freeze", "1").and_then(|()| self.wait_for("frozen", 1, give_up))
            }
            Version::V1 => self.freeze_v1(give_up),
        };
        frozen.inspect_err(|_| {
            let _ = self.thaw();
        })
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// `ENOENT`: there is no such group.
    pub fn thaw(&self) -> nix::Result<()> {
        match self.version {
            Version::V2 => self.write("cgroup.freeze", "0"),
            Version::V1 => self.write("freezer.state", "THAWED"),
        }
    }

    /// Nothing tells when it is done, and what forked meanwhile may have to be asked again.
    /// Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst
    fn freeze_v1(&self, give_up: Instant) -> nix::Result<()> {
        loop {
            self.write("freezer.state", "FROZEN")?;
            if self.read("freezer.state")?.trim() == "FROZEN" {
                return Ok(());
            }
            if Instant::now() > give_up {
                return Err(Errno::ETIMEDOUT);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Waits until cgroup.events says so. The kernel tells when it changes, poll(2).
    pub(super) fn wait_for(&self, key: &str, value: u64, give_up: Instant) -> nix::Result<()> {
        let mut events: File = self.open_file("cgroup.events", OFlag::O_RDONLY)?.into();
        loop {
            if entry(&read(&mut events)?, key) == Some(value) {
                return Ok(());
            }
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Errno::ETIMEDOUT);
            }
            let limit = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let _ = poll(&mut [PollFd::new(events.as_fd(), PollFlags::POLLPRI)], limit);
            let _ = events.seek(SeekFrom::Start(0));
        }
    }
}
