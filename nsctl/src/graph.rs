//! A picture of namespaces and processes: what owns what on the left, who is where on the right.
//!
//! ```text
//!  Found ─▶ Graph ─┬─▶ dot    for graphviz
//!                  ├─▶ svg    drawn here, by layout
//!                  └─▶ html   the same drawing, folded and searched by page.js
//! ```
//!
//! Pure: a graph in, a text out. What others named comes in as it is; every form escapes it in its
//! own way (`dot::quoted`, `xml::escaped`), after no letter is left that speaks to a terminal.

mod dot;
mod html;
mod layout;
mod svg;
mod xml;

use nsshim::spec::Kind;

pub use dot::dot;
pub use html::html;
pub use svg::svg;

/// What is drawn.
#[derive(Debug, Default)]
pub struct Graph {
    /// Namespaces: each user namespace before what it owns, that before what is nested in it.
    pub rows: Vec<Row>,
    /// Processes that are in the same namespaces.
    pub groups: Vec<Group>,
    /// What could not be seen.
    pub notes: Vec<String>,
}

/// A namespace.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its number.
    pub id: u64,
    /// Its kind.
    pub kind: Kind,
    /// How many user namespaces of the picture it lies in.
    pub depth: usize,
    /// The user namespace that owns it, a row above.
    pub owner: Option<usize>,
    /// The pid namespace that it is nested in.
    pub parent: Option<usize>,
    /// What says most about it.
    pub label: String,
    /// All that is known, a line each.
    pub facts: Vec<String>,
}

/// Processes that are in the same namespaces.
#[derive(Debug, Clone)]
pub struct Group {
    /// A container's name, or nothing.
    pub name: String,
    /// Each: pid, user, command.
    pub processes: Vec<String>,
    /// The rows of the namespaces.
    pub rows: Vec<usize>,
    /// Those among them that most other processes are in, too.
    pub common: Vec<usize>,
}

impl Graph {
    /// Marks for each group which of its namespaces are those of the largest one, most often the
    /// machine's own: drawn alike, all lines would lead there.
    pub fn mark_common(&mut self) {
        let largest = self.groups.iter().max_by_key(|group| group.processes.len());
        let most: Vec<usize> = largest.map(|group| group.rows.clone()).unwrap_or_default();
        for group in &mut self.groups {
            group.common = group.rows.iter().copied().filter(|row| most.contains(row)).collect();
        }
    }

    /// What there is, in words.
    fn title(&self) -> String {
        let processes: usize = self.groups.iter().map(|group| group.processes.len()).sum();
        format!("{} namespaces, {processes} processes", self.rows.len())
    }
}

impl Row {
    /// `net 4026531840`
    fn name(&self) -> String {
        format!("{} {}", self.kind.file(), self.id)
    }
}

impl Group {
    /// `web: 3 processes`
    fn title(&self) -> String {
        let count = match self.processes.len() {
            1 => "1 process".to_string(),
            count => format!("{count} processes"),
        };
        if self.name.is_empty() { count } else { format!("{}: {count}", self.name) }
    }
}

/// The colour of each kind, on white and on black.
fn colour(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "#8250df",
        Kind::Cgroup => "#9a6700",
        Kind::Ipc => "#bf3989",
        Kind::Uts => "#0a7d91",
        Kind::Net => "#1a7f37",
        Kind::Pid => "#cf222e",
        Kind::Time => "#57606a",
        Kind::Mnt => "#0969da",
    }
}

#[cfg(test)]
mod tests;
