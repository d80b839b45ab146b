//! Starting the shim of a container that lives on, and hearing that its workload runs.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use nsshim::keep::Keep;
use nsshim::sys::{self, SignalInfo};
use nsshim::{Message, Received, Started};

use super::streams::Replacement;
use crate::causes;
use crate::error::{self, Error};
use crate::resolve::Request;
use crate::state::PidFile;
use crate::status::Status;

/// Starts it; returns when its workload runs. What happens is told to `status`.
pub(super) fn carry_out(
    request: Request,
    ours: Replacement,
    keep: Keep,
    status: &mut Status,
) -> Result<(), Error> {
    let Request { spec, host, pid_file, .. } = request;
    let failed = |errno: nix::errno::Errno| {
        Error::new(format!("cannot prepare the container's streams: {errno}"))
    };
    sys::block_all_signals()
        .map_err(|errno| Error::new(format!("cannot take over the signals: {errno}")))?;
    let context = causes::Context::of(&spec, &host);
    let plan = nsshim::plan(spec, &host);
    let saved = ours.take_over().map_err(failed)?;
    let started = nsshim::start(plan, None, Some(keep));
    saved.give_back();
    let started = started.map_err(|failure| context.explain(failure))?;
    let pid = hear(&started, &context, status)?;
    let mut pid_file = PidFile::new(pid_file);
    if let Err(error) = pid_file.write(pid) {
        error::report(&error);
    }
    // It stays for those who look for the container by it.
    std::mem::forget(pid_file);
    status.started(pid);
    // Nobody is there to say it later.
    status.finish();
    Ok(())
}

/// Waits until the workload runs, and returns the pid of its container's first process.
fn hear(started: &Started, context: &causes::Context, status: &mut Status) -> Result<i32, Error> {
    let signals = sys::signalfd_all()
        .map_err(|errno| Error::new(format!("cannot read signals: signalfd4(): {errno}")))?;
    let mut late = Vec::new();
    loop {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = [readable(started.channel.as_fd()), readable(signals.as_fd())];
        let _ = poll(&mut fds, PollTimeout::NONE);
        while let Some(info) = SignalInfo::read(&signals) {
            if [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT].contains(&info.signal)
                && started.give_up()
            {
                return Err(Error::new("the container was not started: a signal ended nsctl")
                    .with_status(128 + info.signal));
            }
            late.push(info);
        }
        match nsshim::receive(&started.channel, false) {
            Received::Nothing => {}
            Received::Message(Message::Started { pid }, _) => {
                late.iter().for_each(repeat);
                return Ok(pid);
            }
            Received::Message(Message::Namespaces(ids), _) => status.namespaces(ids),
            Received::Message(Message::Failed(failure), _) => return Err(context.explain(failure)),
            Received::Message(Message::NotExecuted { errno, code }, _) => {
                return Err(context.not_executed(errno, code));
            }
            Received::Message(..) => {}
            Received::End => {
                return Err(Error::new("the container was ended: its shim was killed"));
            }
        }
    }
}

/// Makes a signal pending again, for whoever stays at the container.
fn repeat(info: &SignalInfo) {
    let _ = sys::pidfd_open(Pid::this()).and_then(|us| sys::pidfd_send_signal(us, info));
}
