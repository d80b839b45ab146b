//! `nsctl stats`: what containers use.

mod form;
mod measured;

use std::time::Duration;

use serde_json::{Value, json};

use self::form::Form;
use self::measured::Measured;
use crate::args::StatsArgs;
use crate::containers::{Container, Containers, Status};
use crate::error::{self, Error};

/// Between two looks: the processor's share is what was used in between.
const INTERVAL: Duration = Duration::from_secs(1);

/// Prints them, once or every second.
pub fn stats(args: &StatsArgs) -> Result<i32, Error> {
    let form = Form::of(args)?;
    let containers = Containers::open()?;
    let mut before: Vec<(String, Measured)> = Vec::new();
    let mut status = 0;
    loop {
        let (found, failed) = chosen(&containers, &args.containers)?;
        status = failed.unwrap_or(status);
        let now: Vec<(Container, Measured)> = found
            .into_iter()
            .filter_map(|one| Measured::of(&one).map(|used| (one, used)))
            .collect();
        if !before.is_empty() || now.is_empty() {
            show(&now, &before, &form)?;
            if args.no_stream {
                return Ok(status);
            }
        }
        before = now.into_iter().map(|(container, used)| (container.id, used)).collect();
        std::thread::sleep(INTERVAL);
    }
}

fn chosen(
    containers: &Containers,
    names: &[String],
) -> Result<(Vec<Container>, Option<i32>), Error> {
    if names.is_empty() {
        return Ok((containers.all()?, None));
    }
    let mut failed = None;
    let mut found = Vec::new();
    for name in names {
        match containers.find(name) {
            Ok(container) if matches!(container.state.status, Status::Running | Status::Paused) => {
                found.push(container);
            }
            Ok(container) => {
                let error = Error::new(format!("{} is not running", container.about.name));
                failed = Some(error::report(&error));
            }
            Err(error) => failed = Some(error::report(&error)),
        }
    }
    Ok((found, failed))
}

fn show(
    now: &[(Container, Measured)],
    before: &[(String, Measured)],
    form: &Form,
) -> Result<(), Error> {
    let describe = |(container, used): &(Container, Measured)| {
        let was = before.iter().find(|(id, _)| *id == container.id);
        as_json(container, used, was.map_or(0.0, |(_, before)| used.percent(before)))
    };
    form.show(now.iter().map(describe).collect())
}

/// Each number, and the file that it comes from.
fn as_json(container: &Container, used: &Measured, percent: f64) -> Value {
    let mut value = json!({
        "id": container.id, "name": container.about.name, "cpu_percent": percent,
    });
    let mut sources = json!({"cpu_percent": used.cpu_us.source});
    for (name, counted) in [
        ("cpu_us", Some(used.cpu_us)),
        ("memory_bytes", Some(used.memory)),
        ("memory_peak_bytes", used.memory_peak),
        ("processes", Some(used.processes)),
        ("tasks", Some(used.tasks)),
        ("read_bytes", used.read),
        ("written_bytes", used.written),
    ] {
        value[name] = counted.map(|counted| counted.value).into();
        sources[name] = counted.map(|counted| counted.source).into();
    }
    value["sources"] = sources;
    value
}
