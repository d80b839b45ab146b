//! A container in the foreground: nsctl stays, passes signals in and the exit
//! status out, and is the user's terminal for it.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use nsshim::spec::Session;
use nsshim::sys::{self, SignalInfo, Whose};
use nsshim::{Message, Received, Started, orphans};
use signal_hook::low_level::emulate_default_handler;

use crate::causes;
use crate::error::{self, Error};
use crate::relay::Relay;
use crate::resolve::Request;
use crate::state::PidFile;
use crate::status::Status;

/// Runs the container and returns the exit status.
pub fn run(request: Request) -> Result<i32, Error> {
    let Request { spec, host, terminal, stop_signal, claim, pid_file, status } = request;
    let session = spec.session;
    let has_terminal = spec.terminal.is_some();
    let context = causes::Context::of(&spec, &host);
    let plan = nsshim::plan(spec, &host);

    let saved = terminal.as_ref().map(nsshim::SavedTerminal::try_clone).transpose();
    let saved = saved.map_err(|error| Error::new(format!("cannot use the terminal: {error}")))?;
    // Should the shim be killed, what it held comes to us, and we end it.
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let mut status = Status::new(status);
    let started = nsshim::start(plan, saved).map_err(|failure| context.explain(failure))?;
    let signals = sys::signalfd_all()
        .map_err(|errno| Error::new(format!("cannot read signals: signalfd4(): {errno}")))?;
    if !has_terminal {
        let_go_of_streams(&started.channel, &signals, &status, claim.as_ref().map(AsFd::as_fd));
    }
    let mut foreground = Foreground {
        started,
        signals,
        session,
        stop_signal,
        relay: has_terminal.then(|| Relay::new(terminal)),
        pid_file: PidFile::new(pid_file),
        outcome: None,
    };
    let outcome = foreground.watch(&mut status);
    // The terminal first: what is printed from here on is for the user's.
    drop(foreground.relay.take());
    drop(foreground.pid_file);
    drop(claim);
    match outcome {
        Outcome::Exited(exit) => {
            status.exited(&exit);
            reap(foreground.started.shim);
            Ok(i32::from(exit.status()))
        }
        Outcome::Failed(failure) => {
            reap(foreground.started.shim);
            let error = context.explain(failure);
            status.failed(&error);
            Err(error)
        }
        Outcome::NotExecuted { errno, code } => {
            reap(foreground.started.shim);
            let error = context.not_executed(errno, code);
            status.failed(&error);
            Err(error)
        }
        Outcome::ShimDied => {
            orphans::kill_all();
            let error = Error::new("the container was ended: its shim was killed");
            status.failed(&error);
            Err(error)
        }
    }
}

/// The workload's readers and writers must see the end when the workload closes
/// its streams, not when we end. Standard error stays, for messages.
fn let_go_of_streams(
    channel: &OwnedFd,
    signals: &OwnedFd,
    status: &Status,
    claim: Option<BorrowedFd<'_>>,
) {
    let keep: Vec<BorrowedFd<'_>> =
        [Some(channel.as_fd()), Some(signals.as_fd()), status.descriptor(), claim]
            .into_iter()
            .flatten()
            .collect();
    sys::close_all_but(&keep, true);
}

fn reap(shim: Pid) {
    // It said its last word and is about to end, or has.
    let _ = sys::waitid(Whose::Pid(shim), libc::WEXITED);
}

/// How it ended.
enum Outcome {
    Exited(nsshim::Exit),
    Failed(nsshim::Failure),
    NotExecuted { errno: i32, code: u8 },
    ShimDied,
}

struct Foreground {
    started: Started,
    signals: OwnedFd,
    session: Session,
    stop_signal: i32,
    relay: Option<Relay>,
    pid_file: PidFile,
    outcome: Option<Outcome>,
}

impl Foreground {
    fn watch(&mut self, status: &mut Status) -> Outcome {
        loop {
            let ready = self.wait();
            if ready.signals {
                self.hear_signals();
            }
            if let Some(relay) = &mut self.relay {
                relay.turn(&ready.relay);
            }
            if ready.channel
                && let Some(outcome) = self.hear_shim(status)
            {
                if let Some(relay) = &mut self.relay {
                    relay.finish();
                }
                return outcome;
            }
        }
    }

