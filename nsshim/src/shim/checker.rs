//! The process that carries out a health check, and ends one that takes too long.
//!
//! ```text
//!  shim ──fork──▶ checker ──setns, fork──▶ the command, in all of the container's namespaces
//!    ◀───────────── a pipe ──────────────────┘ what it says
//!    ◀── exit status ──┘
//! ```
//!
//! The shim itself must not enter: it could never leave.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{ForkResult, Pid, pipe2};

use super::Child;
use crate::channel::{self, Message, Received};
use crate::child::check;
use crate::error::{Failure, Named};
use crate::keep::{Check, HealthCheck};
use crate::plan::Plan;
use crate::spec::Kind;
use crate::step::{Entrances, Inside};
use crate::sys::{self, Change, Cloned, Whose, waitid};

/// What the checker ends with when the command could not be run, as nsctl does.
const FAILED: i32 = 125;

/// Starts a check; it ends by itself.
///
/// # Errors
/// `EMFILE`, `EAGAIN`, `ENOMEM`: no pipe or no process could be made.
pub(super) fn start(
    plan: &Plan,
    child: &Child,
    proc: BorrowedFd<'_>,
    wanted: &HealthCheck,
) -> nix::Result<Check> {
    let (output, says) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    match sys::fork_single_threaded()? {
        ForkResult::Child => {
            let checker = Checker { plan, container: child.pidfd.as_fd(), proc };
            sys::exit_now(checker.run(&says, wanted))
        }
        ForkResult::Parent { child } => Ok(Check::new(child, sys::pidfd_open(child)?, output)),
    }
}

struct Checker<'a> {
    plan: &'a Plan,
    container: BorrowedFd<'a>,
    proc: BorrowedFd<'a>,
}

impl Checker<'_> {
    /// Returns the exit status.
    fn run(&self, says: &OwnedFd, wanted: &HealthCheck) -> i32 {
        let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
        if self.take_streams(says).is_err() {
            return FAILED;
        }
        let entrances = match self.entrances() {
            Ok(entrances) => entrances,
            Err(failure) => return tell(&failure),
        };
        let streams = [sys::standard_input(), sys::standard_output(), sys::standard_error()];
        let mut kept = vec![self.container, self.proc];
        kept.extend(streams);
        kept.extend(entrances.clone.iter().chain(&entrances.tasks).map(AsFd::as_fd));
        sys::close_all_but(&kept, true);
        match self.command(&wanted.command, &entrances) {
            Ok(command) => command.watch(wanted.timeout),
            Err(failure) => tell(&failure),
        }
    }

    fn take_streams(&self, says: &OwnedFd) -> nix::Result<()> {
        // The host's: the container may have none.
        let null = open("/dev/null", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        sys::replace_standard_stream(null.as_fd(), 0)?;
        for stream in [1, 2] {
            sys::replace_standard_stream(says.as_fd(), stream)?;
        }
        // The command's end waits for who reads; the shim's does not, and it is another.
        let flags = nix::fcntl::FcntlArg::F_SETFL(OFlag::O_WRONLY);
        nix::fcntl::fcntl(sys::standard_output(), flags).map(drop)
    }

    /// Enters the container, and starts the command there.
    fn command(&self, argv: &[CString], entrances: &Entrances) -> Result<Command, Failure> {
        let purpose = "enter the container";
        // The command joins the cgroup namespace: nobody in one may start a process in a group from
        // outside of it, where delegation ends there (nsdelegate).
        let all = self.kinds();
        let cgroup = all & Kind::Cgroup.flag();
        let kinds = all - cgroup;
        // Before processes inside could trace us (CVE-2016-9962).
        nix::sys::prctl::set_dumpable(false)
            .call(|| "prctl(PR_SET_DUMPABLE, 0)".into())
            .map_err(|error| error.during(purpose))?;
        if !kinds.is_empty() {
            setns(self.container, kinds)
                .call(|| "setns(pidfd)".into())
                .map_err(|error| error.during(purpose))?;
        }
        let (said, says) = channel::pair()
            .call(|| "socketpair(AF_UNIX, SOCK_SEQPACKET)".into())
            .map_err(|error| error.during(purpose))?;
        let cloned = sys::clone3(CloneFlags::empty(), entrances.clone.as_ref().map(AsFd::as_fd))
            .call(|| "clone3()".into())
            .map_err(|error| error.during(purpose))?;
        match cloned {
            Cloned::Parent { pid, pidfd } => Ok(Command { pid, pidfd, said }),
            Cloned::Child => {
                sys::close_in_child(said.as_fd());
                let late = (self.container, cgroup);
                check::run(self.plan, argv, says.as_fd(), self.proc, &entrances.tasks, late)
            }
        }
    }

    /// By which the command comes into the container's control groups; with the host's paths.
    fn entrances(&self) -> Result<Entrances, Failure> {
        let mut entrances = Entrances::default();
        for group in self.plan.own_groups() {
            entrances
                .add(group)
                .map_err(|error| error.during("enter the container's control groups"))?;
        }
        Ok(entrances)
    }

    /// The namespaces that the container does not share with the shim: those made for it.
    fn kinds(&self) -> CloneFlags {
        // Those that clone3(2) does not make: the child does.
        let later = self.plan.early.iter().chain(&self.plan.inside).filter_map(|step| match step {
            Inside::Time(_) => Some(Kind::Time.flag()),
            Inside::CgroupNamespace => Some(Kind::Cgroup.flag()),
            _ => None,
        });
        later.fold(self.plan.clone, |all, flag| all | flag)
    }
}

/// The command that runs, and the channel on which it says why it does not.
struct Command {
    pid: Pid,
    pidfd: OwnedFd,
    said: OwnedFd,
}

impl Command {
    /// Waits for it, and kills it when its time is up. Returns its exit status.
    fn watch(&self, timeout: Duration) -> i32 {
        let limit = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let in_time = loop {
            match poll(&mut [PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)], limit) {
                Err(Errno::EINTR) => {}
                ready => break ready == Ok(1),
            }
        };
        if !in_time {
            // Its session, which is its own, and itself should it have none.
            let _ = kill(Pid::from_raw(-self.pid.as_raw()), Signal::SIGKILL);
            let _ = kill(self.pid, Signal::SIGKILL);
            // One that hangs in the kernel is not waited for.
            return HealthCheck::TIMED_OUT;
        }
        let ended = waitid(Whose::PidFd(self.pidfd.as_fd()), libc::WEXITED);
        match channel::receive(&self.said, false) {
            Received::Message(Message::Failed(failure), _) => return tell(&failure),
            Received::Message(Message::NotExecuted { errno, code }, _) => {
                let errno = Errno::from_raw(errno);
                say(&format!("nsctl: cannot execute the health check: {errno}\n"));
                return i32::from(code);
            }
            _ => {}
        }
        match ended {
            Ok(Some((_, Change::Exited(exit)))) => i32::from(exit.status()),
            _ => FAILED,
        }
    }
}

fn tell(failure: &Failure) -> i32 {
    say(&format!("nsctl: cannot check the health: {failure}\n"));
    FAILED
}

fn say(text: &str) {
    let _ = nix::unistd::write(sys::standard_error(), text.as_bytes());
}
