//! A container in the foreground: nsctl stays, passes signals in and the exit
//! status out, and is the user's terminal for it.

mod given_up;
mod persisted;
mod signals;
mod stops;

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use given_up::GivenUp;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nsshim::spec::Session;
use nsshim::sys::{self, Change, SignalInfo, Whose};
use nsshim::{Message, Received, Started, orphans};
use persisted::Persisted;

use crate::causes;
use crate::containers::Noted;
use crate::error::Error;
use crate::outlet::Outlet;
use crate::own_signals;
use crate::relay::Relay;
use crate::resolve::Request;
use crate::state::PidFile;
use crate::status::Status;

/// Runs the container and returns the exit status.
pub fn run(mut request: Request) -> Result<i32, Error> {
    // From here on every signal waits until we look, so that none is lost between
    // what it would do to us and what it is to do to the workload.
    sys::block_all_signals()
        .map_err(|errno| Error::new(format!("cannot take over the signals: {errno}")))?;
    let mut status = Status::new(request.status.take());
    let signal_mask = request.spec.process.signal_mask;
    let ended = carry_out(request, &mut status);
    if status.is_asked_for() || ended.is_err() {
        own_signals::take_back(signal_mask);
    }
    match ended {
        Ok(exit) => {
            status.exited(&exit);
            Ok(i32::from(exit.status()))
        }
        Err(error) => {
            status.failed(&error);
            Err(error)
        }
    }
}

fn carry_out(request: Request, status: &mut Status) -> Result<nsshim::Exit, Error> {
    let Request { mut spec, host, terminal, stop_signal, claim, member, pid_file, .. } = request;
    // Whatever is killed: the next nsctl finds them.
    let own_groups = spec.cgroup.as_mut().filter(|cgroup| cgroup.own);
    let noted = own_groups.map(Noted::new).transpose()?;
    let persisted = Persisted::look(&spec.persist);
    let session = spec.session;
    let signal_mask = spec.process.signal_mask;
    let has_terminal = spec.terminal.is_some();
    let context = causes::Context::of(&spec, &host);
    let plan = nsshim::plan(spec, &host);

    let saved = terminal.as_ref().map(nsshim::SavedTerminal::try_clone).transpose();
    let saved = saved.map_err(|error| Error::new(format!("cannot use the terminal: {error}")))?;
    // Should the shim be killed, what it held comes to us, and we end it. What the program
    // that became us has left running is not ours.
    let not_ours = orphans::inherited();
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let started = nsshim::start(plan, saved, None).map_err(|failure| context.explain(failure))?;
    let signals = sys::signalfd_all()
        .map_err(|errno| Error::new(format!("cannot read signals: signalfd4(): {errno}")))?;
    let relay = has_terminal.then(|| Relay::new(terminal));
    let mut keep = vec![started.channel.as_fd(), signals.as_fd()];
    keep.extend(status.descriptor());
    keep.extend(claim.as_ref().map(AsFd::as_fd));
    keep.extend(member.as_ref().map(AsFd::as_fd));
    keep.extend(relay.iter().flat_map(Relay::descriptors));
    let_go(&keep);
    let mut foreground = Foreground {
        started,
        signals,
        session,
        signal_mask,
        stop_signal,
        relay,
        pid_file: PidFile::new(pid_file),
        complaints: Outlet::new(std::io::stderr()),
        outcome: None,
        began: false,
        heard: VecDeque::new(),
        unsent: VecDeque::new(),
    };
    let outcome = foreground.watch(status);
    let began = foreground.began;
    let take_back = || persisted.iter().rev().filter(|_| !began).for_each(Persisted::take_back);
    // The terminal first: what is printed from here on is for the user's.
    drop(foreground.relay.take());
    // Then the shim, which waits for that: it must find the terminal before the shell does.
    drop(foreground.started.channel);
    let _ = sys::waitid(Whose::Pid(foreground.started.shim), libc::WEXITED);
    drop(foreground.pid_file);
    drop(claim);
    // All that is in them ends with them, should the shim not have seen to it.
    drop(noted);
    drop(member);
    if foreground.complaints.interest().is_some() {
        own_signals::take_back(signal_mask);
        foreground.complaints.finish();
    }
    match outcome {
        Outcome::Exited(exit) => Ok(exit),
        Outcome::Failed(failure) => Err(context.explain(failure)),
        Outcome::NotExecuted { errno, code } => Err(context.not_executed(errno, code)),
        Outcome::ShimDied => {
            orphans::kill_all_but(not_ours);
            take_back();
            Err(Error::new("the container was ended: its shim was killed"))
        }
        Outcome::GivenUp(given_up) => {
            orphans::kill_all_but(not_ours);
            take_back();
            Err(given_up.error())
        }
    }
}

