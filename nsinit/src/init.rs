//! The init itself: the order in which everything happens.

#![forbid(unsafe_code)]

use crate::config::{Config, Personality, Show, Target};
use crate::log;
use crate::options::{self, Arguments, Problem};
use crate::reap::Outcome;
use crate::report::{Report, Stage};
use crate::signals::{self, Place, Route};
use crate::sys::{self, Disposition, Errno, SigInfo, SigSet, Strings, signal};
use crate::terminal::{self, Terminal};
use crate::text::Text;
use crate::workload::{self, Inherited, Unstarted, Workload};

/// Exit code for nsinit's own failures. (The inits that it stands in for exit with 1.)
const FAILED: u8 = 125;

/// Runs the init with the arguments and the environment of its process, and returns what the
/// process is to exit with.
///
/// Blocks all signals of the calling thread, reaps all children of the process and closes its
/// descriptors: it is the `main` of a process of its own.
pub fn run(arguments: Strings<'static>, environment: Strings<'static>) -> i32 {
    // First of all, so that a signal from here on waits until there is somebody to give it to.
    let mask = sys::rt_sigprocmask(SigSet::ALL);
    // Ignored, as some shells and daemons leave it, it would make the kernel reap for us and the
    // workload's exit code be lost.
    let sigchld = sys::rt_sigaction(signal::CHLD, Disposition::Default);
    let inherited = Inherited { mask, sigchld };

    let config = match configure(&arguments) {
        Ok(config) => config,
        Err(code) => return i32::from(code),
    };
    if let Some(show) = config.show {
        return print(&config, show);
    }
    if config.command >= arguments.len() {
        usage(&config);
        return i32::from(failure_code(&config));
    }

    prepare(&config);
    let terminal = find_terminal(&config);
    let workload = match workload::start(&config, &arguments, &environment, inherited, terminal) {
        Ok(workload) => workload,
        Err(unstarted) => return i32::from(tell_unstarted(&config, &arguments, &unstarted)),
    };
    // The workload runs: from here on nothing may end this process but the workload's end.
    report(&config, Report::Started { pid: workload.pid });
    let init = Init { config: &config, workload, terminal, place: place(&workload) };
    init.settle();
    i32::from(init.supervise())
}

fn configure(arguments: &Strings<'static>) -> Result<Config, u8> {
    let personality = Personality::of(arguments.get(0).map_or(b"", |name| name.to_bytes()));
    let mut config = Config::new(personality);
    let mut words = Arguments::new(arguments);
    match options::parse(&mut config, &mut words) {
        Ok(()) => {
            config.command = words.index;
            Ok(config)
        }
        Err(problem) => {
            complain(&config, problem);
            Err(failure_code(&config))
        }
    }
}

fn failure_code(config: &Config) -> u8 {
    if config.personality == Personality::Nsinit { FAILED } else { 1 }
}

/// What is done once before the workload starts, and gone without where it is denied.
fn prepare(config: &Config) {
    if sys::getpid() != 1 {
        let _ = sys::set_child_subreaper();
    }
    if let Some(signal) = config.parent_death {
        let parent = sys::getppid();
        let _ = sys::set_pdeathsig(signal);
        if sys::getppid() != parent {
            // It died between the two calls.
            let _ = sys::kill(sys::getpid(), signal);
        }
    }
    if let Some(fd) = config.report_fd {
        let _ = sys::set_cloexec(fd);
    }
}

fn find_terminal(config: &Config) -> Option<Terminal> {
    use crate::config::Group;
    match config.group {
        Group::Foreground => Terminal::find(),
        Group::Session => {
            let terminal = Terminal::find()?;
            let _ = sys::tiocnotty(terminal.fd);
            Some(terminal)
        }
        Group::Keep | Group::Own => None,
    }
}

fn place(workload: &Workload) -> Place {
    let pid = sys::getpid();
    Place { pid, session_leader: sys::getsid() == pid, same_group: workload.same_group }
}

fn report(config: &Config, report: Report) {
    if let Some(fd) = config.report_fd {
        // Whoever asked for reports and went away does not need them.
        let _ = sys::write(fd, &report.encode());
    }
}

fn tell_unstarted(config: &Config, arguments: &Strings<'static>, unstarted: &Unstarted) -> u8 {
    let Unstarted { stage, failure } = *unstarted;
    let code = match stage {
        Stage::Exec => failure.exit_code(),
        _ => failure_code(config),
    };
    if config.report_fd.is_some() {
        report(config, Report::Failed { stage, errno: failure.errno, code });
        return code;
    }
    let mut text = Text::new();
    text.str(config.personality.name()).str(": ");
    match stage {
        Stage::Fork => text.str("cannot make a process"),
        _ => text.push(arguments.get(config.command).map_or(b"", |name| name.to_bytes())),
    };
    text.str(": ");
    if failure.found && failure.errno == Errno::ENOENT.0 {
        text.str("its interpreter or loader is missing");
    } else {
        log::error(&mut text, failure.errno);
    }
    log::line(&mut text);
    code
}

fn complain(config: &Config, problem: Problem<'_>) {
    let mut text = Text::new();
    text.str(config.personality.name()).str(": ");
    match problem {
        Problem::Unknown(option) => text.str("unknown option ").push(option),
        Problem::NoValue(option) => text.push(option).str(" needs a value"),
        Problem::Value(option) => text.push(option).str(": the option takes no value"),
        Problem::Wrong(option, value) => text.push(option).str(": not a value: ").push(value),
    };
    log::line(&mut text);
}

fn usage(config: &Config) {
    let name = config.personality.name();
    log::line(Text::new().str("usage: ").str(name).str(" [OPTION…] [--] PROGRAM [ARGUMENT…]"));
}

