//! Room for what is read: large while much comes, none while the container is silent, because many
//! containers are, and each has a shim.

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::unistd::read;

/// As much as a pipe holds.
pub(super) const ROOM: usize = 64 * 1024;

/// What a terminal gives at once, and what most programs say.
pub(super) const LITTLE: usize = 4096;

/// Empty, or of that size.
#[derive(Default)]
pub(super) struct Room(Vec<u8>);

impl Room {
    /// Reads what there is, into `little` if that is enough. Nothing: it has ended. `fd` must not
    /// block: it is read again where it gave much.
    pub fn read<'a>(&'a mut self, fd: &OwnedFd, little: &'a mut [u8]) -> nix::Result<&'a [u8]> {
        if self.0.is_empty() {
            let count = read(fd, little)?;
            if count < little.len() {
                return Ok(&little[..count]);
            }
            self.0.resize(ROOM, 0);
            self.0[..count].copy_from_slice(little);
            // What ended or failed does so again.
            let more = read(fd, &mut self.0[count..]).unwrap_or(0);
            return Ok(&self.0[..count + more]);
        }
        let count = read(fd, &mut self.0);
        match count {
            Ok(count) if count < little.len() => {
                little[..count].copy_from_slice(&self.0[..count]);
                self.give_back();
                Ok(&little[..count])
            }
            Err(errno) => {
                if errno != Errno::EINTR {
                    self.give_back();
                }
                Err(errno)
            }
            Ok(count) => Ok(&self.0[..count]),
        }
    }

    fn give_back(&mut self) {
        self.0 = Vec::new();
        crate::sys::trim_heap();
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use nix::fcntl::OFlag;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    #[test]
    fn much_and_little_are_read_whole_and_in_order() {
        let (from, to) = nix::unistd::pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).unwrap();
        let mut room = Room::default();
        let mut next = 0u32;
        for length in [1, LITTLE, LITTLE + 1, 3, ROOM, 7, LITTLE - 1, ROOM, ROOM] {
            let said: Vec<u8> = (0..length as u32).map(|at| (next + at) as u8).collect();
            next += length as u32;
            assert_eq!(nix::unistd::write(&to, &said), Ok(length));
            let mut heard: Vec<u8> = Vec::new();
            while heard.len() < length {
                let mut little = [0; LITTLE];
                heard.extend(room.read(&from, &mut little).unwrap());
            }
            assert!(heard == said, "{length}");
        }
        drop(to);
        // A child that another test has just forked has it, too, until its exec.
        let mut fds = [PollFd::new(from.as_fd(), PollFlags::empty())];
        assert_eq!(poll(&mut fds, PollTimeout::NONE), Ok(1));
        assert_eq!(room.read(&from, &mut [0; LITTLE]), Ok(&[][..]));
        assert!(room.0.is_empty());
    }
}