/// The workload's readers and writers must see the end when the workload closes its
/// streams, not when we end; likewise whatever else we inherited. Standard error
/// stays, for messages.
fn let_go(keep: &[BorrowedFd<'_>]) {
    sys::close_all_but(keep, true);
}

/// How it ended.
enum Outcome {
    Exited(nsshim::Exit),
    Failed(nsshim::Failure),
    NotExecuted { errno: i32, code: u8 },
    ShimDied,
    GivenUp(GivenUp),
}

struct Foreground {
    started: Started,
    signals: OwnedFd,
    session: Session,
    /// The caller's.
    signal_mask: u64,
    stop_signal: i32,
    relay: Option<Relay>,
    pid_file: PidFile,
    /// What is wrong, but no reason to end.
    complaints: Outlet<std::io::Stderr>,
    outcome: Option<Outcome>,
    /// Whether the workload runs or ran, if the shim was asked to say so.
    began: bool,
    /// What the shim said while we waited for something else.
    heard: VecDeque<Received>,
    /// What the shim has not taken yet: a full channel must not keep us from hearing it.
    unsent: VecDeque<SignalInfo>,
}

impl Foreground {
    fn watch(&mut self, status: &mut Status) -> Outcome {
        loop {
            let ready = self.wait(status);
            self.started.lingering.turn();
            self.send_unsent();
            status.turn();
            self.complaints.turn();
            if ready.signals
                && let Some(given_up) = self.hear_signals()
            {
                return Outcome::GivenUp(given_up);
            }
            if let Some(relay) = &mut self.relay {
                relay.turn(&ready.relay);
                if relay.takes_leave() {
                    self.unsent.push_back(SignalInfo::new(libc::SIGHUP));
                    self.send_unsent();
                }
            }
            if ready.channel
                && let Some(outcome) = self.hear_shim(status)
            {
                let signals = self.signals.as_fd();
                if let Some(relay) = &mut self.relay {
                    relay.finish(signals, || signals::end_is_asked_for(signals));
                }
                return outcome;
            }
        }
    }

    fn wait(&self, status: &Status) -> Ready {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let (channel, signals) = (self.started.channel.as_fd(), self.signals.as_fd());
        let mut fds = if self.unsent.is_empty() {
            vec![readable(channel), readable(signals)]
        } else {
            // Until the shim takes more, the kernel keeps the rest in order for us.
            let both = PollFlags::POLLIN | PollFlags::POLLOUT;
            vec![PollFd::new(channel, both), PollFd::new(signals, PollFlags::empty())]
        };
        if let Some(relay) = &self.relay {
            fds.extend(relay.interests());
        }
        fds.extend(status.interest().into_iter().chain(self.complaints.interest()));
        let look_again = self.relay.as_ref().and_then(Relay::look_again);
        let limit = look_again.into_iter().chain(self.started.lingering.left()).min();
        // Rounded up: not again and again before it.
        let limit = limit.map(|left| left + Duration::from_millis(1));
        let timeout = match (self.heard.is_empty(), limit) {
            (false, _) => PollTimeout::ZERO,
            (true, Some(limit)) => PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX),
            (true, None) => PollTimeout::NONE,
        };
        match poll(&mut fds, timeout) {
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
        Ready { channel: any(0) || !self.heard.is_empty(), signals: any(1), relay: relay.collect() }
    }

    /// Returns how it ended, when that was said.
    fn hear_shim(&mut self, status: &mut Status) -> Option<Outcome> {
        let received = match self.heard.pop_front() {
            Some(heard) => heard,
            None => nsshim::receive(&self.started.channel, false),
        };
        match received {
            Received::Nothing => {}
            Received::End => return Some(self.ended()),
            Received::Message(message, fd) => match message {
                Message::Terminal => {
                    if let (Some(relay), Some(master)) = (&mut self.relay, fd) {
                        relay.begin(master);
                    }
                }
                Message::Namespaces(ids) => status.namespaces(ids),
                Message::Started { pid } => {
                    self.began = true;
                    status.started(pid);
                    if let Err(error) = self.pid_file.write(pid) {
                        self.complaints.say(&format!("{error}\n"));
                    }
                }
                Message::Stopped { signal } if self.stops_with_workload(signal) => {
                    self.suspend_with_workload();
                }
                Message::Failed(failure) => {
                    self.outcome.get_or_insert(Outcome::Failed(failure));
                }
                Message::NotExecuted { errno, code } => {
                    self.outcome.get_or_insert(Outcome::NotExecuted { errno, code });
                }
                Message::Exited(exit) => {
                    self.outcome.get_or_insert(Outcome::Exited(exit));
                    // It lives on, to restore the user's terminal should we not get to it.
                    if self.relay.is_some() {
                        return self.outcome.take();
                    }
                }
                _ => {}
            },
        }
        None
    }

    /// The shim is dead: it has said how it ended, or its own status says it.
    fn ended(&mut self) -> Outcome {
        let status = sys::waitid(Whose::Pid(self.started.shim), libc::WEXITED);
        let said = self.outcome.take();
        match (said, status) {
            (Some(outcome), _) => outcome,
            (None, Ok(Some((_, Change::Exited(exit @ nsshim::Exit::Code(_)))))) => {
                Outcome::Exited(exit)
            }
            (None, _) => Outcome::ShimDied,
        }
    }
}

struct Ready {
    channel: bool,
    signals: bool,
    relay: Vec<(i32, PollFlags)>,
}
