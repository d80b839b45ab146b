//! What is printed instead of running anything.

#![forbid(unsafe_code)]

use crate::config::{Config, Personality, Show};
use crate::log;
use crate::options::Problem;
use crate::sys;
use crate::text::Text;

const HELP: &str = "\
Runs PROGRAM as the only child of an init: forwards signals to it, reaps what it
leaves behind, and exits as it did (128+n if signal n killed it).

  -g, --group            signals go to PROGRAM's process group (--to group)
      --to WHOM          signals go to: child (default), group, all
  -r, --rewrite S:R      pass signal S on as R; 0: not at all
  -e, --exit A[-B][:C]   exit with C (default 0) when PROGRAM exits with A to B
  -p, --parent-death S   get signal S when the parent dies
      --grace SEC        when told to stop, and when PROGRAM has ended: SEC for all
                         that is left, then kill it and tell whom
      --delay SEC        hold the first TERM, INT or QUIT back for SEC
      --timeout SEC      stop PROGRAM after SEC, exit with 124
      --wait-all         stay until nothing is left
      --chdir DIR        start PROGRAM in DIR
      --user UID[:GID]   start PROGRAM as this user
      --argv0 NAME       tell PROGRAM that this is its name
      --pgroup HOW       PROGRAM's process group: foreground (default: its own, with
                         the terminal), own, keep, session
  -c, --single-child     as dumb-init: no session, signals to the child only
  -s, --subreaper        (always tried where it is not PID 1)
      --pdeathsig        kill PROGRAM when the init is killed (not PID 1: always)
  -P, --pause            no PROGRAM: reap until TERM or INT
  -v, --verbose          tell more; again: every signal
  -w, --warn-reaped      tell of every orphan
      --status-fd FD     write what happens to FD, as lines of JSON
      --report-fd FD     the same as binary records
      --mask HEX         PROGRAM's signal mask
      --all-cpus         run PROGRAM and the init on every processor they may use
      --no-env           no options from the environment
  -h, --help  -V, --version  -l, -L, --license

Options end at the first word that is none, or behind --. More of them may be in
NSINIT_OPTIONS. Called as tini, dumb-init or catatonit it has their defaults.
Exit codes of its own: 125 (as those: 1), 126 not executable, 127 not found.
";

const LICENSE: &str = "nsinit is licensed under the MIT license or the Apache License, \
                       Version 2.0, at your option.\n";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Prints it on standard output.
pub fn print(config: &Config, show: Show) {
    let mut text = Text::new();
    match show {
        Show::Help => {
            usage(&mut text, config);
            out(text.str("\n\n").as_bytes());
            out(HELP.as_bytes());
        }
        Show::Version => {
            match config.personality {
                Personality::Nsinit => text.str("nsinit ").str(VERSION),
                Personality::DumbInit => text.str("dumb-init v").str(VERSION).str(" (nsinit)"),
                // docker and podman look for these words.
                Personality::Tini | Personality::Catatonit => {
                    text.str("tini version ").str(VERSION).str("_nsinit")
                }
            };
            out(text.str("\n").as_bytes());
        }
        Show::License => out(LICENSE.as_bytes()),
    }
}

/// There is nothing to run.
pub fn no_program(config: &Config) {
    log::line(config, &|text| {
        text.str("no program given; ");
        usage(text, config);
    });
}

/// The options cannot be used.
pub fn complain(config: &Config, problem: Problem) {
    log::line(config, &|text| {
        match problem {
            Problem::Unknown(option) => text.str("not an option: ").push(option),
            Problem::NoValue(option) => text.push(option).str(" needs a value"),
            Problem::Value(option) => text.push(option).str(" takes no value"),
            Problem::Wrong(option, value) => text.push(option).str(": bad value ").push(value),
        };
    });
}

fn usage(text: &mut Text, config: &Config) {
    text.str("usage: ").str(config.personality.name()).str(" [OPTION...] [--] PROGRAM [ARG...]");
}

fn out(mut bytes: &[u8]) {
    while let Ok(written @ 1..) = sys::write(1, bytes) {
        bytes = bytes.get(written..).unwrap_or(&[]);
    }
}
