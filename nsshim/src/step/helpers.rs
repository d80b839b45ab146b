//! Writing id maps through newuidmap(1) and newgidmap(1), which may map ranges that
//! /etc/subuid and /etc/subgid grant.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{get_pdeathsig, set_pdeathsig};
use nix::unistd::{Pid, read};

use super::{OutsideContext, idmap};
use crate::error::{CallError, Failure, Named, Result};
use crate::spec::{IdKind, IdMap, IdMaps, Setgroups};
use crate::sys;

const PURPOSE: &str = "map user and group ids";

/// Both at once: each spends most of its 1 ms starting. For as long as they take, or
/// until the caller wants no container any more.
pub(super) fn map(context: &OutsideContext<'_>, maps: &IdMaps) -> std::result::Result<(), Failure> {
    if maps.setgroups == Setgroups::Deny {
        let only_deny = IdMaps { users: vec![], groups: vec![], setgroups: Setgroups::Deny };
        idmap::write(context, &only_deny).map_err(|error| error.during(PURPOSE))?;
    }
    // The kernel forgets a set-user-ID program's parent-death signal. So should the caller
    // die, we must not die with it but see to them.
    let at_callers_death = get_pdeathsig().unwrap_or(None);
    let _ = set_pdeathsig(None);
    let result = run(context, maps);
    let _ = set_pdeathsig(at_callers_death);
    result
}

fn run(context: &OutsideContext<'_>, maps: &IdMaps) -> std::result::Result<(), Failure> {
    let child = context.child.map_or(0, Pid::as_raw);
    let start = |kind: IdKind| {
        Helper::start(words(kind, child, maps.lines(kind))).map_err(|error| error.during(PURPOSE))
    };
    let mut first_failure = None;
    let mut helpers = Vec::with_capacity(2);
    for kind in [IdKind::User, IdKind::Group] {
        match start(kind) {
            Ok(helper) => helpers.push(helper),
            Err(failure) => drop(first_failure.get_or_insert(failure)),
        }
    }
    if wait_for_all(&mut helpers, context.nsctl) == Waited::NotWanted {
        let running = helpers.iter().find(|helper| helper.status.is_none());
        let call = running.map_or_else(String::new, |helper| helper.words.join(" "));
        helpers.iter_mut().for_each(Helper::kill);
        return Err(Failure { step: PURPOSE.into(), call, errno: Errno::EINTR });
    }
    let failures = helpers.iter().filter_map(Helper::failure);
    first_failure.into_iter().chain(failures).next().map_or(Ok(()), Err)
}

/// One that was started.
struct Helper {
    words: Vec<String>,
    process: Child,
    /// Readable when it has ended.
    pidfd: OwnedFd,
    /// It exits 1 for every reason, and says which here.
    said: Vec<u8>,
    status: Option<ExitStatus>,
}

impl Helper {
    fn start(words: Vec<String>) -> Result<Self> {
        let call = || format!("execve({:?})", words[0]);
        let process = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .call(call)?;
        if let Some(stderr) = &process.stderr {
            // Our end alone; who inherits the other may keep it open for ever.
            let _ = fcntl(stderr, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
        }
        let pidfd = sys::pidfd_open(Pid::from_raw(process.id() as i32));
        match pidfd {
            Ok(pidfd) => Ok(Helper { words, process, pidfd, said: Vec::new(), status: None }),
            Err(errno) => {
                let mut process = process;
                let _ = process.kill();
                Err(CallError { call: "pidfd_open()".into(), errno })
            }
        }
    }

    /// Hears what it says, so that it never waits for us, and whether it has ended.
    fn look(&mut self) {
        let ended = self.process.try_wait();
        if let Some(stderr) = &self.process.stderr {
            let mut buffer = [0; 1024];
            let at_end = loop {
                match read(stderr, &mut buffer) {
                    Ok(count @ 1..) => self.said.extend_from_slice(&buffer[..count]),
                    Err(Errno::EAGAIN) => break false,
                    _ => break true,
                }
            };
            if at_end {
                self.process.stderr = None;
            }
        }
        if let Ok(Some(status)) = ended {
            self.status = Some(status);
        }
    }

    fn interests(&self) -> impl Iterator<Item = PollFd<'_>> {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let running = self.status.is_none();
        let stderr = self.process.stderr.as_ref().map(|stderr| readable(stderr.as_fd()));
        let both = [Some(readable(self.pidfd.as_fd())), stderr];
        both.into_iter().flatten().filter(move |_| running)
    }

    fn kill(&mut self) {
        // Its real user is ours, or else it is not ours to wait for.
        if self.status.is_none() && self.process.kill().is_ok() {
            let _ = self.process.wait();
        }
    }

    fn failure(&self) -> Option<Failure> {
        self.status.filter(|status| !status.success()).map(|_| Failure {
            step: format!("{PURPOSE}: {}", String::from_utf8_lossy(&self.said).trim()),
            call: self.words.join(" "),
            errno: Errno::EPERM,
        })
    }
}

#[derive(PartialEq, Eq)]
enum Waited {
    Ended,
    NotWanted,
}

fn wait_for_all(helpers: &mut [Helper], nsctl: BorrowedFd<'_>) -> Waited {
    // Not POLLIN: signals that wait there are for the workload. poll(2), POLLRDHUP
    let ended = PollFlags::from_bits_retain(libc::POLLRDHUP);
    while helpers.iter().any(|helper| helper.status.is_none()) {
        let mut fds = vec![PollFd::new(nsctl, ended)];
        fds.extend(helpers.iter().flat_map(Helper::interests));
        let waited = poll(&mut fds, PollTimeout::NONE);
        let not_wanted = fds[0].revents() != Some(PollFlags::empty());
        if not_wanted || waited.is_err_and(|errno| errno != Errno::EINTR) {
            return Waited::NotWanted;
        }
        helpers.iter_mut().filter(|helper| helper.status.is_none()).for_each(Helper::look);
    }
    Waited::Ended
}

fn words(kind: IdKind, child: impl fmt::Display, lines: &[IdMap]) -> Vec<String> {
    let mut words = vec![kind.helper().to_string(), child.to_string()];
    for line in lines {
        words.extend([
            line.inside.0.to_string(),
            line.outside.0.to_string(),
            line.count.to_string(),
        ]);
    }
    words
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, maps: &IdMaps) -> fmt::Result {
    write!(
        f,
        "{} & {}",
        words(IdKind::User, "CHILD", &maps.users).join(" "),
        words(IdKind::Group, "CHILD", &maps.groups).join(" ")
    )
}
