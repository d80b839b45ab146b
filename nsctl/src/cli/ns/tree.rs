//! `nsctl ns tree`: what owns what, what is nested in what, or which process is where.

use std::collections::{BTreeMap, BTreeSet};

use nsshim::spec::Kind;

use super::columns::{Cells, Column};
use super::kinds::Kinds;
use super::{print, say_unread};
use crate::args::{TreeArgs, TreeBy};
use crate::error::Error;
use crate::output::{harmless_text, width_of_terminal};
use crate::scan::{Found, Id, Namespace, Places};

/// Prints it.
pub fn tree(args: &TreeArgs) -> Result<i32, Error> {
    let kinds = Kinds::parse(&args.kinds)?;
    let found = Found::look(Places { all: true, relations: true })?;
    let cells = Cells::new(&found)?;
    let shown = |kind: Kind| kinds.has(kind);
    let tree = match args.by {
        TreeBy::Owner => by_relation(&found, &cells, |namespace| {
            // A user namespace leads to what is in it, whether it is shown itself or not.
            (shown(namespace.kind) || namespace.kind == Kind::User).then_some(namespace.owner)
        }),
        TreeBy::Parent => by_relation(&found, &cells, |namespace| {
            let nests = matches!(namespace.kind, Kind::User | Kind::Pid);
            (shown(namespace.kind) && nests).then_some(namespace.parent)
        }),
        TreeBy::Process => by_process(&found, &cells, &shown),
    };
    let mut text = String::new();
    for &root in &tree.roots {
        tree.write(root, "", "", &mut text);
    }
    let most = if args.no_trunc { None } else { width_of_terminal() };
    let cut = |line: &str| line.chars().take(most.unwrap_or(usize::MAX)).collect::<String>();
    print(&text.lines().map(|line| cut(line) + "\n").collect::<String>());
    say_unread(found.unread);
    Ok(0)
}

/// Lines below lines.
#[derive(Default)]
struct Tree {
    roots: Vec<u64>,
    children: BTreeMap<u64, Vec<u64>>,
    labels: BTreeMap<u64, String>,
}

impl Tree {
    /// As deep as the kernel nests, and no deeper than processes do.
    fn write(&self, at: u64, first: &str, rest: &str, text: &mut String) {
        let label = self.labels.get(&at).map_or("", String::as_str);
        *text += &format!("{first}{label}\n");
        let children = self.children.get(&at).map_or(&[][..], Vec::as_slice);
        for (index, &child) in children.iter().enumerate() {
            let last = index + 1 == children.len();
            let (branch, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            self.write(child, &format!("{rest}{branch}"), &format!("{rest}{below}"), text);
        }
    }
}

fn by_relation(
    found: &Found,
    cells: &Cells<'_>,
    above: impl Fn(&Namespace) -> Option<Option<Id>>,
) -> Tree {
    let mut tree = Tree::default();
    for namespace in found.namespaces.values() {
        let Some(above) = above(namespace) else { continue };
        tree.labels.insert(namespace.id, label(namespace, cells));
        match above.filter(|id| found.namespaces.contains_key(id)) {
            Some(above) => tree.children.entry(above).or_default().push(namespace.id),
            None => tree.roots.push(namespace.id),
        }
    }
    // What it owns itself before what is nested in it.
    for children in tree.children.values_mut() {
        children.sort_by_key(|id| (found.namespaces[id].kind == Kind::User, *id));
    }
    tree
}

fn label(namespace: &Namespace, cells: &Cells<'_>) -> String {
    let cell = |column| Some(harmless_text(&cells.get(namespace, column).some()?));
    let mut words = vec![format!("{} {}", namespace.kind.file(), namespace.id)];
    words.extend(cell(Column::Detail).map(|detail| format!("({detail})")));
    words.extend(cell(Column::Container).map(|name| format!("[{name}]")));
    match namespace.processes {
        0 => words.extend(cell(Column::Kept)),
        1 => words.push(format!(
            "{} {}",
            cell(Column::Pid).unwrap_or_default(),
            cell(Column::Command).unwrap_or_default()
        )),
        count => words.push(format!(
            "{} {} and {} more",
            cell(Column::Pid).unwrap_or_default(),
            cell(Column::Command).unwrap_or_default(),
            count - 1
        )),
    }
    words.join("  ")
}

/// Processes that are elsewhere than their parent, and where.
fn by_process(found: &Found, cells: &Cells<'_>, shown: &dyn Fn(Kind) -> bool) -> Tree {
    let links: BTreeMap<i32, [Id; 8]> =
        found.processes.iter().map(|process| (process.pid, process.links)).collect();
    let parents: BTreeMap<i32, i32> =
        links.keys().filter_map(|&pid| Some((pid, cells.facts().parent(pid)?))).collect();
    let moved = |pid: i32| {
        let own = links[&pid];
        let before = parents.get(&pid).and_then(|parent| links.get(parent));
        let differs = |kind: &Kind| {
            shown(*kind)
                && own[*kind as usize] != 0
                && before.is_none_or(|before| before[*kind as usize] != own[*kind as usize])
        };
        Kind::ALL.into_iter().filter(differs).collect::<Vec<Kind>>()
    };
    let mut tree = Tree::default();
    let mut kept = BTreeSet::new();
    for &pid in links.keys() {
        let kinds = moved(pid);
        if kinds.is_empty() {
            continue;
        }
        kept.insert(pid);
        let word = |kind: &Kind| format!("{}:{}", kind.file(), links[&pid][*kind as usize]);
        let words: Vec<String> = kinds.iter().map(word).collect();
        let command = harmless_text(&cells.facts().command(pid));
        tree.labels.insert(pid as u64, format!("{pid} {command}  {}", words.join(" ")));
    }
    for &pid in &kept {
        let up = |pid: &i32| parents.get(pid).copied().filter(|&parent| parent != *pid);
        let above = std::iter::successors(up(&pid), up).take(10_000).find(|pid| kept.contains(pid));
        match above {
            Some(above) => tree.children.entry(above as u64).or_default().push(pid as u64),
            None => tree.roots.push(pid as u64),
        }
    }
    tree
}
