//! `nsctl ns ls`: the namespaces of the machine, as a table or as JSON.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::columns::{Cells, Column, DEFAULT, QUICK, held};
use super::fields::FIELDS;
use super::filter::Filter;
use super::kinds::Kinds;
use super::{print, print_json, say_unread, unread_lines};
use crate::args::LsArgs;
use crate::error::Error;
use crate::output::Table;
use crate::scan::{self, Found, Namespace, Places, unreadable};
use crate::template::Template;

/// Prints them.
pub fn ls(args: &LsArgs) -> Result<i32, Error> {
    let kinds = Kinds::parse(&args.kinds)?;
    let filter = args.filter.as_deref().map(Filter::parse).transpose()?;
    let (sort, backwards) = match args.sort.strip_prefix('-') {
        Some(column) => (Column::parse(column)?, true),
        None => (Column::parse(&args.sort)?, false),
    };
    let columns = columns(args)?;
    let template = Template::asked(args.format.as_deref())?;
    template.as_ref().map_or(Ok(()), |template| template.check(FIELDS))?;
    let of_process = args.pid.as_deref().map(of_process).transpose()?;

    let found = Found::look(Places { all: !args.quick, relations: !args.quick })?;
    let cells = Cells::new(&found)?;
    let mut shown: Vec<&Namespace> = found
        .namespaces
        .values()
        .filter(|namespace| kinds.has(namespace.kind))
        .filter(|namespace| of_process.as_ref().is_none_or(|ids| ids.contains(&namespace.id)))
        .filter(|namespace| !args.persistent || namespace.processes == 0)
        .filter(|namespace| filter.as_ref().is_none_or(|filter| filter.lets(namespace, &cells)))
        .collect();
    if sort != Column::Id {
        shown.sort_by_cached_key(|namespace| cells.get(namespace, sort));
    }
    if backwards {
        shown.reverse();
    }
    if let Some(template) = template {
        let rows = objects(&shown, &cells, &Column::all());
        print(&template.lines(&rows, FIELDS));
        say_unread(found.unread);
        return Ok(0);
    }
    if args.json {
        print_json(&as_json(&shown, &cells, &found, args));
        return Ok(0);
    }
    print_table(&shown, &cells, &columns, args);
    say_unread(found.unread);
    Ok(0)
}

fn columns(args: &LsArgs) -> Result<Vec<Column>, Error> {
    if args.columns.iter().any(|column| column == "all") {
        return Ok(Column::all());
    }
    let asked: Vec<Column> =
        args.columns.iter().map(|name| Column::parse(name)).collect::<Result<_, _>>()?;
    Ok(match (asked.is_empty(), args.quick) {
        (false, _) => asked,
        (true, false) => DEFAULT.to_vec(),
        (true, true) => QUICK.to_vec(),
    })
}

/// The numbers of one process's namespaces.
fn of_process(word: &str) -> Result<HashSet<scan::Id>, Error> {
    let pid = match word {
        "self" => Some(std::process::id() as i32),
        _ => word.parse().ok().filter(|&pid| pid > 0),
    };
    let pid = pid.ok_or_else(|| {
        Error::new(format!("cannot read --pid {}", crate::error::shown(word)))
            .try_this("a number from ps, or self")
    })?;
    let links = scan::links_of(pid).map_err(|errno| unreadable(pid, errno))?;
    Ok(links.into_iter().filter(|&id| id != 0).collect())
}

fn print_table(shown: &[&Namespace], cells: &Cells<'_>, columns: &[Column], args: &LsArgs) {
    let row = |namespace: &&Namespace| -> Vec<Option<String>> {
        columns.iter().map(|&column| cells.get(namespace, column).some()).collect()
    };
    cells.prepare(shown, columns);
    let rows = scan::map(shown, row);
    // A column in which nobody has anything only takes room, unless it was asked for.
    let is_used = |at: usize| {
        !args.columns.is_empty() || rows.is_empty() || rows.iter().any(|row| row[at].is_some())
    };
    let used: Vec<bool> = (0..columns.len()).map(is_used).collect();
    let titles: Vec<String> = columns
        .iter()
        .zip(&used)
        .filter(|(_, used)| **used)
        .map(|(column, _)| column.name().to_ascii_uppercase())
        .collect();
    let mut table = Table::new(&titles.iter().map(String::as_str).collect::<Vec<_>>());
    for row in rows {
        let cells = row.into_iter().zip(&used).filter(|(_, used)| **used);
        table.row(cells.map(|(cell, _)| cell.unwrap_or_else(|| "-".into())).collect());
    }
    let text = table.text(!args.no_trunc);
    match args.no_headings {
        true => print(text.split_once('\n').map_or("", |(_, rest)| rest)),
        false => print(&text),
    }
}

fn objects(shown: &[&Namespace], cells: &Cells<'_>, columns: &[Column]) -> Vec<Value> {
    cells.prepare(shown, columns);
    scan::map(shown, |namespace| object(namespace, cells, columns))
}

fn object(namespace: &Namespace, cells: &Cells<'_>, columns: &[Column]) -> Value {
    let mut object = Map::new();
    for &column in columns.iter().filter(|column| **column != Column::Kept) {
        object.insert(column.name().into(), cells.get(namespace, column).json());
    }
    object.insert("kept".into(), namespace.holders.iter().map(held).collect::<Value>());
    Value::Object(object)
}

fn as_json(shown: &[&Namespace], cells: &Cells<'_>, found: &Found, args: &LsArgs) -> Value {
    let columns = match args.quick {
        true => QUICK.to_vec(),
        false => Column::all(),
    };
    let namespaces = objects(shown, cells, &columns);
    let unread = json!({
        "others": found.unread.others,
        "protected": found.unread.protected,
        "why": unread_lines(found.unread),
    });
    json!({ "namespaces": namespaces, "unread": unread })
}
