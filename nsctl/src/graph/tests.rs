//! Names that want to be something else.

use nsshim::spec::Kind;

use super::dot::quoted;
use super::layout::layout;
use super::{Graph, Group, Row, dot, html, svg};

const HOSTILE: &str = "</script><script>alert(1)</script>\"'&lt;\n\u{1b}[31m\u{202e}\u{ffff}\\";

fn row(id: u64, kind: Kind, depth: usize, owner: Option<usize>) -> Row {
    let (label, facts) = (HOSTILE.to_string(), vec![HOSTILE.to_string()]);
    Row { id, kind, depth, owner, parent: None, label, facts }
}

/// A user namespace, in it a network and another user namespace with a host name.
fn graph() -> Graph {
    let rows = vec![
        row(1, Kind::User, 0, None),
        row(2, Kind::Net, 1, Some(0)),
        row(3, Kind::User, 1, Some(0)),
        row(4, Kind::Uts, 2, Some(2)),
    ];
    let group = |count: usize, rows: &[usize]| Group {
        name: HOSTILE.into(),
        processes: (0..count).map(|pid| format!("{pid} {HOSTILE}")).collect(),
        rows: rows.to_vec(),
        common: Vec::new(),
    };
    let mut graph = Graph {
        rows,
        groups: vec![group(40, &[0, 1]), group(1, &[1, 2, 3])],
        notes: vec![HOSTILE.into()],
    };
    graph.mark_common();
    graph
}

#[test]
fn no_name_becomes_markup_or_speaks_to_the_terminal() {
    let (graph, nonce) = (graph(), "abc123");
    for text in [svg(&graph), html(&graph, nonce), dot(&graph)] {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
    }
    assert!(!svg(&graph).contains('\u{ffff}'), "XML has no such letter");
    let page = html(&graph, nonce);
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("</script").count(), 1, "the script must not hold its own end");
    assert_eq!(page.matches("<style").count(), 1);
    assert_eq!(page.matches(nonce).count(), 4);
    assert!(!svg(&graph).contains("<script"));
}

#[test]
fn a_string_of_dot_ends_where_it_should() {
    let lines = ["a\"b\\".to_string(), "&lt;\\N".into()];
    assert_eq!(quoted(&lines), r#""a\"b\\\l&amp;lt;\\N\l""#);
}

#[test]
fn what_most_are_in_is_told_from_what_is_ones_own() {
    let graph = graph();
    assert_eq!(graph.groups[0].common, [0, 1]);
    assert_eq!(graph.groups[1].common, [1]);
}

#[test]
fn nothing_lies_on_anything_else() {
    let places = layout(&graph());
    assert!(places.rows.windows(2).all(|pair| pair[0] < pair[1]));
    for pair in places.order.windows(2) {
        assert!(places.groups[pair[0]] + places.heights[pair[0]] < places.groups[pair[1]]);
    }
    let last = places.order.last().unwrap();
    assert!(places.groups[*last] + places.heights[*last] <= places.height);
}

#[test]
fn the_page_places_things_as_the_drawing_does() {
    use super::layout::{GROUPS_BEGIN, HEAD, LINE, MARGIN, ROWS_END, SHOWN};
    let constants = format!(
        "const LINE = {LINE}, MARGIN = {MARGIN}, TOP = {}, ROWS_END = {ROWS_END}, \
         GROUPS_BEGIN = {GROUPS_BEGIN}, SHOWN = {SHOWN};",
        HEAD + MARGIN
    );
    assert!(include_str!("page.js").contains(&constants), "{constants}");
}
