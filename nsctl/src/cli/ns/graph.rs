//! `nsctl ns graph`: a picture of what was found.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;

use nsshim::spec::Kind;

use super::columns::{Cells, Column};
use super::filter::Filter;
use super::kinds::Kinds;
use super::{print, say_unread, unread_lines};
use crate::args::GraphArgs;
use crate::containers::random_hex;
use crate::error::Error;
use crate::graph::{self, Graph, Group, Row};
use crate::scan::{Found, Id, Namespace, Places};

/// Draws it.
pub fn graph(args: &GraphArgs) -> Result<i32, Error> {
    let form = form(args)?;
    let kinds = Kinds::parse(&args.kinds)?;
    let filter = args.filter.as_deref().map(Filter::parse).transpose()?;
    let found = Found::look(Places { all: true, relations: true })?;
    let cells = Cells::new(&found)?;
    let wanted = |namespace: &&Namespace| {
        kinds.has(namespace.kind)
            && filter.as_ref().is_none_or(|filter| filter.lets(namespace, &cells))
    };
    let drawn = drawn(&found, found.namespaces.values().filter(wanted));
    let graph = of(&drawn, &found, &cells);
    let text = match form {
        Form::Dot => graph::dot(&graph),
        Form::Svg => graph::svg(&graph),
        Form::Html => graph::html(&graph, &random_hex::<16>()?),
    };
    match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        None => print(&text),
        Some(path) => fs::write(path, text).map_err(|error| {
            Error::new(format!("cannot write the picture: open({path:?}): {error}"))
                .try_this("another FILE for --output, or none: it is printed then")
        })?,
    }
    say_unread(found.unread);
    Ok(0)
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Dot,
    Svg,
    Html,
}

fn form(args: &GraphArgs) -> Result<Form, Error> {
    let asked = [(args.dot, Form::Dot), (args.svg, Form::Svg), (args.html, Form::Html)];
    if let Some((_, form)) = asked.into_iter().find(|(is, _)| *is) {
        return Ok(form);
    }
    let Some(path) = args.output.as_deref().filter(|path| *path != Path::new("-")) else {
        return Ok(Form::Dot);
    };
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("dot" | "gv") => Ok(Form::Dot),
        Some("svg") => Ok(Form::Svg),
        Some("html" | "htm") => Ok(Form::Html),
        _ => Err(Error::new(format!("cannot tell from {path:?} what the picture is to be"))
            .try_this("--dot, --svg or --html, or a FILE that ends so")),
    }
}

/// What was asked for, and the user namespaces that it lies in.
fn drawn<'a>(found: &Found, wanted: impl Iterator<Item = &'a Namespace>) -> HashSet<Id> {
    let mut drawn = HashSet::new();
    for namespace in wanted {
        let mut next = Some(namespace.id);
        while let Some(id) = next.filter(|id| drawn.insert(*id)) {
            next = found.namespaces.get(&id).and_then(|namespace| namespace.owner);
        }
    }
    drawn
}

fn of(drawn: &HashSet<Id>, found: &Found, cells: &Cells<'_>) -> Graph {
    let mut graph = Graph { notes: unread_lines(found.unread), ..Graph::default() };
    let mut owned: BTreeMap<Option<Id>, Vec<&Namespace>> = BTreeMap::new();
    for namespace in found.namespaces.values().filter(|namespace| drawn.contains(&namespace.id)) {
        let owner = namespace.owner.filter(|owner| drawn.contains(owner));
        owned.entry(owner).or_default().push(namespace);
    }
    for list in owned.values_mut() {
        // Those that the same processes are in stand together: fewer lines cross.
        list.sort_by_key(|namespace| {
            let first = namespace.process().unwrap_or(i32::MAX);
            (namespace.kind == Kind::User, first, namespace.kind, namespace.id)
        });
    }
    add_rows(None, None, 0, &owned, cells, &mut graph);
    let at: HashMap<Id, usize> =
        graph.rows.iter().enumerate().map(|(at, row)| (row.id, at)).collect();
    for row in &mut graph.rows {
        // A user namespace lies in its parent.
        let parent = found.namespaces[&row.id].parent.filter(|_| row.kind == Kind::Pid);
        row.parent = parent.and_then(|parent| at.get(&parent).copied());
    }
    graph.groups = groups(&at, found, cells);
    graph.mark_common();
    graph
}

/// As deep as the kernel nests user namespaces.
fn add_rows(
    owner: Option<Id>,
    above: Option<usize>,
    depth: usize,
    owned: &BTreeMap<Option<Id>, Vec<&Namespace>>,
    cells: &Cells<'_>,
    graph: &mut Graph,
) {
    for namespace in owned.get(&owner).into_iter().flatten() {
        let cell = |column| cells.get(namespace, column).some();
        let kept = cell(Column::Kept).filter(|_| namespace.processes == 0);
        let container = cell(Column::Container).map(|name| format!("[{name}]"));
        let words: Vec<String> =
            [cell(Column::Detail), container, kept].into_iter().flatten().collect();
        let facts = Column::all();
        let fact = |column: &Column| Some(format!("{}: {}", column.name(), cell(*column)?));
        graph.rows.push(Row {
            id: namespace.id,
            kind: namespace.kind,
            depth,
            owner: above,
            parent: None,
            label: words.join("  "),
            facts: facts.iter().filter_map(fact).collect(),
        });
        if namespace.kind == Kind::User {
            let row = graph.rows.len() - 1;
            add_rows(Some(namespace.id), Some(row), depth + 1, owned, cells, graph);
        }
    }
}

/// Processes together that are in the same namespaces, of those that are drawn.
fn groups(at: &HashMap<Id, usize>, found: &Found, cells: &Cells<'_>) -> Vec<Group> {
    let mut together: BTreeMap<Vec<usize>, Vec<i32>> = BTreeMap::new();
    for process in &found.processes {
        let rows: Vec<usize> = process.links.iter().filter_map(|id| at.get(id).copied()).collect();
        if !rows.is_empty() {
            together.entry(rows).or_default().push(process.pid);
        }
    }
    let facts = cells.facts();
    let line = |pid: &i32| {
        let user = facts.uid(*pid).map(|uid| facts.user(uid)).unwrap_or_default();
        format!("{pid} {user} {}", facts.command(*pid))
    };
    let group = |(rows, pids): (Vec<usize>, Vec<i32>)| Group {
        name: cells.container_of(pids[0]).unwrap_or_default(),
        processes: pids.iter().map(line).collect(),
        rows,
        common: Vec::new(),
    };
    together.into_iter().map(group).collect()
}
