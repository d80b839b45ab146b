//! Ending and pausing containers.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use super::each;
use crate::args::{KillArgs, NamesArgs, StopArgs};
use crate::containers::{Container, Pinned, Status};
use crate::error::Error;
use crate::resolve;

/// `nsctl stop`
pub fn stop(args: &StopArgs) -> Result<i32, Error> {
    let signal = args.signal.as_deref().map(resolve::signal).transpose()?;
    each(&args.names, |_, container| {
        let signal = signal.unwrap_or(container.about.stop_signal);
        end(&container, signal, Some(args.time.unwrap_or(container.about.stop_timeout)))?;
        Ok(container.about.name)
    })
}

/// Ends it, if it runs, by `signal`, and after `patience` seconds by SIGKILL.
pub fn end(container: &Container, signal: i32, patience: Option<u32>) -> Result<(), Error> {
    let name = &container.about.name;
    let state = &container.state;
    if matches!(state.status, Status::Exited | Status::Dead) {
        return Ok(());
    }
    // First, or the shim would start it again.
    File::create(container.path.join(nsshim::keep::STOP))
        .map_err(|error| Error::new(format!("cannot stop {name}: {error}")))?;
    if state.status == Status::Paused {
        go_on(container)?;
    }
    let first = state.pid.and_then(|pid| Pinned::open(pid, state.start_ticks));
    match first {
        Some(first) => {
            send(name, &first, signal)?;
            let patience = patience.map(|seconds| Duration::from_secs(u64::from(seconds)));
            if signal != libc::SIGKILL && !first.wait(patience) {
                send(name, &first, libc::SIGKILL)?;
            }
            first.wait(None);
        }
        // It is between two runs, or about to begin the first.
        None => {
            let shim = state.shim.and_then(|pid| Pinned::open(pid, state.shim_start_ticks));
            if let Some(shim) = shim {
                send(name, &shim, libc::SIGTERM)?;
            }
        }
    }
    container.wait_for_end();
    Ok(())
}

fn send(name: &str, to: &Pinned, signal: i32) -> Result<(), Error> {
    to.signal(signal)
        .map_err(|errno| Error::new(format!("cannot signal {name} (pid {}): {errno}", to.pid)))
}

/// `nsctl kill`
pub fn kill(args: &KillArgs) -> Result<i32, Error> {
    let signal = resolve::signal(&args.signal)?;
    each(&args.names, |_, container| {
        let name = container.about.name.clone();
        let state = &container.state;
        let first = state.pid.and_then(|pid| Pinned::open(pid, state.start_ticks));
        let Some(first) = first else {
            return Err(Error::new(format!("{name} is not running")));
        };
        if signal == libc::SIGKILL {
            File::create(container.path.join(nsshim::keep::STOP))
                .map_err(|error| Error::new(format!("cannot kill {name}: {error}")))?;
        }
        send(&name, &first, signal)?;
        if signal == libc::SIGKILL {
            container.wait_for_end();
        }
        Ok(name)
    })
}

/// `nsctl pause`
pub fn pause(names: &NamesArgs) -> Result<i32, Error> {
    each(names, |_, container| {
        let name = container.about.name.clone();
        match container.state.status {
            Status::Running => {}
            Status::Paused => return Err(Error::new(format!("{name} is paused already"))),
            _ => return Err(Error::new(format!("{name} is not running"))),
        }
        signal_all(&container, libc::SIGSTOP)?;
        File::create(container.path.join("paused"))
            .map_err(|error| Error::new(format!("cannot pause {name}: {error}")))?;
        Ok(name)
    })
}

/// `nsctl unpause`
pub fn unpause(names: &NamesArgs) -> Result<i32, Error> {
    each(names, |_, container| {
        if container.state.status != Status::Paused {
            return Err(Error::new(format!("{} is not paused", container.about.name)));
        }
        go_on(&container)?;
        Ok(container.about.name)
    })
}

fn go_on(container: &Container) -> Result<(), Error> {
    let _ = fs::remove_file(container.path.join("paused"));
    signal_all(container, libc::SIGCONT)
}

/// How long new processes may keep appearing while all are being stopped.
const PATIENCE: Duration = Duration::from_secs(5);

/// Signals every process of the container's pid namespace, and those that they make meanwhile.
fn signal_all(container: &Container, signal: i32) -> Result<(), Error> {
    let name = &container.about.name;
    let begin = Instant::now();
    let mut known: Vec<i32> = Vec::new();
    loop {
        let all = container.processes()?;
        let new: Vec<i32> = all.iter().copied().filter(|pid| !known.contains(pid)).collect();
        if new.is_empty() {
            return Ok(());
        }
        for pid in new {
            // One that ended meanwhile needs nothing.
            if let Some(process) = Pinned::open(pid, None)
                && container.processes_contain(pid)
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
