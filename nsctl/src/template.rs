//! `--format`: docker's templates, as far as fields go: `{{.Name}}`, `{{json .}}`, `{{json .Name}}`,
//! `table {{.ID}}\t{{.Name}}`.
//!
//! A verb has one table of fields, or a tree of JSON in which `.State.Pid` is a path. No loops, no
//! conditions, no functions but `json`: for these there is `--json`, and jq(1).

use serde_json::{Map, Value};

use crate::error::{Error, shown};
use crate::output::{Table, harmless_text};

/// A field of what a verb shows.
pub struct Field<R: ?Sized + 'static> {
    /// After the dot.
    pub name: &'static str,
    /// Above its column.
    pub title: &'static str,
    /// What it is.
    pub value: fn(&R) -> Value,
}

/// What `--format` asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    /// Whether there are titles, and columns are aligned.
    pub is_table: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field { path: Vec<String>, as_json: bool },
}

impl Template {
    /// Reads what `--format` says. `None`: what is shown without it, for which docker's word is
    /// `table` alone.
    pub fn asked(text: Option<&str>) -> Result<Option<Self>, Error> {
        text.filter(|text| *text != "table").map(Self::parse).transpose()
    }

    /// Reads it; which fields there are is checked by who knows them.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (is_table, text) = match text {
            // docker's word for a line of JSON each.
            "json" => (false, "{{json .}}"),
            text => match text.strip_prefix("table ") {
                Some(rest) => (true, rest.trim_start()),
                None => (false, text),
            },
        };
        let wrong = |why: &str| {
            Error::new(format!("--format {}: {why}", shown(text)))
                .try_this("{{.FIELD}}, {{json .FIELD}} or {{json .}}, with any text between")
        };
        if text.is_empty() {
            return Err(wrong("no template"));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (inside, after) = after.split_once("}}").ok_or_else(|| wrong("a {{ has no }}"))?;
            if !before.is_empty() {
                parts.push(Part::Text(unescaped(before)));
            }
            // Go's sign for taking the blanks beside it away changes nothing here.
            let inside = inside.trim_matches('-').trim();
            let (as_json, field) = match inside.strip_prefix("json ") {
                Some(field) => (true, field.trim()),
                None => (false, inside),
            };
            let path = field.strip_prefix('.').filter(|path| {
                path.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
            });
            let path = path.ok_or_else(|| wrong(&format!("{{{{{inside}}}}} is no field")))?;
            let path = path.split('.').filter(|name| !name.is_empty()).map(str::to_string);
            parts.push(Part::Field { path: path.collect(), as_json });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(unescaped(rest)));
        }
        Ok(Template { parts, is_table })
    }

    /// Refuses fields that are not among these.
    pub fn check<R: ?Sized>(&self, fields: &[Field<R>]) -> Result<(), Error> {
        for part in &self.parts {
            let Part::Field { path, .. } = part else { continue };
            let known = |name: &String| fields.iter().any(|field| is(field.name, name));
            if path.len() > 1 || !path.iter().all(known) {
                let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
                return Err(no_field(path, &names));
            }
        }
        Ok(())
    }

    /// The line for a row of that table of fields, which [`check`](Self::check) has seen.
    pub fn line<R: ?Sized>(&self, row: &R, fields: &[Field<R>]) -> String {
        self.text(|path| match path.first() {
            Some(name) => {
                let field = fields.iter().find(|field| is(field.name, name));
                field.map_or(Value::Null, |field| (field.value)(row))
            }
            None => fields
                .iter()
                .map(|field| (field.name.to_string(), (field.value)(row)))
                .collect::<Map<String, Value>>()
                .into(),
        })
    }

    /// The line for a tree.
    pub fn line_of(&self, tree: &Value) -> Result<String, Error> {
        for part in &self.parts {
            if let Part::Field { path, .. } = part {
                at(tree, path)?;
            }
        }
        Ok(self.text(|path| at(tree, path).unwrap_or_default()))
    }

    fn text(&self, value: impl Fn(&[String]) -> Value) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Field { path, as_json: true } => value(path).to_string(),
            Part::Field { path, as_json: false } => harmless_text(&plain(&value(path))),
        };
        self.parts.iter().map(part).collect()
    }

    /// The lines of all rows; as a table with titles, cut to the terminal.
    pub fn lines<R>(&self, rows: &[R], fields: &[Field<R>]) -> String {
        let lines = rows.iter().map(|row| self.line(row, fields));
        if !self.is_table {
            return lines.map(|line| line + "\n").collect();
        }
        let title = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Field { path, .. } => {
                let name = path.first().map_or("", String::as_str);
                let field = fields.iter().find(|field| is(field.name, name));
                field.map_or("", |field| field.title).to_string()
            }
        };
        let titles: String = self.parts.iter().map(title).collect();
        let titles: Vec<&str> = titles.split('\t').collect();
        let mut table = Table::new(&titles);
        for line in lines {
            table.row(line.split('\t').map(str::to_string).collect());
        }
        table.text(true)
    }
}

