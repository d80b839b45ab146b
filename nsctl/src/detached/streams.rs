//! What a detached workload inherits as its streams, and the socket of those who attach.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
};
use nix::unistd::{mkfifoat, pipe2};
use nsshim::keep::Stream;
use nsshim::sys;

use crate::pods::MEMBERS;

/// The workload's streams, and our ends of them.
pub(super) struct Streams {
    pub(super) ours: Replacement,
    pub(super) input: Option<OwnedFd>,
    pub(super) output: Vec<(Stream, OwnedFd)>,
}

/// What the workload inherits as 0, 1 and 2.
pub(super) struct Replacement([OwnedFd; 3]);

/// What we had there.
pub(super) struct Saved([OwnedFd; 3]);

impl Streams {
    /// Nothing of the caller's: it leaves. Pipes also without a log: somebody may attach.
    pub(super) fn make(terminal: bool, interactive: bool) -> nix::Result<Self> {
        let pipe = || pipe2(OFlag::O_CLOEXEC);
        let (stdin, input) = match interactive && !terminal {
            true => pipe().map(|(read, write)| (read, Some(write)))?,
            false => (null()?, None),
        };
        if terminal {
            let ours = Replacement([stdin, null()?, null()?]);
            return Ok(Streams { ours, input, output: Vec::new() });
        }
        let (out_read, stdout) = pipe()?;
        let (err_read, stderr) = pipe()?;
        Ok(Streams {
            ours: Replacement([stdin, stdout, stderr]),
            input,
            output: vec![(Stream::Stdout, out_read), (Stream::Stderr, err_read)],
        })
    }
}

impl Replacement {
    /// Nothing to read, and nobody who listens.
    pub(super) fn nothing() -> nix::Result<Self> {
        Ok(Replacement([null()?, null()?, null()?]))
    }

    pub(super) fn take_over(self) -> nix::Result<Saved> {
        let saved = Saved([sys::duplicate(0)?, sys::duplicate(1)?, sys::duplicate(2)?]);
        for (number, fd) in self.0.iter().enumerate() {
            sys::replace_standard_stream(fd.as_fd(), number as i32)?;
        }
        Ok(saved)
    }
}

impl Saved {
    pub(super) fn give_back(self) {
        for (number, fd) in self.0.iter().enumerate() {
            let _ = sys::replace_standard_stream(fd.as_fd(), number as i32);
        }
    }
}

fn null() -> nix::Result<OwnedFd> {
    let flags = OFlag::O_RDWR | OFlag::O_CLOEXEC;
    nix::fcntl::open("/dev/null", flags, nix::sys::stat::Mode::empty())
}

/// The socket `attach`. By a short path: an address has room for 108 bytes only. unix(7)
pub(super) fn listener(directory: BorrowedFd<'_>) -> nix::Result<OwnedFd> {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}/attach", directory.as_raw_fd());
    // One that a shim left which was killed.
    let _ = fs::remove_file(&path);
    let socket = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    bind(socket.as_raw_fd(), &UnixAddr::new(path.as_str())?)?;
    listen(&socket, Backlog::new(64)?)?;
    Ok(socket)
}

/// The pipe that the members of a pod hold, and the end that sees the last of them leave.
pub(super) fn members(directory: BorrowedFd<'_>) -> nix::Result<OwnedFd> {
    let mode = nix::sys::stat::Mode::from_bits_truncate(0o600);
    match mkfifoat(directory, MEMBERS, mode) {
        // One that a shim left which was killed.
        Err(nix::errno::Errno::EEXIST) => {}
        made => made?,
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    nix::fcntl::openat(directory, MEMBERS, flags, nix::sys::stat::Mode::empty())
}