    fn wait(&self) -> Ready {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = vec![readable(self.started.channel.as_fd()), readable(self.signals.as_fd())];
        if let Some(relay) = &self.relay {
            fds.extend(relay.interests());
        }
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => log::error!("poll(): {errno}"),
        }
        let events = |index: usize| fds.get(index).and_then(|fd| fd.revents());
        let any = |index| events(index).is_some_and(|events| !events.is_empty());
        let relay = fds
            .iter()
            .skip(2)
            .map(|fd| (fd.as_fd().as_raw_fd(), fd.revents()))
            .filter_map(|(fd, events)| Some((fd, events.filter(|events| !events.is_empty())?)));
        Ready { channel: any(0), signals: any(1), relay: relay.collect() }
    }

    /// Returns how it ended, when that was said.
    fn hear_shim(&mut self, status: &mut Status) -> Option<Outcome> {
        match nsshim::receive(&self.started.channel, false) {
            Received::Nothing => {}
            Received::End => return Some(self.outcome.take().unwrap_or(Outcome::ShimDied)),
            Received::Message(message, fd) => match message {
                Message::Terminal => {
                    if let (Some(relay), Some(master)) = (&mut self.relay, fd) {
                        relay.begin(master);
                    }
                }
                Message::Namespaces(ids) => status.namespaces(ids),
                Message::Started { pid } => {
                    status.started(pid);
                    if let Err(error) = self.pid_file.write(pid) {
                        error::report(&error);
                    }
                }
                // In the user's own terminal the shell is told by the kernel.
                Message::Stopped { .. } if self.relay.is_some() => self.suspend(),
                Message::Failed(failure) => {
                    self.outcome.get_or_insert(Outcome::Failed(failure));
                }
                Message::NotExecuted { errno, code } => {
                    self.outcome.get_or_insert(Outcome::NotExecuted { errno, code });
                }
                Message::Exited(exit) => {
                    return Some(self.outcome.take().unwrap_or(Outcome::Exited(exit)));
                }
                _ => {}
            },
        }
        None
    }

    fn hear_signals(&mut self) {
        while let Some(info) = SignalInfo::read(&self.signals) {
            self.pass(info);
        }
    }

    fn pass(&mut self, mut info: SignalInfo) {
        // The terminal's own signals reached the workload too when it is in our group.
        let meant_for_it = info.is_from_process() || self.session == Session::Own;
        match info.signal {
            libc::SIGCHLD if !info.is_from_process() => {}
            // Our own write to a closed pipe.
            libc::SIGPIPE if info.pid == std::process::id() as i32 => {}
            libc::SIGWINCH if self.relay.is_some() => {
                if let Some(relay) = &self.relay {
                    relay.resize();
                }
            }
            libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => {
                match &self.relay {
                    Some(relay) => relay.stop_foreground(),
                    None if meant_for_it => self.send(info),
                    None => {}
                }
                self.suspend();
            }
            libc::SIGCONT => {
                if let Some(relay) = &mut self.relay {
                    relay.resume();
                }
                self.send(info);
            }
            _ if meant_for_it => {
                if info.signal == libc::SIGTERM {
                    info.signal = self.stop_signal;
                }
                self.send(info);
            }
            _ => {}
        }
    }

    fn send(&self, info: SignalInfo) {
        // A dead shim shows as the end of its channel.
        let _ = nsshim::send(&self.started.channel, &Message::Signal(info), None);
    }

    /// Stops nsctl as the shell expects of a stopped job, until it is continued.
    fn suspend(&mut self) {
        if let Some(relay) = &self.relay {
            relay.pause();
        }
        let _ = emulate_default_handler(Signal::SIGTSTP as i32);
        // Continued: the SIGCONT that did it is read next, and resumes the rest.
        if let Some(relay) = &mut self.relay {
            relay.resume();
        }
    }
}

struct Ready {
    channel: bool,
    signals: bool,
    relay: Vec<(i32, PollFlags)>,
}
