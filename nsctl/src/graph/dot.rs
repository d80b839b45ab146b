//! The picture in the language of graphviz, dot(1).

use std::fmt::Write;

use nsshim::spec::Kind;

use super::{Graph, colour};
use crate::output::harmless_text;

/// A process list longer than this is cut.
const MOST: usize = 8;

/// The whole graph.
pub fn dot(graph: &Graph) -> String {
    let mut text = String::from(
        "digraph namespaces {\n  rankdir=LR; node [shape=box, fontname=\"sans-serif\", \
         fontsize=10]; edge [arrowhead=none];\n",
    );
    let _ = writeln!(text, "  label={};", quoted(&[graph.title()]));
    for (index, row) in graph.rows.iter().enumerate() {
        if row.owner.is_none() {
            write_row(graph, index, 1, &mut text);
        }
    }
    for (index, row) in graph.rows.iter().enumerate() {
        if let Some(parent) = row.parent {
            let _ = writeln!(
                text,
                "  n{index} -> n{parent} [style=dashed, arrowhead=normal, constraint=false];"
            );
        }
    }
    for (index, group) in graph.groups.iter().enumerate() {
        let mut lines = vec![group.title()];
        lines.extend(group.processes.iter().take(MOST).cloned());
        if group.processes.len() > MOST {
            lines.push(format!("… and {} more", group.processes.len() - MOST));
        }
        let _ = writeln!(text, "  g{index} [shape=note, label={}];", quoted(&lines));
        for row in &group.rows {
            let colour =
                if group.common.contains(row) { "#d0d7de" } else { colour(graph.rows[*row].kind) };
            let _ = writeln!(text, "  n{row} -> g{index} [color=\"{colour}\"];");
        }
    }
    text + "}\n"
}

/// A user namespace is a box around all that it owns; as deep as the kernel nests them.
fn write_row(graph: &Graph, index: usize, depth: usize, text: &mut String) {
    let row = &graph.rows[index];
    let pad = "  ".repeat(depth);
    let is_user = row.kind == Kind::User;
    if is_user {
        let _ = writeln!(text, "{pad}subgraph cluster_{index} {{");
        let _ = writeln!(text, "{pad}  color=\"{}\"; label=\"\";", colour(Kind::User));
    }
    let mut lines = vec![row.name()];
    lines.extend((!row.label.is_empty()).then(|| row.label.clone()));
    let _ = writeln!(
        text,
        "{pad}  n{index} [color=\"{}\", label={}];",
        colour(row.kind),
        quoted(&lines)
    );
    if is_user {
        for owned in index + 1..graph.rows.len() {
            if graph.rows[owned].owner == Some(index) {
                write_row(graph, owned, depth + 1, text);
            }
        }
        let _ = writeln!(text, "{pad}}}");
    }
}

/// Lines, as a quoted string: neither a quote ends it, nor is a `\N` or an `&lt;` in it anything
/// else than these letters.
pub fn quoted(lines: &[String]) -> String {
    let line = |line: &String| {
        let line = harmless_text(line);
        line.replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;") + "\\l"
    };
    format!("\"{}\"", lines.iter().map(line).collect::<String>())
}
