//! The verbs about containers that live on their own.

mod attach;
mod cp;
mod events;
mod exec;
mod inspect;
mod logs;
mod pause;
mod ps;
mod stats;
mod stop;
mod top;
mod update;

use std::io::Write;

use crate::args::{NamesArgs, RenameArgs, RmArgs};
use crate::containers::{Container, Containers, Pinned, Status, sweep_groups};
use crate::error::{self, Error};
use crate::pods;

pub use attach::{Keys, Session, attach};
pub use cp::cp;
pub use events::events;
pub use exec::exec;
pub use inspect::inspect;
pub use logs::logs;
pub use pause::{pause, unpause};
pub use ps::ps;
pub use stats::stats;
pub use stop::{kill, stop};
pub use top::top;
pub use update::update;

/// Does it for each name; goes on after one that failed, and says so by the status.
fn each(
    names: &NamesArgs,
    mut deed: impl FnMut(&Containers, Container) -> Result<String, Error>,
) -> Result<i32, Error> {
    let containers = Containers::open()?;
    let mut status = 0;
    for name in &names.containers {
        match containers.find(name).and_then(|container| deed(&containers, container)) {
            Ok(said) => say(&said),
            Err(error) => status = error::report(&error),
        }
    }
    Ok(status)
}

/// A line for whoever reads.
fn say(text: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{text}").and_then(|()| output.flush());
}

/// Lines for whoever reads, who may have gone.
fn print(text: &str) -> Result<(), Error> {
    let mut output = std::io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(|error| Error::new(format!("cannot print: {error}")))
}

/// `nsctl wait`: waits for the ends and prints the exit statuses.
pub fn wait(names: &NamesArgs) -> Result<i32, Error> {
    each(names, |_, mut container| {
        // Of one that is removed at its end only its shim can say how it ended.
        if let Some(status) = attach::wait_for_end(&container) {
            return Ok(status.to_string());
        }
        container.wait_for_end();
        container.look_again();
        match container.state.exit_status {
            Some(status) => Ok(status.to_string()),
            None => Err(Error::new(format!(
                "how {} ended is not known: it was killed together with its shim",
                container.about.name
            ))),
        }
    })
}

/// `nsctl rm`
pub fn rm(args: &RmArgs) -> Result<i32, Error> {
    each(&args.names, |containers, container| {
        if args.force {
            for member in pods::members(containers, &container)? {
                stop::end(&member, libc::SIGKILL, None)?;
                // One that removes itself is gone by now, or is about to be.
                let _ = containers.remove(&member);
            }
            stop::end(&container, libc::SIGKILL, None)?;
        }
        containers.remove(&container)?;
        Ok(container.about.name)
    })
}

/// `nsctl prune`: removes all that ended.
pub fn prune() -> Result<i32, Error> {
    let containers = Containers::open()?;
    containers.sweep();
    sweep_groups();
    let mut status = 0;
    for container in containers.all()? {
        if !matches!(container.state.status, Status::Exited | Status::Dead) {
            continue;
        }
        match containers.remove(&container) {
            Ok(()) => say(&container.about.name),
            Err(error) => status = error::report(&error),
        }
    }
    Ok(status)
}

/// `nsctl rename`
pub fn rename(args: &RenameArgs) -> Result<i32, Error> {
    let containers = Containers::open()?;
    let container = containers.find(&args.container)?;
    if container.about.is_pod {
        return Err(Error::new(format!("the pod {} keeps its name", container.about.name))
            .because("its members find it by that when they are started again"));
    }
    containers.rename(&container, &args.name)?;
    Ok(0)
}

/// `nsctl start` and `nsctl restart`: asks again as it was asked.
pub fn start(names: &NamesArgs, stop_first: bool) -> Result<i32, Error> {
    each(names, |_, mut container| {
        let name = container.about.name.clone();
        if stop_first {
            let about = &container.about;
            stop::end(&container, about.stop_signal, Some(about.stop_timeout))?;
            container.look_again();
        }
        if !matches!(container.state.status, Status::Exited | Status::Dead) {
            return Err(Error::new(format!("{name} runs already")));
        }
        ask_again(&container)?;
        Ok(name)
    })
}

/// Another nsctl, as the first was: its directory, its environment, its words.
fn ask_again(container: &Container) -> Result<(), Error> {
    use std::os::unix::ffi::OsStrExt;
    let name = &container.about.name;
    let request = crate::containers::Request::read(&container.path)
        .ok_or_else(|| Error::new(format!("how {name} was asked for cannot be read")))?;
    let mut command = std::process::Command::new("/proc/self/exe");
    let mut words = request.arguments.iter();
    let mut again = std::ffi::OsString::from("--again=");
    again.push(&container.path);
    command.args(words.next()).arg(again).args(words);
    command.current_dir(&request.directory).env_clear();
    for variable in &request.callers_environment {
        let bytes = variable.as_bytes();
        let at = bytes.iter().skip(1).position(|&byte| byte == b'=').map(|at| at + 1);
        if let Some(at) = at {
            let os = std::ffi::OsStr::from_bytes;
            command.env(os(&bytes[..at]), os(&bytes[at + 1..]));
        }
    }
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let status = command.status().map_err(|error| {
        let directory = request.directory.display();
        Error::new(format!("cannot start {name} again in {directory}, where it was: {error}"))
    })?;
    match status.code() {
        Some(0) => Ok(()),
        // It has said why.
        code => Err(Error::new(format!("{name} was not started"))
            .with_status(code.unwrap_or(crate::exit::OWN_FAILURE))),
    }
}

/// Sends a signal to a process of a container.
fn send(name: &str, to: &Pinned, signal: i32) -> Result<(), Error> {
    to.signal(signal)
        .map_err(|errno| Error::new(format!("cannot signal {name} (pid {}): {errno}", to.pid)))
}
