//! Words for a reader who may be slow, while nobody must wait for him.

use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::write;

/// What a pipe with room takes without waiting. pipe(7), PIPE_BUF
const AT_ONCE: usize = 4096;

/// A descriptor that others share, so that it cannot be made not to block; and what it
/// has not taken yet.
pub struct Outlet<F> {
    to: F,
    unsaid: Vec<u8>,
}

impl<F: AsFd> Outlet<F> {
    /// Nothing is to be said yet.
    pub fn new(to: F) -> Self {
        Outlet { to, unsaid: Vec::new() }
    }

    /// The descriptor, to keep it open.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.to.as_fd()
    }

    /// Says it after what was said before, as far as that can be done without waiting.
    pub fn say(&mut self, text: &str) {
        self.unsaid.extend_from_slice(text.as_bytes());
        self.turn();
    }

    /// What to wait for before [`turn`](Self::turn) can do more.
    pub fn interest(&self) -> Option<PollFd<'_>> {
        (!self.unsaid.is_empty()).then(|| PollFd::new(self.to.as_fd(), PollFlags::POLLOUT))
    }

    /// Says what can be said without waiting.
    pub fn turn(&mut self) {
        while let Some(interest) = self.interest()
            && poll(&mut [interest], PollTimeout::ZERO) == Ok(1)
            && self.write(AT_ONCE)
        {}
    }

    /// Says the rest, for as long as the reader takes.
    pub fn finish(&mut self) {
        while !self.unsaid.is_empty() && self.write(usize::MAX) {}
    }

    /// Returns whether there is reason to go on.
    fn write(&mut self, most: usize) -> bool {
        match write(&self.to, &self.unsaid[..self.unsaid.len().min(most)]) {
            Ok(count @ 1..) => drop(self.unsaid.drain(..count)),
            Err(Errno::EINTR) => {}
            // Somebody made it not to block.
            Err(Errno::EAGAIN) => return false,
            // A reader that went away wants no more.
            _ => self.unsaid.clear(),
        }
        true
    }
}
