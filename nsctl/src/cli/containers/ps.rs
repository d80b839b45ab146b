//! `nsctl ps`: the containers, as a table or as JSON.

use serde_json::{Value, json};

use super::say;
use crate::args::PsArgs;
use crate::containers::{Container, Containers, Status};
use crate::error::Error;
use crate::output::{Table, ago};

/// Prints them.
pub fn ps(args: &PsArgs) -> Result<i32, Error> {
    let filters =
        args.filter.iter().map(|text| Filter::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let asks_for_status = filters.iter().any(|filter| matches!(filter, Filter::Status(_)));
    let ended =
        |container: &Container| matches!(container.state.status, Status::Exited | Status::Dead);
    let mut found = Containers::open()?.all()?;
    found.retain(|container| args.all || asks_for_status || !ended(container));
    found.retain(|container| filters.iter().all(|filter| filter.lets(container)));
    // The newest first, as docker has them.
    found.reverse();
    if args.json {
        let all: Vec<Value> = found.iter().map(as_json).collect();
        say(&serde_json::to_string_pretty(&all).unwrap_or_default());
    } else if args.quiet {
        let id = |container: &Container| match args.no_trunc {
            true => container.id.clone(),
            false => container.short_id().to_string(),
        };
        let ids: Vec<String> = found.iter().map(id).collect();
        if !ids.is_empty() {
            say(&ids.join("\n"));
        }
    } else {
        print(&found, args.no_trunc);
    }
    Ok(0)
}

fn print(found: &[Container], whole: bool) {
    let pods = found.iter().any(|container| container.about.is_pod);
    let mut titles = vec!["ID", "NAME", "STATUS", "PID", "CREATED", "COMMAND"];
    if pods {
        titles.insert(2, "POD");
    }
    let mut table = Table::new(&titles);
    for container in found {
        let id = if whole { &container.id } else { container.short_id() };
        let mut row = vec![
            id.to_string(),
            container.about.name.clone(),
            status(container),
            container.state.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            ago(&container.about.created),
            command(container),
        ];
        if pods {
            row.insert(2, container.about.pod.clone());
        }
        table.row(row);
    }
    say(table.text(!whole).trim_end());
}

fn command(container: &Container) -> String {
    match container.about.is_pod {
        true => "(a pod)".into(),
        false => container.about.command.join(" "),
    }
}

fn status(container: &Container) -> String {
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

fn as_json(container: &Container) -> Value {
    let Container { id, about, state, .. } = container;
    json!({
        "id": id,
        "name": about.name,
        "status": state.status.word(),
        "pid": state.pid,
        "exit_status": state.exit_status,
        "signal": state.signal,
        "oom_killed": state.oom_killed,
        "restarts": state.restarts,
        "health": state.health,
        "created": about.created,
        "started": state.started,
        "finished": state.finished,
        "command": about.command,
        "labels": about.labels,
        "pod": (!about.pod.is_empty()).then_some(&about.pod),
        "is_pod": about.is_pod,
    })
}

/// docker's words.
const HEALTH: [&str; 4] = ["starting", "healthy", "unhealthy", "none"];

/// `--filter`
enum Filter {
    Name(String),
    Id(String),
    Status(String),
    Label(String),
    Health(String),
}

impl Filter {
    fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::new(format!("--filter {text}: no filter"))
                .try_this("name=TEXT, id=TEXT, status=STATUS, label=KEY[=VALUE] or health=STATUS")
        };
        let (key, value) = text.split_once('=').ok_or_else(wrong)?;
        Ok(match key {
            "name" => Filter::Name(value.into()),
            "id" => Filter::Id(value.into()),
            "status" => Filter::Status(value.into()),
            "label" => Filter::Label(value.into()),
            "health" if HEALTH.contains(&value) => Filter::Health(value.into()),
            "health" => {
                return Err(Error::new(format!("--filter {text}: no such health"))
                    .try_this(HEALTH.join(", ")));
            }
            _ => return Err(wrong()),
        })
    }

    fn lets(&self, container: &Container) -> bool {
        match self {
            Filter::Name(text) => container.about.name.contains(text.as_str()),
            Filter::Id(text) => container.id.starts_with(text.as_str()),
            Filter::Status(text) => container.state.status.word() == text,
            Filter::Health(text) => {
                container.state.health.as_deref().unwrap_or("none") == text.as_str()
            }
            Filter::Label(text) => container
                .about
                .labels
                .iter()
                .any(|label| label == text || label.split('=').next() == Some(text)),
        }
    }
}
