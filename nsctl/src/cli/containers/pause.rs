//! Pausing containers: by the freezer of their control group, which they cannot see, or else by
//! stopping each of their processes.

use std::fs;
use std::time::{Duration, Instant};

use nsshim::cgroup::Group;

use super::each;
use super::send;
use crate::args::NamesArgs;
use crate::containers::{Container, Pinned, State, Status, is_of};
use crate::error::Error;

/// What pauses where nothing freezes.
const BY_SIGNAL: &str = "SIGSTOP";

/// `nsctl pause`
pub fn pause(names: &NamesArgs) -> Result<i32, Error> {
    each(names, |_, container| {
        let name = container.about.name.clone();
        match container.state.status {
            Status::Running => {}
            Status::Paused => return Err(Error::new(format!("{name} is paused already"))),
            _ => return Err(Error::new(format!("{name} is not running"))),
        }
        let groups = container.groups();
        let freezer = groups.iter().find_map(|group| Some((group, group.freezer()?)));
        // First: what stands still and is not said to be paused would never go on.
        let by = freezer.map_or(BY_SIGNAL, |(_, file)| file);
        container
            .state
            .note_paused(&container.path, by)
            .map_err(|error| Error::new(format!("cannot pause {name}: {error}")))?;
        let paused = match freezer {
            Some((group, file)) => freeze(&name, group, file),
            None => signal_all(&container, &container.state, libc::SIGSTOP),
        };
        paused.map(|()| name).inspect_err(|_| {
            // What stands still already goes on.
            let _ = go_on(&container, &State::read(&container.path));
            let _ = fs::remove_file(container.path.join("paused"));
        })
    })
}

fn freeze(name: &str, group: &Group, file: &str) -> Result<(), Error> {
    group.freeze(PATIENCE).map_err(|errno| {
        let path = group.path().join(file);
        let error = Error::new(format!(
            "cannot pause {name}: write({:?}): {errno}",
            path.display().to_string()
        ));
        match errno {
            nix::errno::Errno::ETIMEDOUT => error
                .because("one of its processes waits in the kernel, for a disk or another machine"),
            _ => error,
        }
    })
}

/// `nsctl unpause`
pub fn unpause(names: &NamesArgs) -> Result<i32, Error> {
    each(names, |_, container| {
        if container.state.status != Status::Paused {
            return Err(Error::new(format!("{} is not paused", container.about.name)));
        }
        go_on(&container, &container.state)?;
        Ok(container.about.name)
    })
}

/// Lets all of it go on, whatever stopped it.
pub(super) fn go_on(container: &Container, state: &State) -> Result<(), Error> {
    let by_signal = state.paused_by.as_deref().is_none_or(|by| by == BY_SIGNAL);
    if by_signal {
        signal_all(container, state, libc::SIGCONT)?;
    } else {
        for group in container.groups().iter().filter(|group| group.freezer().is_some()) {
            group.thaw().map_err(|errno| {
                let (name, path) = (&container.about.name, group.path().display());
                Error::new(format!("cannot unpause {name}: thaw {path}: {errno}"))
            })?;
        }
    }
    let _ = fs::remove_file(container.path.join("paused"));
    Ok(())
}

/// How long new processes may keep appearing while all are being stopped.
const PATIENCE: Duration = Duration::from_secs(5);

/// Signals every process of the container's pid namespace, and those that they make meanwhile.
fn signal_all(container: &Container, state: &State, signal: i32) -> Result<(), Error> {
    let name = &container.about.name;
    let begin = Instant::now();
    let mut known: Vec<i32> = Vec::new();
    loop {
        let all = container.processes(state)?;
        let new: Vec<i32> = all.iter().copied().filter(|pid| !known.contains(pid)).collect();
        if new.is_empty() {
            return Ok(());
        }
        for pid in new {
            // One that ended meanwhile needs nothing.
            if let Some(process) = Pinned::open(pid, None)
                && is_of(state, pid)
            {
                send(name, &process, signal)?;
            }
            known.push(pid);
        }
        if begin.elapsed() > PATIENCE {
            return Err(Error::new(format!("{name} makes processes faster than they are stopped")));
        }
    }
}
