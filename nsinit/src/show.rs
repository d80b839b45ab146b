//! What is printed instead of running anything.

#![forbid(unsafe_code)]

use crate::config::{Config, Personality, Show};
use crate::log;
use crate::options::Problem;
use crate::sys;
use crate::text::Text;

const HELP: &str = "\
Runs PROGRAM as the only child of an init: forwards signals, reaps orphans, and
exits as PROGRAM did (128+N if signal N killed it).

  -g, --group            send signals to PROGRAM's process group (--to group)
      --to WHOM          send signals to child (default), group or all
  -r, --rewrite S:R      pass signal S on as R, or not at all (0)
  -e, --exit A[-B][:C]   exit with C (0) when PROGRAM exits with A to B
  -p, --parent-death S   get signal S when the parent dies
      --grace SEC        who does not end when told to is killed after SEC; when
                         PROGRAM ends, what is left is told to
      --delay SEC        hold the first TERM, INT or QUIT back
      --timeout SEC      stop PROGRAM after SEC and exit with 124
      --wait-all         stay until nothing is left
      --chdir DIR        start PROGRAM in DIR
      --user UID[:GID]   start PROGRAM as this user
      --argv0 NAME       tell PROGRAM that it is called NAME
      --pgroup HOW       PROGRAM's group: foreground (default: own, and gets the
                         terminal), own, keep, session
  -c, --single-child     no session, signals to the child
  -s, --subreaper        (always, where it is not PID 1)
      --pdeathsig        kill PROGRAM with the init (always, where not PID 1)
      --die-with-parent  kill all that runs when the parent dies
      --kill-fd FD       ... by writing 1 to FD, a cgroup.kill
  -P, --pause            no PROGRAM: reap until TERM or INT
  -v, --verbose          tell more; twice: every signal
  -w, --warn-reaped      tell of orphans
      --status-fd FD     write what happens to FD as JSON lines
      --report-fd FD     ... as binary records
      --mask HEX         PROGRAM's signal mask
      --filter HEX       PROGRAM's seccomp filter, in nsinit's memory
      --all-cpus         use every processor, whatever the mask is now
      --no-env           no options from the environment
  -h, --help  -V, --version  -l, -L, --license

Options end at the first other word or --. More may be in NSINIT_OPTIONS.
Called as tini, dumb-init or catatonit it has their defaults. Its own exit
codes: 125 (as those: 1), 126 not executable, 127 not found.
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
