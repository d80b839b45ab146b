//! What `nsctl ps --format` can show, and how.

use std::fs;

use nsshim::spec::Kind;
use serde_json::{Value, json};

use crate::containers::{Container, Status};
use crate::output::ago;
use crate::scan::namespace_of;
use crate::template::Field;

type Of = Field<Container>;

const fn field(name: &'static str, title: &'static str, value: fn(&Container) -> Value) -> Of {
    Field { name, title, value }
}

/// The fields, docker's names where it has them.
pub(super) const FIELDS: &[Of] = &[
    field("ID", "ID", |one| one.short_id().into()),
    field("FullID", "ID", |one| one.id.clone().into()),
    field("Name", "NAME", |one| one.about.name.clone().into()),
    field("Names", "NAMES", |one| one.about.name.clone().into()),
    field("Command", "COMMAND", |one| command(one).into()),
    field("Status", "STATUS", |one| status(one).into()),
    field("State", "STATE", |one| one.state.status.word().into()),
    field("Health", "HEALTH", |one| json!(one.state.health)),
    field("PID", "PID", |one| json!(one.state.pid)),
    field("PidInside", "INSIDE", |one| json!(one.state.pid.and_then(inside))),
    field("ExitStatus", "EXIT", |one| json!(one.state.exit_status)),
    field("ExitCode", "EXIT", |one| json!(one.state.exit_status)),
    field("Signal", "SIGNAL", |one| json!(one.state.signal)),
    field("Restarts", "RESTARTS", |one| one.state.restarts.into()),
    field("RunningFor", "CREATED", |one| ago(&one.about.created).into()),
    field("CreatedAt", "CREATED AT", |one| one.about.created.clone().into()),
    field("StartedAt", "STARTED AT", |one| json!(one.state.started)),
    field("ExitedAt", "EXITED AT", |one| json!(one.state.finished)),
    field("Labels", "LABELS", |one| json!(one.about.labels)),
    field("Pod", "POD", |one| one.about.pod.clone().into()),
    field("UserNs", "USER", |one| namespace(one, Kind::User)),
    field("MntNs", "MNT", |one| namespace(one, Kind::Mnt)),
    field("PidNs", "PID NS", |one| namespace(one, Kind::Pid)),
    field("NetNs", "NET", |one| namespace(one, Kind::Net)),
    field("IpcNs", "IPC", |one| namespace(one, Kind::Ipc)),
    field("UtsNs", "UTS", |one| namespace(one, Kind::Uts)),
    field("CgroupNs", "CGROUP", |one| namespace(one, Kind::Cgroup)),
    field("TimeNs", "TIME", |one| namespace(one, Kind::Time)),
];

/// The number of its first process as its own pid namespace has it. proc_pid_status(5), NSpid
fn inside(pid: i32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    line.split_whitespace().last()?.parse().ok()
}

fn namespace(container: &Container, kind: Kind) -> Value {
    json!(container.state.pid.and_then(|pid| namespace_of(pid, kind)))
}

pub(super) fn command(container: &Container) -> String {
    match container.about.is_pod {
        true => "(a pod)".into(),
        false => container.about.command.join(" "),
    }
}

pub(super) fn status(container: &Container) -> String {
    let state = &container.state;
    let word = state.status.word();
    match (state.status, state.exit_status, &state.started, &state.finished) {
        (Status::Exited, Some(status), _, Some(finished)) => {
            let why = if state.oom_killed == Some(true) { ", out of memory" } else { "" };
            format!("{word} ({status}{why}) {}", ago(finished))
        }
        (Status::Running | Status::Paused, _, Some(started), _) => {
            let health = state.health.as_ref().map(|health| format!(" ({health})"));
            let time = ago(started);
            format!("{word} {}{}", time.trim_end_matches(" ago"), health.unwrap_or_default())
        }
        _ => word.into(),
    }
}
