//! `nsctl ps`: the containers, as a table, as JSON, or as a template says.

use serde_json::{Value, json};

mod fields;
mod filter;

use super::{print, say};
use crate::args::PsArgs;
use crate::containers::{Container, Containers, Status};
use crate::error::Error;
use crate::output::{Table, ago};
use crate::template::{Template, plain};
use fields::{FIELDS, command, status};
use filter::Filter;

/// Prints them.
pub fn ps(args: &PsArgs) -> Result<i32, Error> {
    let filters =
        args.filter.iter().map(|text| Filter::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let template = Template::asked(args.format.as_deref())?;
    template.iter().try_for_each(|template| template.check(FIELDS))?;
    let last = if args.latest { Some(1) } else { args.last };
    let all = args.all || last.is_some() || filters.iter().any(Filter::asks_for_status);
    let ended =
        |container: &Container| matches!(container.state.status, Status::Exited | Status::Dead);
    let mut found = Containers::open()?.all()?;
    found.retain(|container| all || !ended(container));
    found.retain(|container| filters.iter().all(|filter| filter.lets(container)));
    // The newest first, as docker has them.
    found.reverse();
    found.truncate(last.unwrap_or(usize::MAX));
    if let Some(template) = template {
        print(&template.lines(&found, FIELDS))?;
    } else if args.json {
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
    } else if args.ns {
        table_of_namespaces(&found, args.no_trunc);
    } else {
        table(&found, args.no_trunc);
    }
    Ok(0)
}

/// Numbers from both sides, and the namespaces.
fn table_of_namespaces(found: &[Container], whole: bool) {
    let names = ["ID", "Name", "PID", "PidInside"].into_iter();
    let names =
        names.chain(["UserNs", "MntNs", "PidNs", "NetNs", "IpcNs", "UtsNs", "CgroupNs", "TimeNs"]);
    let columns: Vec<_> =
        names.filter_map(|name| FIELDS.iter().find(|field| field.name == name)).collect();
    let titles: Vec<&str> = columns.iter().map(|field| field.title).collect();
    let mut table = Table::new(&titles);
    for container in found {
        let mut row: Vec<String> =
            columns.iter().map(|field| plain(&(field.value)(container))).collect();
        row[0].truncate(if whole { 64 } else { 12 });
        table.row(row);
    }
    say(table.text(!whole).trim_end());
}

fn table(found: &[Container], whole: bool) {
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
