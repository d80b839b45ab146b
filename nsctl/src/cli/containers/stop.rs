//! Ending containers.

use std::fs::File;
use std::time::{Duration, Instant};

use super::pause::go_on;
use super::{each, send};
use crate::args::{KillArgs, StopArgs};
use crate::containers::{Container, Pinned, State, Status, Watch};
use crate::error::Error;
use crate::{pods, resolve};

/// `nsctl stop`
pub fn stop(args: &StopArgs) -> Result<i32, Error> {
    let signal = args.signal.as_deref().map(resolve::signal).transpose()?;
    let stop = |container: &Container| {
        let signal = signal.unwrap_or(container.about.stop_signal);
        end(container, signal, Some(args.time.unwrap_or(container.about.stop_timeout)))
    };
    each(&args.names, |containers, container| {
        if args.force {
            pods::members(containers, &container)?.iter().try_for_each(stop)?;
        } else {
            refuse_pod_in_use(&container)?;
        }
        stop(&container)?;
        Ok(container.about.name)
    })
}

/// A pod holds what its members are in, and their next start would make another.
pub fn refuse_pod_in_use(container: &Container) -> Result<(), Error> {
    if !container.about.is_pod || !pods::has_members(container) {
        return Ok(());
    }
    let name = &container.about.name;
    Err(Error::new(format!("the pod {name} has members that run"))
        .because("it ends by itself with the last of them")
        .try_this(format!("nsctl stop -f {name}, to stop them, too")))
}

/// Ends it, if it runs, by `signal`, and after `patience` seconds by SIGKILL.
///
/// In whatever state it is met, and whatever it becomes meanwhile: it may be being made, or be
/// made again.
pub fn end(container: &Container, signal: i32, patience: Option<u32>) -> Result<(), Error> {
    let name = &container.about.name;
    let patience = patience.map(|seconds| Duration::from_secs(u64::from(seconds)));
    // What is gone has ended.
    let Ok(watch) = Watch::of(&container.path) else { return Ok(()) };
    let mut asked: Option<(i32, Instant)> = None;
    loop {
        let state = State::read(&container.path);
        if matches!(state.status, Status::Exited | Status::Dead) {
            container.wait_for_shim();
            return container.end_groups_left();
        }
        // First, or the shim would start it again; and who starts it again takes it away.
        match File::create(container.path.join(nsshim::keep::STOP)) {
            Err(error) if container.path.exists() && container.about.restart != "no" => {
                return Err(Error::new(format!("cannot stop {name}: {error}")));
            }
            _ => {}
        }
        if state.status == Status::Paused {
            go_on(container, &state)?;
        }
        let first = state.pid.and_then(|pid| Pinned::open(pid, state.start_ticks));
        let Some(first) = first else {
            // A pause before it is made again ends by a signal. While it is being made
            // there is nobody to signal, but that takes no longer than a start.
            let rests = state.status == Status::Restarting;
            let shim = state.shim.and_then(|pid| Pinned::open(pid, state.shim_start_ticks));
            if let Some(shim) = shim.filter(|_| rests) {
                send(name, &shim, libc::SIGTERM)?;
            }
            watch.wait(LOOK_AGAIN);
            continue;
        };
        let since = match asked {
            Some((pid, since)) if pid == first.pid => since,
            _ => {
                send(name, &first, signal)?;
                let now = Instant::now();
                asked = Some((first.pid, now));
                now
            }
        };
        let left = patience.map(|patience| patience.saturating_sub(since.elapsed()));
        if signal != libc::SIGKILL && !first.wait(left) {
            send(name, &first, libc::SIGKILL)?;
        }
        first.wait(None);
        // It may come back, or another may have started it again.
        while State::read(&container.path).pid == Some(first.pid) {
            watch.wait(LOOK_AGAIN);
        }
    }
}

/// How long a change may be missed, such as the death of a shim that was killed.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// `nsctl kill`
pub fn kill(args: &KillArgs) -> Result<i32, Error> {
    let signal = resolve::signal(&args.signal)?;
    each(&args.names, |_, container| {
        let name = container.about.name.clone();
        refuse_pod_in_use(&container)?;
        let state = &container.state;
        let first = state.pid.and_then(|pid| Pinned::open(pid, state.start_ticks));
        let Some(first) = first else {
            // Of one that was killed with its shim something may live on.
            if state.status == Status::Dead && !container.groups().is_empty() {
                container.end_groups_left()?;
                return Ok(name);
            }
            return Err(Error::new(format!("{name} is not running")));
        };
        match signal {
            libc::SIGKILL => end(&container, signal, None)?,
            _ => send(&name, &first, signal)?,
        }
        Ok(name)
    })
}
