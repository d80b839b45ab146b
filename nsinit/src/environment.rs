//! Options that come in the environment: docker's `--init` passes no flags.

#![forbid(unsafe_code)]

use crate::config::{Config, Personality, Target};
use crate::options::{self, Problem, Words};
use crate::sys::Strings;
use crate::text::parse_number;

/// Takes what the environment says into `config`: the variables of the init that nsinit stands
/// in for, then NSINIT_OPTIONS. The workload inherits them, as everything.
pub fn parse(config: &mut Config, environment: &Strings<'static>) {
    let variable = |name: &[u8]| environment.variable(name).map(|value| value.to_bytes());
    match config.personality {
        // TINI_SUBREAPER asks for what nsinit does anyway.
        Personality::Tini => {
            if let Some(level) = variable(b"TINI_VERBOSITY=") {
                match parse_number(level) {
                    Some(level) => config.verbosity = level.min(9) as u8,
                    None => config.problem = Some(Problem::Wrong(b"TINI_VERBOSITY", level)),
                }
            }
            // Whatever it says: tini only asks whether it is there.
            if variable(b"TINI_KILL_PROCESS_GROUP=").is_some() {
                config.to = Target::Group;
            }
        }
        Personality::DumbInit => {
            if variable(b"DUMB_INIT_DEBUG=") == Some(b"1") {
                config.verbosity = 3;
            }
            if variable(b"DUMB_INIT_SETSID=") == Some(b"0") {
                config.single_child();
            }
        }
        Personality::Nsinit | Personality::Catatonit => {}
    }
    if let Some(line) = variable(b"NSINIT_OPTIONS=") {
        options::parse(config, &mut Words::Line(line));
    }
}
