//! `nsctl exec`: another process in a container that runs.

use nsshim::spec::{Kind, Together};

use crate::args::{ExecArgs, ForExec, RunArgs};
use crate::containers::{Container, Containers, Pinned, Request, State, Status};
use crate::error::Error;
use crate::inherited::Inherited;
use crate::scan::{self, links_of};
use crate::{detached, foreground, resolve};

/// Runs it and returns its exit status.
///
/// It is a `run` that joins all of the container's namespaces, with the container's
/// rights, environment, user and directory: so it is never half inside (CVE-2016-9962),
/// and no descriptor of the host's goes along (CVE-2024-21626).
pub fn exec(args: ExecArgs, inherited: &Inherited) -> Result<i32, Error> {
    let container = Containers::open()?.find(&args.container)?;
    let name = &container.about.name;
    let pid = match (container.state.status, container.state.pid) {
        (Status::Running, Some(pid)) => pid,
        (Status::Paused, _) => {
            return Err(
                Error::new(format!("{name} is paused")).try_this(format!("nsctl unpause {name}"))
            );
        }
        _ => {
            return Err(Error::new(format!("{name} is not running"))
                .try_this(format!("nsctl start {name}")));
        }
    };
    let request = Request::read(&container.path)
        .ok_or_else(|| Error::new(format!("how {name} was asked for cannot be read")))?;
    let first = match request.plain {
        true => ForExec::default(),
        false => super::super::parse_run(&request.arguments)?.for_exec(),
    };

    let mut run = RunArgs { command: args.command, no_init: true, ..RunArgs::default() };
    run.clear_env = true;
    // Pinned before what is read by its number, and before it is looked at once more.
    let process = scan::Pinned::open(pid)
        .map_err(|_| Error::new(format!("{} ended meanwhile", container.about.name)))?;
    let mut kinds = Vec::new();
    // What cannot be read of it differs: who joins it says why.
    let its = links_of(pid).unwrap_or_default();
    let us = std::process::id() as i32;
    let own = links_of(us).map_err(|errno| scan::unreadable(us, errno))?;
    for kind in Kind::ALL {
        if its[kind as usize] != own[kind as usize] {
            run.set_namespace(kind, format!("pid:{pid}"));
            kinds.push(kind);
        } else if kind != Kind::User {
            // Else it would get a new one.
            run.set_namespace(kind, "host".into());
        }
    }
    run.together = Some(Together { process: process.fd, pid, kinds, root: None });
    run.env = request.environment;
    run.env.extend(args.env);
    run.user = args.user.or(first.user);
    run.groups = first.groups;
    run.workdir = args.workdir.or(first.workdir);
    run.rights = first.rights;
    run.rights.privileged |= args.privileged;
    run.umask = first.umask;
    run.tty = args.tty;
    run.interactive = args.interactive;
    run.no_tty = args.detach;
    let ended = join_and_run(&container, pid, run, args.detach, inherited);
    ended.map_err(|error| {
        // What cannot be done in a container that ends says so in strange ways.
        if error.status == crate::exit::OWN_FAILURE && !still_runs(&container, pid) {
            return Error::new(format!("{} ended meanwhile", container.about.name));
        }
        error
    })
}

fn join_and_run(
    container: &Container,
    pid: i32,
    mut run: RunArgs,
    detach: bool,
    inherited: &Inherited,
) -> Result<i32, Error> {
    run.cgroup.joined = container.groups_to_join(pid)?;
    let resolved = resolve::run(run, inherited)?;
    // It is held now. Were the pid another's by now, the lock would be free.
    if State::read(&container.path).pid != Some(pid) {
        return Err(Error::new(format!("{} ended meanwhile", container.about.name)));
    }
    match detach {
        true => detached::leave(resolved, &container.path),
        false => foreground::run(resolved),
    }
}

/// Whether that is its first process still, and it lives: its end is seen before its shim says so.
fn still_runs(container: &Container, pid: i32) -> bool {
    let state = State::read(&container.path);
    let first = Pinned::open(pid, state.start_ticks);
    state.pid == Some(pid) && first.is_some_and(|first| first.lives())
}
