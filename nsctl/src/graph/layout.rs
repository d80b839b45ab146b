//! Where everything is: rows of namespaces one below the other, groups of processes beside them
//! as near to their namespaces as they can be.
//!
//! page.js places what is left after folding by the same rules.

use super::Graph;

/// The margin around all, and between groups.
pub const MARGIN: usize = 12;
/// The height of a namespace's row and of a line in a group.
pub const LINE: usize = 20;
/// The height of the title above all.
pub const HEAD: usize = 28;
/// How much deeper each user namespace begins.
pub const INDENT: usize = 22;
/// Where rows end, and where groups begin.
pub const ROWS_END: usize = 460;
/// Where groups begin; lines run in between.
pub const GROUPS_BEGIN: usize = 660;
/// The width of a group.
pub const GROUP_WIDTH: usize = 460;
/// How many processes of a group are shown.
pub const SHOWN: usize = 6;

/// The place of everything, in pixels.
#[derive(Debug, Default)]
pub struct Layout {
    /// The upper edge of each row.
    pub rows: Vec<usize>,
    /// The upper edge of each group.
    pub groups: Vec<usize>,
    /// Its height.
    pub heights: Vec<usize>,
    /// The order of the groups, from above.
    pub order: Vec<usize>,
    /// The height of all.
    pub height: usize,
}

/// Finds the places.
pub fn layout(graph: &Graph) -> Layout {
    let top = HEAD + MARGIN;
    let rows: Vec<usize> = (0..graph.rows.len()).map(|at| top + at * LINE).collect();
    let heights: Vec<usize> =
        graph.groups.iter().map(|group| height(group.processes.len())).collect();
    // A group stands beside the middle of the namespaces that are its own, if it has some.
    let middle = |rows: &[usize]| match rows.len() {
        0 => None,
        count => Some(top + rows.iter().sum::<usize>() * LINE / count),
    };
    let wanted: Vec<usize> = graph
        .groups
        .iter()
        .map(|group| {
            let own: Vec<usize> =
                group.rows.iter().copied().filter(|row| !group.common.contains(row)).collect();
            middle(&own).or_else(|| middle(&group.rows)).unwrap_or(top)
        })
        .collect();
    let mut order: Vec<usize> = (0..graph.groups.len()).collect();
    order.sort_by_key(|&group| (wanted[group], group));
    let mut groups = vec![0; graph.groups.len()];
    let mut free = top;
    for &group in &order {
        let y = wanted[group].saturating_sub(heights[group] / 2).max(free);
        groups[group] = y;
        free = y + heights[group] + MARGIN;
    }
    let last_row = top + graph.rows.len() * LINE + MARGIN;
    Layout { rows, groups, heights, order, height: free.max(last_row) }
}

/// Of a group with so many processes: title, lines, and one for the rest.
fn height(processes: usize) -> usize {
    (1 + processes.min(SHOWN) + usize::from(processes > SHOWN)) * LINE + 6
}
