//! How `nsctl stats` shows what it measured.

use std::io::IsTerminal;

use serde_json::Value;

use super::super::{print, say};
use crate::args::StatsArgs;
use crate::error::Error;
use crate::template::{Field, Template};

/// How they are shown.
pub(super) enum Form {
    Table,
    Json,
    Template(Template),
}

impl Form {
    pub fn of(args: &StatsArgs) -> Result<Self, Error> {
        match Template::asked(args.format.as_deref())? {
            None if args.json => Ok(Form::Json),
            None => Ok(Form::Table),
            Some(template) => template.check(FIELDS).map(|()| Form::Template(template)),
        }
    }

    /// Prints it.
    pub fn show(&self, all: Vec<Value>) -> Result<(), Error> {
        let usual;
        let template = match self {
            Form::Json => {
                say(&Value::from(all).to_string());
                return Ok(());
            }
            Form::Template(template) => template,
            Form::Table => {
                usual = Template::parse(USUAL)?;
                &usual
            }
        };
        // Home and clear, as watch(1) does, where a person looks.
        let clears = template.is_table && std::io::stdout().is_terminal();
        let clear = if clears { "\x1b[H\x1b[J" } else { "" };
        print(&format!("{clear}{}", template.lines(&all, FIELDS)))
    }
}

/// docker's names for what is in the JSON.
const FIELDS: &[Field<Value>] = &[
    Field { name: "ID", title: "ID", value: |one| short(one).into() },
    Field { name: "Name", title: "NAME", value: |one| one["name"].clone() },
    Field { name: "CPUPerc", title: "CPU %", value: |one| percent(one).into() },
    Field { name: "MemUsage", title: "MEMORY", value: |one| memory(one).into() },
    Field { name: "MemBytes", title: "MEMORY", value: |one| one["memory_bytes"].clone() },
    Field { name: "PIDs", title: "PROCESSES", value: |one| one["processes"].clone() },
];

fn short(one: &Value) -> String {
    one["id"].as_str().unwrap_or_default().chars().take(12).collect()
}

fn percent(one: &Value) -> String {
    format!("{:.1}", one["cpu_percent"].as_f64().unwrap_or_default())
}

fn memory(one: &Value) -> String {
    let bytes = one["memory_bytes"].as_u64().unwrap_or_default();
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// What is shown when nothing was said.
const USUAL: &str = "table {{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.PIDs}}\t{{.ID}}";
