//! What there is to choose from: tables of ours, and what is found on this machine. Nothing is made
//! or changed by looking, and what cannot be read has no candidates.

use std::fs;

use nix::sys::signal::Signal;
use nsshim::spec::Kind;

use super::Candidate;
use crate::cli::ns::column_names;
use crate::containers::{Container, Containers, Status};
use crate::scan::{Found, Places};
use crate::{doctor, resolve};

fn words<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Candidate> {
    names.into_iter().map(|name| Candidate::new(name, "")).collect()
}

/// Those for which the verb does something.
pub fn containers(verb: &str) -> Vec<Candidate> {
    use Status::{Dead, Exited, Paused, Restarting, Running, Starting};
    let fits: &[Status] = match verb {
        "start" => &[Exited, Dead],
        "unpause" => &[Paused],
        "attach" | "can" | "diff" | "enter" | "exec" | "pause" | "show" | "stats" | "top" => {
            &[Running]
        }
        "kill" | "stop" => &[Starting, Running, Paused, Restarting],
        _ => &[Starting, Running, Paused, Restarting, Exited, Dead],
    };
    let all = existing().into_iter().filter(|one| fits.contains(&one.state.status));
    all.map(|one| {
        let about = format!("{}, {}", one.state.status.word(), one.about.command.join(" "));
        Candidate::new(one.about.name, about)
    })
    .collect()
}

/// Those that run, whatever the verb.
pub fn running(_: &str) -> Vec<Candidate> {
    containers("exec")
}

fn existing() -> Vec<Container> {
    Containers::existing().and_then(|all| all.all().ok()).unwrap_or_default()
}

/// Processes, by number.
pub fn processes(_: &str) -> Vec<Candidate> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut pids: Vec<u32> = pids.collect();
    pids.sort_unstable();
    let command = |pid: &u32| {
        let command = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        command.trim_end().to_string()
    };
    pids.iter().map(|pid| Candidate::new(pid.to_string(), command(pid))).collect()
}

/// Namespaces of processes, by number.
pub fn namespaces(_: &str) -> Vec<Candidate> {
    let found = Found::look(Places { all: false, relations: false }).unwrap_or_default();
    let all = found.namespaces.values();
    all.map(|one| {
        let about = format!("{}, {} processes", one.kind.file(), one.processes);
        Candidate::new(one.id.to_string(), about)
    })
    .collect()
}

/// Kinds of namespaces.
pub fn kinds(_: &str) -> Vec<Candidate> {
    Kind::ALL.iter().map(|kind| Candidate::new(kind.file(), kind.words())).collect()
}

/// Columns of `ns ls`.
pub fn columns(_: &str) -> Vec<Candidate> {
    words(column_names())
}

/// Capabilities, as docker writes them.
pub fn capabilities(_: &str) -> Vec<Candidate> {
    let mut names: Vec<String> = caps::all().iter().map(ToString::to_string).collect();
    names.sort_unstable();
    words(names.iter().map(|name| name.trim_start_matches("CAP_")))
}

/// Signals with names.
pub fn signals(_: &str) -> Vec<Candidate> {
    words(Signal::iterator().map(|signal| signal.as_str().trim_start_matches("SIG")))
}

/// What `ps` says of containers.
pub fn statuses(_: &str) -> Vec<Candidate> {
    words(Status::ALL.iter().map(|status| status.word()))
}

/// Names of resource limits.
pub fn limits(_: &str) -> Vec<Candidate> {
    words(resolve::limit_names())
}

/// What `doctor` tries.
pub fn checks(_: &str) -> Vec<Candidate> {
    doctor::words().into_iter().map(|(name, what)| Candidate::new(name, what)).collect()
}

/// Variables of the caller.
pub fn variables(_: &str) -> Vec<Candidate> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.map(|name| Candidate::new(name, "")).collect()
}

/// Names in /etc/passwd.
pub fn users(_: &str) -> Vec<Candidate> {
    first_fields("/etc/passwd")
}

/// Names in /etc/group.
pub fn groups(_: &str) -> Vec<Candidate> {
    first_fields("/etc/group")
}

fn first_fields(file: &str) -> Vec<Candidate> {
    let text = fs::read_to_string(file).unwrap_or_default();
    words(text.lines().filter_map(|line| Some(line.split_once(':')?.0)))
}
