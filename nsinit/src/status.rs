//! What happens, for programs: one line of JSON each on `--status-fd`.

#![forbid(unsafe_code)]

use crate::config::Config;
use crate::reap::Outcome;
use crate::report::Stage;
use crate::signals;
use crate::sys::{self, Rusage};
use crate::text::Text;

/// The workload runs.
pub fn started(config: &Config, pid: i32) {
    send(config, "started", &|line| number(line, "pid", pid.into()));
}

/// There is no workload, and nsinit exits with `code`.
pub fn failed(config: &Config, stage: Stage, errno: i32, code: u8) {
    send(config, "failed", &|line| {
        string(line, "stage", stage.name());
        number(line, "errno", errno.into());
        number(line, "code", code.into());
    });
}

/// A signal was passed on, to a process, a group (`-pgid`) or all (`-1`).
pub fn signalled(config: &Config, signal: i32, to: i32) {
    send(config, "signalled", &|line| {
        signal_fields(line, signal);
        number(line, "to", to.into());
    });
}

/// An orphan has ended.
pub fn reaped(config: &Config, pid: i32, outcome: Outcome) {
    send(config, "reaped", &|line| {
        number(line, "pid", pid.into());
        outcome_fields(line, outcome);
    });
}

/// The workload was stopped or goes on, or has ended, having used so much.
pub fn changed(config: &Config, pid: i32, outcome: Outcome, rusage: &Rusage) {
    let event = match outcome {
        Outcome::Stopped(_) => "stopped",
        Outcome::Continued => "continued",
        Outcome::Exited(_) | Outcome::Signaled { .. } => "exited",
    };
    send(config, event, &|line| {
        number(line, "pid", pid.into());
        outcome_fields(line, outcome);
        if outcome.exit_code().is_some() {
            seconds(line, "user", rusage.user);
            seconds(line, "system", rusage.system);
            number(line, "maxrss_kib", rusage.maxrss_kib);
        }
    });
}

fn outcome_fields(line: &mut Text, outcome: Outcome) {
    match outcome {
        Outcome::Exited(code) => number(line, "code", code.into()),
        Outcome::Signaled { signal, core } => {
            signal_fields(line, signal.into());
            line.str(",\"core\":").str(if core { "true" } else { "false" });
        }
        Outcome::Stopped(signal) => signal_fields(line, signal.into()),
        Outcome::Continued => {}
    }
}

fn signal_fields(line: &mut Text, signal: i32) {
    number(line, "signal", signal.into());
    line.str(",\"name\":\"");
    signals::push_name(line, signal);
    line.str("\"");
}

fn number(line: &mut Text, name: &str, value: i64) {
    line.str(",\"").str(name).str("\":").number(value);
}

fn string(line: &mut Text, name: &str, value: &str) {
    line.str(",\"").str(name).str("\":\"").str(value).str("\"");
}

fn seconds(line: &mut Text, name: &str, [seconds, microseconds]: [i64; 2]) {
    line.str(",\"").str(name).str("\":").number(seconds);
    line.str(".").digits(microseconds.unsigned_abs(), 6);
}

fn send(config: &Config, event: &str, fill: &dyn Fn(&mut Text)) {
    let Some(fd) = config.status_fd else { return };
    let mut line = Text::new();
    line.str("{\"event\":\"").str(event).str("\"");
    fill(&mut line);
    line.str("}\n");
    // Whoever does not read what it asked for loses it; an init does not wait.
    if sys::writable(fd) {
        let _ = sys::write(fd, line.as_bytes());
    }
}
