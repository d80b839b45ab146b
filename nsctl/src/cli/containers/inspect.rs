//! `nsctl inspect`: all that is known of containers, as JSON.

use std::collections::BTreeMap;

use nsshim::cgroup::{Group, Version};
use nsshim::spec::Kind;
use serde_json::{Value, json};

use super::{each, say};
use crate::args::InspectArgs;
use crate::containers::{Container, Containers, Request, State};
use crate::error::{self, Error};
use crate::scan::{Id, links_of};
use crate::template::Template;

/// Prints it.
pub fn inspect(args: &InspectArgs) -> Result<i32, Error> {
    if args.pid {
        return each(&args.names, |_, container| {
            let name = &container.about.name;
            let pid = container.state.pid.map(|pid| pid.to_string());
            pid.ok_or_else(|| Error::new(format!("{name} is not running")))
        });
    }
    let template = args.format.as_deref().map(Template::parse).transpose()?;
    if let Some(template) = template {
        return each(&args.names, |_, container| template.line_of(&describe(&container)));
    }
    let containers = Containers::open()?;
    let mut status = 0;
    let mut all = Vec::new();
    for name in &args.names.containers {
        match containers.find(name) {
            Ok(container) => all.push(describe(&container)),
            Err(error) => status = error::report(&error),
        }
    }
    say(&serde_json::to_string_pretty(&all).unwrap_or_default());
    Ok(status)
}

fn describe(container: &Container) -> Value {
    let Container { id, path, about, state } = container;
    let text = |word: &std::ffi::OsString| word.to_string_lossy().into_owned();
    let request = Request::read(path);
    let groups = container.groups();
    let texts = |list: &[std::ffi::OsString]| list.iter().map(text).collect::<Vec<_>>();
    json!({
        "id": id,
        "name": about.name,
        "created": about.created,
        "command": about.command,
        "pod": (!about.pod.is_empty()).then_some(&about.pod),
        "is_pod": about.is_pod,
        "state": {
            "status": state.status.word(),
            "pid": state.pid,
            "shim": state.shim,
            "exit_status": state.exit_status,
            "signal": state.signal,
            "started": state.started,
            "finished": state.finished,
            "restarts": state.restarts,
            "log_lost": state.log_lost,
            "paused_by": state.paused_by,
            "oom_killed": state.oom_killed.or_else(|| oom_killed(&groups)),
            "health": state.health,
            "health_checks": about.health_cmd.as_ref().and_then(|_| State::checks(path)),
            "usage": state.usage,
        },
        "cgroups": groups.iter().map(cgroup).collect::<Vec<_>>(),
        "namespaces": state.pid.map(namespaces),
        "config": {
            "tty": about.tty,
            "interactive": about.interactive,
            "stop_signal": about.stop_signal,
            "stop_timeout": about.stop_timeout,
            "labels": about.labels,
            "restart": about.restart,
            "log_driver": about.log_driver,
            "log_max_size": about.log_limits.max_size,
            "log_max_files": about.log_limits.max_files,
            "rm": about.rm,
            "health_cmd": about.health_cmd,
            "environment": request.as_ref().map(|request| texts(&request.environment)),
            "arguments": request.as_ref().map(|request| texts(&request.arguments)),
        },
        "directory": path,
        "log": path.join("log"),
    })
}

/// Until now, of one that runs.
fn oom_killed(groups: &[Group]) -> Option<bool> {
    groups.iter().find_map(Group::oom_kills).map(|kills| kills > 0)
}

fn cgroup(group: &Group) -> Value {
    match group.version {
        Version::V1 => {
            json!({"path": group.path(), "version": 1, "controllers": group.controllers})
        }
        Version::V2 => json!({"path": group.path(), "version": 2}),
    }
}

/// The ids of its namespaces.
fn namespaces(pid: i32) -> BTreeMap<&'static str, Option<Id>> {
    let links = links_of(pid).unwrap_or_default();
    let id = |kind: Kind| Some(links[kind as usize]).filter(|&id| id != 0);
    Kind::ALL.into_iter().map(|kind| (kind.file(), id(kind))).collect()
}
