//! `nsctl stats`: what containers use.

mod form;
mod measured;
mod watched;

use std::time::Duration;

use serde_json::{Value, json};

use self::form::Form;
use self::measured::Measured;
use self::watched::Watched;
use crate::args::StatsArgs;
use crate::containers::{Container, Containers};
use crate::error::Error;

/// Between two looks: the processor's share is what was used in between.
const INTERVAL: Duration = Duration::from_secs(1);

/// Prints them, once or every second.
pub fn stats(args: &StatsArgs) -> Result<i32, Error> {
    let form = Form::of(args)?;
    let containers = Containers::open()?;
    let mut named = (!args.containers.is_empty()).then(|| Watched::new(&args.containers));
    let mut before: Vec<(String, Measured)> = Vec::new();
    loop {
        let now = match &mut named {
            Some(watched) => watched.look(&containers),
            None => all(&containers)?,
        };
        let status = named.as_ref().map_or(0, |watched| watched.status);
        if !args.no_stream && named.as_ref().is_some_and(Watched::is_over) {
            return Ok(status);
        }
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

/// All that can be counted.
fn all(containers: &Containers) -> Result<Vec<(Container, Measured)>, Error> {
    let measured = |one: Container| Measured::of(&one).ok().map(|used| (one, used));
    Ok(containers.all()?.into_iter().filter_map(measured).collect())
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
