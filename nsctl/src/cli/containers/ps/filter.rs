//! `nsctl ps --filter`

use crate::containers::{Container, Status};
use crate::error::Error;

/// docker's words.
const HEALTH: [&str; 4] = ["starting", "healthy", "unhealthy", "none"];

/// `--filter`
pub(super) enum Filter {
    Name(String),
    Id(String),
    Status(String),
    Label(String),
    Health(String),
    Pod(String),
    Exited(u8),
}

impl Filter {
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::new(format!("--filter {text}: no filter")).try_this(
                "name=TEXT, id=TEXT, status=STATUS, label=KEY[=VALUE], health=STATUS, pod=NAME or \
                 exited=CODE",
            )
        };
        let (key, value) = text.split_once('=').ok_or_else(wrong)?;
        Ok(match key {
            "name" => Filter::Name(value.into()),
            "id" => Filter::Id(value.into()),
            "status" => Filter::Status(value.into()),
            "label" => Filter::Label(value.into()),
            "health" if HEALTH.contains(&value) => Filter::Health(value.into()),
            "health" => {
                return Err(Error::new(format!("--filter {text}: no such health"))
                    .try_this(HEALTH.join(", ")));
            }
            "pod" => Filter::Pod(value.into()),
            "exited" => Filter::Exited(value.parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        })
    }

    /// Whether those that ended are asked for, too.
    pub fn asks_for_status(&self) -> bool {
        matches!(self, Filter::Status(_) | Filter::Exited(_))
    }

    pub fn lets(&self, container: &Container) -> bool {
        match self {
            Filter::Name(text) => container.about.name.contains(text.as_str()),
            Filter::Id(text) => container.id.starts_with(text.as_str()),
            Filter::Status(text) => container.state.status.word() == text,
            Filter::Health(text) => {
                container.state.health.as_deref().unwrap_or("none") == text.as_str()
            }
            Filter::Pod(name) => container.about.pod == *name,
            Filter::Exited(code) => {
                container.state.status == Status::Exited
                    && container.state.exit_status == Some(*code)
            }
            Filter::Label(text) => container
                .about
                .labels
                .iter()
                .any(|label| label == text || label.split('=').next() == Some(text)),
        }
    }
}
