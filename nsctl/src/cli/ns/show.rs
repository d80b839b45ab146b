//! `nsctl ns show`: all about one process's namespaces, or about one namespace.

use nsshim::spec::Kind;
use serde_json::{Map, Value, json};

use super::columns::{Cell, Cells, Column, held};
use super::{print, print_json, say_unread};
use crate::args::ShowArgs;
use crate::error::Error;
use crate::output::{Table, harmless_text};
use crate::scan::{self, Found, Namespace, Places, Sight, Target, unreadable};
use crate::template::Template;

/// Prints it.
pub fn show(args: &ShowArgs) -> Result<i32, Error> {
    let target = Target::find(&args.target)?;
    let mut found = Found::look(Places { all: true, relations: true })?;
    if let Target::Namespace(one) = &target {
        found.forget_ours(one);
    }
    let cells = Cells::new(&found)?;
    let value = match &target {
        Target::Process(process) => of_process(process.pid, &found, &cells)?,
        Target::Namespace(one) => {
            let namespace = found.namespaces.get(&one.id).ok_or_else(|| {
                Error::new(format!("the namespace {} ended meanwhile", args.target))
            })?;
            of_namespace(namespace, &found, &cells)
        }
    };
    if let Target::Process(process) = &target {
        process.check()?;
    }
    if let Some(template) = &args.format {
        print(&format!("{}\n", Template::parse(template)?.line_of(&value)?));
        return Ok(0);
    }
    match args.json {
        true => print_json(&value),
        false => {
            print(&text(&value));
            say_unread(found.unread);
        }
    }
    Ok(0)
}

fn of_process(pid: i32, found: &Found, cells: &Cells<'_>) -> Result<Value, Error> {
    let links = scan::links_of(pid).map_err(|errno| unreadable(pid, errno))?;
    let own = scan::links_of(std::process::id() as i32).unwrap_or_default();
    let facts = cells.facts();
    let sight = Sight::of(facts, pid);
    let namespaces: Vec<Value> = Kind::ALL
        .into_iter()
        .filter_map(|kind| found.namespaces.get(&links[kind as usize]))
        .map(|namespace| {
            let cell = |column| cells.get(namespace, column).json();
            json!({
                "kind": namespace.kind.file(),
                "id": namespace.id,
                "shared_with_you": own[namespace.kind as usize] == namespace.id,
                "procs": namespace.processes,
                "owner": namespace.owner,
                "detail": cell(Column::Detail),
            })
        })
        .collect();
    Ok(json!({
        "pid": pid,
        "command": facts.command(pid),
        "user": facts.uid(pid).map(|uid| facts.user(uid)),
        "container": cells.container_of(pid),
        "pids_inside": facts.whole_text(pid, "status").and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
            Some(line.split_whitespace().collect::<Vec<_>>().join(" "))
        }),
        "root": sight.root,
        "rights": sight.rights,
        "id_maps": sight.maps,
        "cgroups": sight.cgroups,
        "interfaces": sight.interfaces,
        "addresses": sight.addresses,
        "namespaces": namespaces,
    }))
}

fn of_namespace(namespace: &Namespace, found: &Found, cells: &Cells<'_>) -> Value {
    let mut object = Map::new();
    for column in Column::all().into_iter().filter(|column| *column != Column::Kept) {
        let cell = cells.get(namespace, column);
        if cell != Cell::Empty {
            object.insert(column.name().into(), cell.json());
        }
    }
    object.insert("kept".into(), namespace.holders.iter().map(held).collect::<Value>());
    let related = |of: &dyn Fn(&Namespace) -> bool| -> Value {
        let all = found.namespaces.values().filter(|other| of(other));
        all.map(|other| format!("{}:[{}]", other.kind.file(), other.id)).collect()
    };
    object.insert(
        "owns".into(),
        related(&|other| other.owner == Some(namespace.id) && other.kind != Kind::User),
    );
    object.insert("nested".into(), related(&|other| other.parent == Some(namespace.id)));
    let processes: Vec<Value> = found
        .processes
        .iter()
        .filter(|process| process.links[namespace.kind as usize] == namespace.id)
        .map(|process| json!({ "pid": process.pid, "command": cells.facts().command(process.pid) }))
        .collect();
    object.insert("processes".into(), processes.into());
    Value::Object(object)
}

/// Lines of `NAME  VALUE`, lists below their names.
fn text(value: &Value) -> String {
    let mut text = String::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let name = name.replace('_', " ");
        match value {
            Value::Null => {}
            Value::Array(list) if list.is_empty() => {}
            Value::Array(list) if list.iter().all(Value::is_object) => {
                text += &format!("{name}\n");
                text += &table(list).lines().map(|line| format!("  {line}\n")).collect::<String>();
            }
            Value::Array(list) => {
                let items: Vec<String> = list.iter().map(word).collect();
                let separator = format!("\n{:14}", "");
                text += &format!("{name:<13} {}\n", items.join(&separator));
            }
            value => text += &format!("{name:<13} {}\n", word(value)),
        }
    }
    text
}

fn table(list: &[Value]) -> String {
    let mut keys: Vec<&String> =
        list.iter().filter_map(Value::as_object).take(1).flat_map(Map::keys).collect();
    // What may be long is the last.
    keys.sort_by_key(|key| matches!(key.as_str(), "command" | "detail"));
    let titles: Vec<String> =
        keys.iter().map(|key| key.replace('_', " ").to_ascii_uppercase()).collect();
    let mut table = Table::new(&titles.iter().map(String::as_str).collect::<Vec<_>>());
    for object in list {
        table.row(keys.iter().map(|key| raw(&object[key.as_str()])).collect());
    }
    table.text(true)
}

fn word(value: &Value) -> String {
    harmless_text(&raw(value))
}

fn raw(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
