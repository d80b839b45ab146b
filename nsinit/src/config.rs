//! What this run of nsinit is to do: the options, resolved.

#![forbid(unsafe_code)]

use crate::exit::Codes;
use crate::options::Problem;
use crate::signals::Rewrites;
use crate::sys::SigSet;
use crate::text::{Word, pick};

/// The init whose name nsinit was called by, and whose defaults it therefore has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Personality {
    /// Its own.
    Nsinit,
    /// tini, also as docker-init.
    Tini,
    /// dumb-init.
    DumbInit,
    /// catatonit.
    Catatonit,
}

static NAMES: [(Word, Personality); 5] = [
    (Word::new("tini"), Personality::Tini),
    (Word::new("tini-static"), Personality::Tini),
    (Word::new("docker-init"), Personality::Tini),
    (Word::new("dumb-init"), Personality::DumbInit),
    (Word::new("catatonit"), Personality::Catatonit),
];

/// The names of other inits whose defaults nsinit takes when it is called by them.
#[cfg(not(freestanding))]
pub fn other_names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| name.as_str())
}

impl Personality {
    /// From `argv[0]`: what is behind the last slash.
    pub fn of(name: &[u8]) -> Personality {
        let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or(&[]);
        pick(&NAMES, name).unwrap_or(Personality::Nsinit)
    }

    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Personality::Nsinit => "nsinit",
            Personality::Tini => "tini",
            Personality::DumbInit => "dumb-init",
            Personality::Catatonit => "catatonit",
        }
    }

    /// What the init exits with when the failure is its own.
    pub fn failure_code(self) -> u8 {
        match self {
            Personality::Nsinit => 125,
            _ => 1,
        }
    }
}

/// Where the workload is put among sessions and process groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Into nsinit's own group.
    Keep,
    /// Into a group of its own.
    Own,
    /// Into a group of its own, which gets the controlling terminal if nsinit's group has it.
    Foreground,
    /// Into a session of its own, which gets the terminal on descriptor 0.
    Session,
}

/// Who gets the signals that nsinit is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The workload's process.
    Child,
    /// Its process group.
    Group,
    /// Everything that runs under nsinit.
    All,
}

/// What to print instead of running anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// `--help`.
    Help,
    /// `--version`.
    Version,
    /// `--license`.
    License,
}

/// Who the workload is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// Real, effective and saved user id.
    pub uid: u32,
    /// Real, effective and saved group id.
    pub gid: u32,
}

/// The options, resolved.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose defaults these are.
    pub personality: Personality,
    /// Print this and exit.
    pub show: Option<Show>,
    /// Run nothing, wait for TERM or INT.
    pub pause: bool,
    /// Index of the workload's name in the arguments.
    pub command: usize,
    /// 0 errors only, 1 warnings, 2 what is done, 3 every signal.
    pub verbosity: u8,
    /// Tell of every orphan that is reaped.
    pub warn_reaped: bool,
    /// Who gets the signals.
    pub to: Target,
    /// Which signals are passed on as others.
    pub rewrites: Rewrites,
    /// Where the workload is put.
    pub group: Group,
    /// The signal that nsinit wants when its parent dies.
    pub parent_death: Option<i32>,
    /// Whether the workload is to be killed when nsinit is, even if nsinit is PID 1.
    pub pdeathsig: bool,
    /// Whether all that runs under nsinit is to be killed when its parent dies.
    pub die_with_parent: bool,
    /// Where 1 is written then: cgroup.kill of the control group that all is in.
    pub kill_fd: Option<i32>,
    /// What nsinit exits with for each exit code of the workload.
    pub exit_codes: Codes,
    /// How long a signal to stop is held back.
    pub delay_ms: Option<u64>,
    /// How long what is told to stop has, before it is killed.
    pub grace_ms: Option<u64>,
    /// How long the workload may run.
    pub timeout_ms: Option<u64>,
    /// Outlive the workload until nothing is left.
    pub wait_all: bool,
    /// The workload's working directory.
    pub chdir: Option<&'static [u8]>,
    /// Who the workload is to be.
    pub user: Option<User>,
    /// What the workload is told that it is called.
    pub argv0: Option<&'static [u8]>,
    /// The signal mask of the workload, if not the one that nsinit was started with.
    pub mask: Option<SigSet>,
    /// The system-call filter of the workload ([`crate::sys::seccomp`]), 0 for none.
    pub filter: u64,
    /// Whether nsinit was held on one processor until now, and the workload is not to be.
    pub all_cpus: bool,
    /// Where reports go.
    pub report_fd: Option<i32>,
    /// Where status lines go.
    pub status_fd: Option<i32>,
    /// Whether options in the environment count.
    pub environment: bool,
    /// Why the options cannot be used.
    pub problem: Option<Problem>,
}

impl Config {
    /// The defaults of `personality`.
    pub fn new(personality: Personality) -> Config {
        let dumb_init = personality == Personality::DumbInit;
        Config {
            personality,
            show: None,
            pause: false,
            command: 0,
            verbosity: 1,
            warn_reaped: false,
            to: if dumb_init { Target::Group } else { Target::Child },
            rewrites: Rewrites::new(),
            group: if dumb_init { Group::Session } else { Group::Foreground },
            parent_death: None,
            pdeathsig: false,
            die_with_parent: false,
            kill_fd: None,
            exit_codes: Codes::new(),
            delay_ms: None,
            grace_ms: None,
            timeout_ms: None,
            wait_all: false,
            chdir: None,
            user: None,
            argv0: None,
            mask: None,
            filter: 0,
            all_cpus: false,
            report_fd: None,
            status_fd: None,
            environment: true,
            problem: None,
        }
    }

    /// Single-child mode, as dumb-init has it: no session, and signals for the child alone.
    pub fn single_child(&mut self) {
        self.to = Target::Child;
        if self.group == Group::Session {
            self.group = Group::Foreground;
        }
    }

    /// Whether anything may be written to descriptor 2 while the workload runs.
    pub fn logs(&self) -> bool {
        self.verbosity > 1
            || self.warn_reaped
            || self.grace_ms.is_some()
            || self.timeout_ms.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_it_is_called_by_decides_whose_defaults_it_has() {
        for (name, expected) in [
            ("nsinit", Personality::Nsinit),
            ("/sbin/nsinit", Personality::Nsinit),
            ("", Personality::Nsinit),
            ("memfd:x", Personality::Nsinit),
            ("/usr/bin/tini", Personality::Tini),
            ("tini-static", Personality::Tini),
            ("/sbin/docker-init", Personality::Tini),
            ("/usr/bin/dumb-init", Personality::DumbInit),
            ("./catatonit", Personality::Catatonit),
            ("/tini/sh", Personality::Nsinit),
        ] {
            assert_eq!(Personality::of(name.as_bytes()), expected, "{name}");
        }
    }
}
