//! Reading another tool's options by its table.

use nsshim::spec::Kind;

use super::draft::Draft;
use crate::resolve::switch;

/// An option.
pub struct Row {
    /// `-m`, `--mount`
    pub names: &'static [&'static str],
    /// The values that follow.
    pub takes: Takes,
    /// What it becomes.
    pub ours: Ours,
}

/// The values that follow an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// None.
    Nothing,
    /// One, as the next word or behind `=`.
    One,
    /// One behind `=`, or directly behind a letter, or none.
    Maybe,
    /// One behind `=` of the long name, or none.
    MaybeLong,
    /// Two words.
    Two,
    /// Three words.
    Three,
}

/// What an option becomes.
pub enum Ours {
    /// An option of ours, with its value if it has one.
    Word(&'static str),
    /// A new namespace; with a value it is kept in that file.
    New(Kind),
    /// Nothing: it is so anyway.
    Anyway(&'static str),
    /// Nothing: it is so anyway, unless our option of this name is false.
    On(&'static str, &'static str),
    /// Nothing: why there is no such thing.
    Not(&'static str),
    /// What a function makes of it: the values.
    By(fn(&mut Draft, &[String]) -> String),
}

/// A row.
pub const fn row(names: &'static [&'static str], takes: Takes, ours: Ours) -> Row {
    Row { names, takes, ours }
}

/// Which words of options a tool understands.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// The tool.
    pub tool: &'static str,
    /// Whether `--mou` is `--mount`, as getopt_long(3) has it.
    pub abbreviates: bool,
    /// Whether `--rm=false` is no `--rm`, as Go's flags have it; others take no value there.
    pub switches: bool,
}

/// Reads the options up to the first other word; the rest is returned.
///
/// # Errors
/// What is not understood.
pub fn read(
    style: Style,
    tables: &[&[Row]],
    words: &[String],
    draft: &mut Draft,
) -> Result<Vec<String>, String> {
    let mut rest = words.iter().cloned().collect::<std::collections::VecDeque<String>>();
    while let Some(word) = rest.pop_front() {
        if word == "--" {
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_string())),
                None => (long, None),
            };
            let row = long_row(style, tables, name)?;
            apply(style, row, &format!("--{name}"), value, &mut rest, draft)?;
        } else if word.len() > 1 && word.starts_with('-') {
            let mut letters = word[1..].chars();
            while let Some(letter) = letters.next() {
                let name = format!("-{letter}");
                let row = rows(tables)
                    .find(|row| row.names.contains(&name.as_str()))
                    .ok_or_else(|| unknown(style, &name))?;
                let behind = letters.as_str().trim_start_matches('=').to_string();
                let takes = match row.takes {
                    Takes::One | Takes::Maybe | Takes::Two | Takes::Three => true,
                    Takes::Nothing => style.switches && letters.as_str().starts_with('='),
                    Takes::MaybeLong => false,
                };
                let value = (takes && !behind.is_empty()).then_some(behind);
                if value.is_some() {
                    letters = "".chars();
                }
                apply(style, row, &name, value, &mut rest, draft)?;
            }
        } else {
            rest.push_front(word);
            break;
        }
    }
    Ok(rest.into())
}

fn unknown(style: Style, name: &str) -> String {
    format!("no option {name} of {} is known here", style.tool)
}

/// The rows of all tables.
fn rows<'a>(tables: &[&'a [Row]]) -> impl Iterator<Item = &'a Row> {
    tables.iter().copied().flatten()
}

fn long_row<'a>(style: Style, tables: &[&'a [Row]], name: &str) -> Result<&'a Row, String> {
    let whole = format!("--{name}");
    let exact = rows(tables).find(|row| row.names.contains(&whole.as_str()));
    let mut begun = rows(tables)
        .filter(|row| style.abbreviates && row.names.iter().any(|known| known.starts_with(&whole)));
    match (exact, begun.next(), begun.next()) {
        (Some(row), ..) | (None, Some(row), None) => Ok(row),
        _ => Err(unknown(style, &whole)),
    }
}

fn apply(
    style: Style,
    row: &Row,
    name: &str,
    value: Option<String>,
    rest: &mut std::collections::VecDeque<String>,
    draft: &mut Draft,
) -> Result<(), String> {
    if row.takes == Takes::Nothing
        && let Some(value) = &value
        && !is_on(style, name, value)?
    {
        let ours = off(row, name, draft);
        draft.tell(&format!("{name}={value}"), ours);
        return Ok(());
    }
    let mut next =
        || rest.pop_front().ok_or_else(|| format!("{} {name} needs a value", style.tool));
    let values = match (row.takes, value) {
        // `--rm=true`
        (Takes::Nothing, _) => vec![],
        (Takes::One | Takes::Maybe | Takes::MaybeLong, Some(value)) => vec![value],
        (Takes::One, None) => vec![next()?],
        (Takes::Maybe | Takes::MaybeLong, None) => vec![],
        (Takes::Two, Some(first)) => vec![first, next()?],
        (Takes::Two, None) => vec![next()?, next()?],
        (Takes::Three, Some(first)) => vec![first, next()?, next()?],
        (Takes::Three, None) => vec![next()?, next()?, next()?],
    };
    let shown = [&[name.to_string()], &values[..]].concat().join(" ");
    let ours = match row.ours {
        Ours::Word(word) => {
            draft.add(&[word]);
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            draft.add(&values);
            [&[word], &values[..]].concat().join(" ")
        }
        Ours::New(kind) => {
            draft.new_namespace(kind);
            match values.first() {
                Some(file) => {
                    draft.add(&["--persist", &format!("{}={file}", kind.file())]);
                    format!("a new {kind} namespace: --persist {}={file}", kind.file())
                }
                None => format!("a new {kind} namespace"),
            }
        }
        Ours::Anyway(why) | Ours::On(_, why) => format!("so anyway: {why}"),
        Ours::Not(why) => {
            draft.differs(format!("{name}: {why}"));
            "-".into()
        }
        Ours::By(function) => function(draft, &values),
    };
    draft.tell(&shown, ours);
    Ok(())
}

/// Whether an option that takes nothing is on with a value.
fn is_on(style: Style, name: &str, value: &str) -> Result<bool, String> {
    let tool = style.tool;
    if !style.switches {
        return Err(format!("{tool} {name} takes no value, and {value} is given"));
    }
    switch(value).ok_or_else(|| format!("{tool} {name} takes true or false, and not {value}"))
}

/// What becomes of an option that is off.
fn off(row: &Row, name: &str, draft: &mut Draft) -> String {
    match row.ours {
        Ours::Anyway(why) => {
            draft.differs(format!("{name}=false: {why}"));
            return "-".into();
        }
        Ours::On(word, _) => {
            let off = format!("{word}=false");
            draft.add(&[&off]);
            return off;
        }
        // The last one counts.
        Ours::Word(word) => draft.remove(word),
        Ours::New(_) | Ours::Not(_) | Ours::By(_) => {}
    }
    "so anyway: it is off unless asked for".into()
}