/// For a person: what is missing is empty, what is several has commas.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn at(tree: &Value, path: &[String]) -> Result<Value, Error> {
    let mut value = tree;
    for name in path {
        let found = value.as_object().and_then(|all| all.iter().find(|(key, _)| is(key, name)));
        let Some((_, next)) = found else {
            let names: Vec<&str> =
                value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
            return Err(no_field(path, &names));
        };
        value = next;
    }
    Ok(value.clone())
}

/// `PidInside` and `pid_inside` are the same.
fn is(name: &str, typed: &str) -> bool {
    let letters = |text: &str| text.replace('_', "").to_ascii_lowercase();
    letters(name) == letters(typed)
}

fn no_field(path: &[String], known: &[&str]) -> Error {
    let error = Error::new(format!("--format: there is no field .{}", path.join(".")));
    match known.is_empty() {
        true => error,
        false => error.try_this(format!("one of .{}", known.join(" ."))),
    }
}

/// docker takes these two for what they stand for in Go.
fn unescaped(text: &str) -> String {
    text.replace("\\t", "\t").replace("\\n", "\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FIELDS: &[Field<(u32, &'static str)>] = &[
        Field { name: "ID", title: "NUMBER", value: |row| row.0.into() },
        Field { name: "LongName", title: "NAME", value: |row| row.1.into() },
    ];

    fn line(text: &str) -> String {
        let template = Template::parse(text).unwrap();
        template.check(FIELDS).unwrap();
        template.line(&(7, "a\x1b[1m"), FIELDS)
    }

    #[test]
    fn fields_stand_where_they_are_named() {
        for (text, expected) in [
            ("{{.ID}}", "7"),
            ("{{ .id }}-{{.long_name}}", "7-a\\u{1b}[1m"),
            ("x\\t{{.ID}}\\n", "x\t7\n"),
            ("{{json .LongName}}", "\"a\\u001b[1m\""),
            ("{{json .}}", r#"{"ID":7,"LongName":"a\u001b[1m"}"#),
            ("json", r#"{"ID":7,"LongName":"a\u001b[1m"}"#),
            ("no field", "no field"),
        ] {
            assert_eq!(line(text), expected, "{text}");
        }
    }

    #[test]
    fn a_mistake_names_what_there_is() {
        for (text, said) in [
            ("", "no template"),
            ("{{.ID", "has no }}"),
            ("{{ID}}", "is no field"),
            ("{{range .}}", "is no field"),
            ("{{}}", "is no field"),
        ] {
            let error = Template::parse(text).unwrap_err();
            assert!(error.message.contains(said), "{text}: {}", error.message);
        }
        for text in ["{{.Nmae}}", "{{.ID.More}}"] {
            let error = Template::parse(text).unwrap().check(FIELDS).unwrap_err();
            assert!(error.remedy.unwrap().contains(".ID .LongName"), "{text}");
        }
    }

    #[test]
    fn a_table_has_titles_and_columns() {
        let template = Template::parse("table {{.LongName}}\\t{{.ID}}").unwrap();
        let text = template.lines(&[(1, "one"), (20, "twenty")], FIELDS);
        assert_eq!(text, "NAME     NUMBER\none      1\ntwenty   20\n");
    }

    #[test]
    fn a_tree_has_paths() {
        let tree = json!({"state": {"exit_status": 3, "pid": null}, "labels": ["a", "b=c"]});
        let line = |text: &str| Template::parse(text).unwrap().line_of(&tree);
        assert_eq!(line("{{.State.ExitStatus}} {{.State.Pid}} {{.Labels}}").unwrap(), "3  a,b=c");
        assert_eq!(line("{{json .State}}").unwrap(), r#"{"exit_status":3,"pid":null}"#);
        let wrong = line("{{.State.Pdi}}").unwrap_err();
        assert_eq!(wrong.remedy.unwrap(), "one of .exit_status .pid");
    }
}
