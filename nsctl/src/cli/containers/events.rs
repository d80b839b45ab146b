//! `nsctl events`: what happens to containers, while it happens.
//!
//! The state directory says that something changed; what did is told by comparing how it was with
//! how it is. So nothing has to be sent by anybody, and a run that was over between two looks
//! is told all the same.

mod form;

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use super::say;
use crate::args::EventsArgs;
use crate::containers::{Container, Containers, Status};
use crate::error::Error;
use form::Form;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use serde_json::Value;

/// Prints them until nsctl is ended.
pub fn events(args: &EventsArgs) -> Result<i32, Error> {
    let form = Form::of(args)?;
    let containers = Containers::open()?;
    let failed = |errno| Error::new(format!("cannot watch the containers: inotify: {errno}"));
    let watch = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).map_err(failed)?;
    watch.add_watch(&containers.directory(), AddWatchFlags::IN_MOVE).map_err(failed)?;
    // Renames, pauses and deaths.
    let changes = AddWatchFlags::IN_MOVED_TO
        | AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_CLOSE_WRITE;
    let mut known: BTreeMap<String, Container> = BTreeMap::new();
    let mut first = true;
    loop {
        let mut now = BTreeMap::new();
        for container in containers.all()? {
            if !known.contains_key(&container.id) {
                let _ = watch.add_watch(&container.path, changes);
            }
            now.insert(container.id.clone(), container);
        }
        if !first {
            for (id, container) in &now {
                for event in between(known.get(id), container) {
                    form.tell(&event, container)?;
                }
            }
            for (_, gone) in known.iter().filter(|(id, _)| !now.contains_key(*id)) {
                form.tell(&Event::new("destroy", nsshim::keep::now()), gone)?;
            }
        } else if args.json {
            // Who reads knows from here on that nothing is missed.
            say("{\"event\":\"ready\"}");
        }
        first = false;
        known = now;
        // One that is killed with its shim writes nothing: its lock is free.
        let limit = PollTimeout::from(1000u16);
        let _ = poll(&mut [PollFd::new(watch.as_fd(), PollFlags::POLLIN)], limit);
        while watch.read_events().is_ok() {}
    }
}

struct Event {
    what: &'static str,
    time: String,
    details: Vec<(&'static str, Value)>,
}

impl Event {
    fn new(what: &'static str, time: String) -> Self {
        Event { what, time, details: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.details.push((name, value.into()));
        self
    }
}

fn between(before: Option<&Container>, now: &Container) -> Vec<Event> {
    let time = nsshim::keep::now;
    let mut events = Vec::new();
    if before.is_none() {
        events.push(Event::new("create", now.about.created.clone()));
    }
    let was = before.map(|container| &container.state);
    let state = &now.state;
    if let Some(started) = &state.started
        && was.and_then(|was| was.started.as_ref()) != Some(started)
    {
        events.push(Event::new("start", started.clone()).with("pid", state.pid.unwrap_or(0)));
    }
    if let Some(finished) = &state.finished
        && was.and_then(|was| was.finished.as_ref()) != Some(finished)
    {
        let status = state.exit_status.unwrap_or(0);
        let mut event = Event::new("die", finished.clone()).with("exit_status", status);
        if let Some(killed) = state.oom_killed {
            event = event.with("oom_killed", killed);
        }
        for name in ["user_us", "system_us", "max_rss_kib"] {
            if let Some(number) = state.usage.as_ref().and_then(|usage| usage[name].as_u64()) {
                event = event.with(name, number);
            }
        }
        events.push(event);
    }
    let status = was.map(|was| was.status);
    if state.status == Status::Dead && status != Some(Status::Dead) {
        events.push(Event::new("die", time()));
    }
    match (status, state.status) {
        (Some(Status::Running), Status::Paused) => events.push(Event::new("pause", time())),
        (Some(Status::Paused), Status::Running) => events.push(Event::new("unpause", time())),
        _ => {}
    }
    if let Some(health) = &state.health
        && was.and_then(|was| was.health.as_ref()) != Some(health)
        && (health != "starting" || was.is_some_and(|was| was.health.is_some()))
    {
        events.push(Event::new("health_status", time()).with("health", health.as_str()));
    }
    if let Some(before) = before.filter(|before| before.about.name != now.about.name) {
        events.push(Event::new("rename", time()).with("old_name", before.about.name.as_str()));
    } else if before.is_some_and(|before| before.about != now.about) {
        events.push(Event::new("update", time()));
    }
    events
}
