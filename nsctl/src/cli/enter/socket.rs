//! A network namespace by a socket that belongs to it. nsenter(1), `--net-socket`

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::stat::{SFlag, fstat};
use nsshim::{errno_name, sys};

use crate::error::{Error, shown};
use crate::scan::{Pinned, Target};

/// Opens the network of the socket that is meant: `FD` of the process that is entered, or `PID:FD`.
pub fn network(word: &str, target: Option<&Target>) -> Result<OwnedFd, Error> {
    let wrong = || {
        Error::new(format!("cannot read --net-socket {}", shown(word)))
            .try_this("PID:FD, or FD of the process that is entered: a number of /proc/PID/fd")
    };
    let number = |text: &str| text.parse::<i32>().ok().filter(|number| *number >= 0);
    match (word.split_once(':'), target) {
        (Some((pid, fd)), _) => {
            let (pid, fd) = (number(pid).ok_or_else(wrong)?, number(fd).ok_or_else(wrong)?);
            of(&Pinned::open(pid)?, fd)
        }
        (None, Some(Target::Process(process))) => of(process, number(word).ok_or_else(wrong)?),
        (None, _) => {
            number(word).ok_or_else(wrong)?;
            Err(Error::new(format!("--net-socket={word} is a descriptor of no process"))
                .try_this("nsctl enter --net-socket=FD PID, or --net-socket=PID:FD"))
        }
    }
}

fn of(process: &Pinned, fd: i32) -> Result<OwnedFd, Error> {
    let pid = process.pid;
    let failed = |call: &str, errno: Errno| {
        let errno = errno_name(errno);
        Error::new(format!("cannot enter the network of a socket: {call}({pid}, {fd}): {errno}"))
    };
    // Linux 5.6
    let socket = sys::pidfd_getfd(&process.fd, fd).map_err(|errno| {
        let error = failed("pidfd_getfd", errno);
        match errno {
            Errno::EBADF => error
                .because(format!("process {pid} has no descriptor {fd}"))
                .try_this(format!("one that `ls -l /proc/{pid}/fd` shows as a socket")),
            Errno::EPERM => error
                .because("it takes the right to trace the process: ptrace(2), PTRACE_MODE_ATTACH")
                .try_this("sudo nsctl enter …, or a process of your own"),
            _ => error,
        }
    })?;
    let is_socket = |mode| SFlag::from_bits_truncate(mode) & SFlag::S_IFMT == SFlag::S_IFSOCK;
    if !fstat(&socket).is_ok_and(|status| is_socket(status.st_mode)) {
        return Err(Error::new(format!("descriptor {fd} of process {pid} is no socket"))
            .try_this(format!("one that `ls -l /proc/{pid}/fd` shows as a socket")));
    }
    // Linux 4.10
    sys::get_socket_netns(&socket).map_err(|errno| {
        let error = failed("ioctl(SIOCGSKNS)", errno);
        match errno {
            Errno::EPERM => error
                .because("it takes net_admin in the user namespace that owns the network")
                .try_this("sudo nsctl enter …"),
            _ => error,
        }
    })
}
