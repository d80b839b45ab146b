//! The picture as a drawing, by the places that `layout` found.

use std::fmt::Write;

use nsshim::spec::Kind;

use super::layout::{
    GROUP_WIDTH, GROUPS_BEGIN, HEAD, INDENT, LINE, Layout, MARGIN, ROWS_END, SHOWN, layout,
};
use super::xml::{escaped, short};
use super::{Graph, colour};

/// The width of one letter of the font, generously.
const LETTER: usize = 7;

/// A file of its own, without a script.
pub fn svg(graph: &Graph) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", drawing(graph, SHOWN))
}

/// The drawing; of each group so many processes at most are in it.
pub fn drawing(graph: &Graph, most: usize) -> String {
    let places = layout(graph);
    let width = GROUPS_BEGIN + GROUP_WIDTH + MARGIN;
    let height = places.height + graph.notes.len() * LINE;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{MARGIN}\" y=\"{HEAD}\" font-size=\"14\">{}</text>\n",
        escaped(&graph.title())
    );
    frames(graph, &places, &mut text);
    lines(graph, &places, &mut text);
    rows(graph, &places, &mut text);
    groups(graph, &places, most, &mut text);
    for (at, note) in graph.notes.iter().enumerate() {
        let y = places.height + at * LINE;
        let _ = writeln!(
            text,
            "<text class=\"note\" x=\"{MARGIN}\" y=\"{y}\">{}</text>",
            escaped(note)
        );
    }
    text + "</svg>\n"
}

fn left(depth: usize) -> usize {
    // Deeper ones than anybody makes by hand still have room for their names.
    MARGIN + depth.min(12) * INDENT
}

/// A user namespace lies around all that it owns.
fn frames(graph: &Graph, places: &Layout, text: &mut String) {
    for (at, row) in graph.rows.iter().enumerate().filter(|(_, row)| row.kind == Kind::User) {
        let inside =
            graph.rows[at + 1..].iter().take_while(|below| below.depth > row.depth).count();
        let (x, y) = (left(row.depth), places.rows[at]);
        let _ = writeln!(
            text,
            "<rect class=\"frame\" data-row=\"{at}\" x=\"{x}\" y=\"{y}\" width=\"{}\" \
             height=\"{}\" rx=\"4\" fill=\"{colour}\" fill-opacity=\".05\" stroke=\"{colour}\" \
             stroke-opacity=\".4\"/>",
            ROWS_END - x,
            (inside + 1) * LINE,
            colour = colour(Kind::User),
        );
    }
}

/// From a namespace to those who are in it, and from a pid namespace to what it is nested in.
fn lines(graph: &Graph, places: &Layout, text: &mut String) {
    for (at, row) in graph.rows.iter().enumerate() {
        if let Some(parent) = row.parent {
            let (from, to) = (places.rows[at] + LINE / 2, places.rows[parent] + LINE / 2);
            let x = ROWS_END;
            let _ = writeln!(
                text,
                "<path class=\"nest\" data-row=\"{at}\" data-parent=\"{parent}\" fill=\"none\" \
                 stroke=\"{}\" stroke-dasharray=\"3 3\" d=\"M{x} {from}C{bend} {from} {bend} {to} {x} {to}\"/>",
                colour(row.kind),
                bend = x + 40,
            );
        }
    }
    for (index, group) in graph.groups.iter().enumerate() {
        for (nth, &row) in group.rows.iter().enumerate() {
            let common = group.common.contains(&row);
            let (class, colour) = if common {
                ("line common", "#d0d7de")
            } else {
                ("line", colour(graph.rows[row].kind))
            };
            let from = places.rows[row] + LINE / 2;
            let to = places.groups[index] + port(nth, group.rows.len(), places.heights[index]);
            let middle = ROWS_END.midpoint(GROUPS_BEGIN);
            let _ = writeln!(
                text,
                "<path class=\"{class}\" data-row=\"{row}\" data-group=\"{index}\" fill=\"none\" \
                 stroke=\"{colour}\" d=\"M{ROWS_END} {from}C{middle} {from} {middle} {to} {GROUPS_BEGIN} {to}\"/>"
            );
        }
    }
}

/// Where on its edge a line reaches a group.
fn port(nth: usize, count: usize, height: usize) -> usize {
    (nth + 1) * height / (count + 1)
}

fn rows(graph: &Graph, places: &Layout, text: &mut String) {
    for (at, row) in graph.rows.iter().enumerate() {
        let x = left(row.depth) + 4;
        let room = (ROWS_END - x) / LETTER;
        let name = row.name();
        let label = short(&row.label, room.saturating_sub(name.len() + 3));
        let owner = row.owner.map_or(String::new(), |owner| format!(" data-owner=\"{owner}\""));
        let mark = if row.kind == Kind::User { "▾ " } else { "" };
        let _ = writeln!(
            text,
            "<g class=\"row\" data-id=\"{id}\" data-kind=\"{kind}\" data-depth=\"{depth}\"{owner} \
             transform=\"translate(0 {y})\"><title>{facts}</title>\
             <rect x=\"{x}\" y=\"1\" width=\"{width}\" height=\"{height}\" rx=\"3\" fill=\"#fff\" fill-opacity=\".01\"/>\
             <rect x=\"{edge}\" y=\"3\" width=\"4\" height=\"{bar}\" fill=\"{colour}\"/>\
             <text x=\"{words}\" y=\"14\"><tspan class=\"mark\">{mark}</tspan>\
             <tspan font-weight=\"bold\" fill=\"{colour}\">{name}</tspan> {label}</text></g>",
            id = row.id,
            kind = row.kind.file(),
            depth = row.depth,
            y = places.rows[at],
            facts = escaped_lines(&row.facts),
            width = ROWS_END - x,
            height = LINE - 2,
            edge = ROWS_END - 4,
            bar = LINE - 6,
            colour = colour(row.kind),
            words = x + 4,
            label = escaped(&label),
        );
    }
}

fn groups(graph: &Graph, places: &Layout, most: usize, text: &mut String) {
    for &index in &places.order {
        let group = &graph.groups[index];
        let (y, height) = (places.groups[index], places.heights[index]);
        let room = GROUP_WIDTH / LETTER - 2;
        let _ = write!(
            text,
            "<g class=\"group\" data-group=\"{index}\" transform=\"translate({GROUPS_BEGIN} {y})\">\
             <rect width=\"{GROUP_WIDTH}\" height=\"{height}\" rx=\"5\" fill=\"#f6f8fa\" stroke=\"#8c959f\"/>\
             <text x=\"8\" y=\"15\" font-weight=\"bold\">{}</text>",
            escaped(&short(&group.title(), room)),
        );
        for (nth, process) in group.processes.iter().take(most).enumerate() {
            let class = if nth < SHOWN { "process" } else { "process more" };
            let _ = write!(
                text,
                "<text class=\"{class}\" x=\"8\" y=\"{}\">{}{}</text>",
                15 + (nth + 1) * LINE,
                escaped(&short(process, room)),
                // Whole lines can be read, and found, too.
                if process.chars().nth(room).is_some() {
                    format!("<title>{}</title>", escaped(process))
                } else {
                    String::new()
                },
            );
        }
        if group.processes.len() > SHOWN {
            let _ = write!(
                text,
                "<text class=\"rest\" x=\"8\" y=\"{}\" fill=\"#57606a\">… and {} more</text>",
                15 + (SHOWN + 1) * LINE,
                group.processes.len() - SHOWN
            );
        }
        text.push_str("</g>\n");
    }
}

fn escaped_lines(lines: &[String]) -> String {
    lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("\n")
}