fn print(config: &Config, show: Show) -> i32 {
    let name = config.personality.name();
    let mut text = Text::new();
    match show {
        Show::Version => text.str(name).str(" ").str(env!("CARGO_PKG_VERSION")).str("\n"),
        Show::Help => text.str("usage: ").str(name).str(" [OPTION…] [--] PROGRAM [ARGUMENT…]\n"),
        Show::License => text.str("MIT OR Apache-2.0\n"),
    };
    let _ = sys::write(1, text.as_bytes());
    0
}

struct Init<'a> {
    config: &'a Config,
    workload: Workload,
    terminal: Option<Terminal>,
    place: Place,
}

/// How many children are reaped in one go before signals get their turn.
const BATCH: usize = 256;

impl Init<'_> {
    /// Lets go of what was inherited: whoever waits for the end of a pipe, or wants to unmount
    /// what the working directory is on, waits for the workload only.
    fn settle(&self) {
        let keeps_terminal = self.terminal.filter(|_| self.suspends());
        let mut kept = [
            self.config.report_fd.unwrap_or(-1),
            keeps_terminal.map_or(-1, |terminal| terminal.fd),
            if self.config.verbosity > 1 { 2 } else { -1 },
        ];
        kept.sort_unstable();
        let mut first = 0;
        for fd in kept {
            if fd >= first {
                close_range(first, fd - 1);
                first = fd + 1;
            }
        }
        close_range(first, i32::MAX);
        let _ = sys::chdir(c"/");
    }

    /// Whether a shell may be above that does job control with us.
    fn suspends(&self) -> bool {
        self.terminal.is_some() && self.place.pid != 1 && !self.place.session_leader
    }

    fn supervise(&self) -> u8 {
        // Whether SIGCHLD was the last one: then the others are asked for first. It has a lower
        // number than the real-time signals, which never arrived while children kept dying.
        let mut others_first = false;
        let mut more = false;
        loop {
            let set = if others_first { SigSet::ALL.without(signal::CHLD) } else { SigSet::ALL };
            let timeout = (others_first || more).then_some(0);
            let taken = sys::rt_sigtimedwait(set, timeout);
            let reap = match &taken {
                Ok(info) => {
                    self.take(info);
                    info.signo == signal::CHLD
                }
                Err(_) => more && !others_first,
            };
            others_first = reap || (others_first && taken.is_ok());
            if reap {
                match self.reap() {
                    Reaped::Exit(code) => return code,
                    Reaped::All => more = false,
                    Reaped::Batch => more = true,
                }
            }
        }
    }

    fn take(&self, info: &SigInfo) {
        match signals::route(info, &self.place) {
            Route::Drop => {}
            Route::Kill => self.kill(info.signo),
            Route::Queue => {
                let queued = match self.config.to {
                    Target::Child => sys::rt_sigqueueinfo(self.workload.pid, info.signo, info),
                    Target::Group => Err(Errno::EINVAL),
                };
                // Its queue may be full, and a group has none: then without the payload.
                if queued.is_err() {
                    self.kill(info.signo);
                }
            }
        }
    }

    fn kill(&self, signo: i32) {
        let pid = self.workload.pid;
        if signo == signal::CONT {
            self.hand_terminal_over();
        }
        // All of a stopped group has to be continued.
        let group = self.config.to == Target::Group || signo == signal::CONT;
        // A workload in our group may have made one of its own since.
        if !(group && sys::kill(-pid, signo).is_ok()) {
            // It may be another user's by now, or just gone: no reason to end.
            let _ = sys::kill(pid, signo);
        }
    }

    /// A shell that continues us in the foreground has given the terminal to our group.
    fn hand_terminal_over(&self) {
        if let Some(terminal) = self.terminal.filter(Terminal::is_ours)
            && self.workload.has_terminal
        {
            terminal.give(self.workload.pid);
        }
    }

    fn reap(&self) -> Reaped {
        for _ in 0..BATCH {
            match sys::wait4(None) {
                Ok(Some(waited)) if waited.pid == self.workload.pid => {
                    if let Some(code) = self.workload_changed(Outcome::of(waited.status)) {
                        return Reaped::Exit(code);
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => return Reaped::All,
                // Somebody else has reaped our child; there is nothing left to wait for.
                Err(Errno::ECHILD) => return Reaped::Exit(failure_code(self.config)),
                Err(_) => return Reaped::All,
            }
        }
        Reaped::Batch
    }

    fn workload_changed(&self, outcome: Outcome) -> Option<u8> {
        report(
            self.config,
            match outcome {
                Outcome::Exited(code) => Report::Exited { code },
                Outcome::Signaled { signal, core } => Report::Signaled { signal, core },
                Outcome::Stopped(signal) => Report::Stopped { signal },
                Outcome::Continued => Report::Continued,
            },
        );
        if let Outcome::Stopped(signal) = outcome
            && matches!(i32::from(signal), signal::TSTP | signal::TTIN | signal::TTOU)
            && self.suspends()
        {
            terminal::suspend();
        }
        let code = outcome.exit_code()?;
        if self.workload.has_terminal
            && let Some(terminal) = self.terminal
        {
            // A script goes on after us, in our group.
            terminal.give(sys::getpgrp());
        }
        self.config.exit_codes.get(usize::from(code)).copied()
    }
}

enum Reaped {
    /// There may be more to reap.
    Batch,
    /// There is nothing more now.
    All,
    /// The workload has ended.
    Exit(u8),
}

fn close_range(first: i32, last: i32) {
    if first <= last && sys::close_range(first, last).is_err() {
        // Before Linux 5.9, or where it is denied: the usual limit.
        for fd in first..=last.min(1023) {
            sys::close(fd);
        }
    }
}
