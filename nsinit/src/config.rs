//! What this run of nsinit is to do: the options, resolved.

#![forbid(unsafe_code)]

use crate::sys::SigSet;
use core::ffi::CStr;

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

impl Personality {
    /// From `argv[0]`: what is behind the last slash.
    pub fn of(name: &[u8]) -> Personality {
        match name.rsplit(|byte| *byte == b'/').next().unwrap_or(&[]) {
            b"tini" | b"tini-static" | b"docker-init" => Personality::Tini,
            b"dumb-init" => Personality::DumbInit,
            b"catatonit" => Personality::Catatonit,
            _ => Personality::Nsinit,
        }
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

/// The options, resolved.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose defaults these are.
    pub personality: Personality,
    /// Print this and exit.
    pub show: Option<Show>,
    /// Index of the workload's name in the arguments.
    pub command: usize,
    /// 0 errors only, 1 warnings, 2 what is done, 3 every signal.
    pub verbosity: u8,
    /// Tell of every orphan that is reaped.
    pub warn_reaped: bool,
    /// Who gets the signals.
    pub to: Target,
    /// Where the workload is put.
    pub group: Group,
    /// The signal that nsinit wants when its parent dies.
    pub parent_death: Option<i32>,
    /// Whether the workload is to be killed when nsinit is.
    pub pdeathsig: bool,
    /// What nsinit exits with for each exit code of the workload.
    pub exit_codes: [u8; 256],
    /// The signal mask of the workload, if not the one that nsinit was started with.
    pub mask: Option<SigSet>,
    /// Where reports go.
    pub report_fd: Option<i32>,
    /// What the workload is told that it is called.
    pub argv0: Option<&'static CStr>,
    /// Whether options in the environment count.
    pub environment: bool,
}

impl Config {
    /// The defaults of `personality`.
    pub fn new(personality: Personality) -> Config {
        let mut exit_codes = [0; 256];
        for (code, entry) in (0..=u8::MAX).zip(&mut exit_codes) {
            *entry = code;
        }
        let dumb_init = personality == Personality::DumbInit;
        Config {
            personality,
            show: None,
            command: 0,
            verbosity: 1,
            warn_reaped: false,
            to: if dumb_init { Target::Group } else { Target::Child },
            group: if dumb_init { Group::Session } else { Group::Foreground },
            parent_death: None,
            pdeathsig: false,
            exit_codes,
            mask: None,
            report_fd: None,
            argv0: None,
            environment: true,
        }
    }
}
