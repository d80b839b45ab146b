//! Which events are told, and how.

use serde_json::{Value, json};

use super::super::print;
use super::Event;
use crate::args::EventsArgs;
use crate::containers::Container;
use crate::error::Error;
use crate::template::{Field, Template, plain};

/// What `nsctl events` was asked for.
pub(super) struct Form {
    json: bool,
    template: Option<Template>,
    filters: Vec<Filter>,
}

enum Filter {
    Event(String),
    Container(String),
    Health(String),
}

/// What a template can show; what an event has not is empty.
const FIELDS: &[Field<Value>] = &[
    Field { name: "Time", title: "TIME", value: |event| event["time"].clone() },
    Field { name: "Event", title: "EVENT", value: |event| event["event"].clone() },
    Field { name: "Action", title: "EVENT", value: |event| event["event"].clone() },
    Field { name: "ID", title: "ID", value: |event| event["id"].clone() },
    Field { name: "Name", title: "NAME", value: |event| event["name"].clone() },
    Field { name: "OldName", title: "OLD NAME", value: |event| event["old_name"].clone() },
    Field { name: "PID", title: "PID", value: |event| event["pid"].clone() },
    Field { name: "ExitStatus", title: "EXIT", value: |event| event["exit_status"].clone() },
    Field { name: "Health", title: "HEALTH", value: |event| event["health"].clone() },
];

impl Form {
    pub fn of(args: &EventsArgs) -> Result<Self, Error> {
        let template = Template::asked(args.format.as_deref())?;
        template.iter().try_for_each(|template| template.check(FIELDS))?;
        if args.format.is_some() && template.as_ref().is_none_or(|template| template.is_table) {
            return Err(Error::new("--format table: events come one by one")
                .try_this("the template without table"));
        }
        let filters =
            args.filter.iter().map(|text| Filter::parse(text)).collect::<Result<_, _>>()?;
        Ok(Form { json: args.json, template, filters })
    }

    /// Prints it, if it is wanted.
    pub fn tell(&self, event: &Event, container: &Container) -> Result<(), Error> {
        let mut value = json!({"time": event.time, "event": event.what, "id": container.id,
                               "name": container.about.name});
        for (key, detail) in &event.details {
            value[*key] = detail.clone();
        }
        if !self.filters.iter().all(|filter| filter.lets(&value)) {
            return Ok(());
        }
        let line = match &self.template {
            Some(template) => template.line(&value, FIELDS),
            None if self.json => value.to_string(),
            None => {
                let details = event.details.iter();
                let details = details.map(|(key, value)| format!(" {key}={}", plain(value)));
                let (id, name) = (container.short_id(), &container.about.name);
                format!("{} {} {id} {name}{}", event.time, event.what, details.collect::<String>())
            }
        };
        print(&(line + "\n"))
    }
}

impl Filter {
    fn parse(text: &str) -> Result<Self, Error> {
        match text.split_once('=') {
            Some(("event", word)) => Ok(Filter::Event(word.into())),
            Some(("container", name)) => Ok(Filter::Container(name.into())),
            Some(("health", word)) => Ok(Filter::Health(word.into())),
            _ => Err(Error::new(format!("--filter {text}: no filter"))
                .try_this("event=WORD, container=NAME or health=STATUS")),
        }
    }

    fn lets(&self, event: &Value) -> bool {
        match self {
            Filter::Event(word) => event["event"] == word.as_str(),
            Filter::Container(word) => {
                let id = event["id"].as_str().unwrap_or_default();
                event["name"] == word.as_str() || (word.len() >= 3 && id.starts_with(word.as_str()))
            }
            Filter::Health(word) => event["health"] == word.as_str(),
        }
    }
}
