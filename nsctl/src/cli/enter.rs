//! `nsctl enter`: a command in namespaces that exist.

mod attached;
mod cgroup;
mod place;
mod socket;
mod sources;

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nsshim::Host;
use nsshim::spec::{Kind, Together};

use crate::args::{EnterArgs, RunArgs};
use crate::error::Error;
use crate::inherited::Inherited;
use crate::scan::{Pinned, Target};
use crate::{foreground, resolve};

pub use attached::apart;
use place::{has_no_terminals, root, shell, workdir};
use sources::{Source, asked, named, needs_process};

/// Runs it and returns its exit status.
///
/// It is a `run` that joins what is asked for, makes nothing and takes no right away. The process
/// is held by a descriptor and its namespaces are joined by that, setns(2): so they are surely
/// its own, and the kernel finds the order of nested user namespaces.
pub fn enter(args: EnterArgs, inherited: &Inherited) -> Result<i32, Error> {
    let (word, command) = split(&args)?;
    let target = word.as_deref().map(Target::find).transpose()?;
    let process = match &target {
        Some(Target::Process(process)) => Some(process),
        _ => None,
    };
    process.map_or(Ok(()), Pinned::check)?;
    let asked = asked(&args, target.as_ref())?;

    let mut run = RunArgs { no_init: true, ..RunArgs::default() };
    run.rights.privileged = true;
    run.rights.keep_keyring = true;
    let joins = asked.sources.iter().any(|(_, source)| *source != Source::Nothing);
    for (kind, source) in &asked.sources {
        let typed = match source {
            Source::Path(path) => joined(path)?,
            Source::Process(pid) => format!("pid:{pid}"),
            // Without rights here, run joins what owns the others.
            Source::Nothing if *kind == Kind::User && joins => continue,
            Source::Nothing => "host".into(),
        };
        run.set_namespace(*kind, typed);
    }
    let mounts = asked.enters(Kind::Mnt);
    let root = root(&args, process, mounts)?;
    run.command = match command.is_empty() {
        true => vec![shell(process, mounts)],
        false => command,
    };

    run.tty = args.tty;
    run.no_tty = args.no_tty || (!args.tty && has_no_terminals(process, mounts));
    run.workdir = workdir(&args, process, mounts || root.is_some())?;
    run.preserve_credentials = args.preserve_credentials;
    if args.keep_caps {
        run.rights.cap_ambient = capabilities(&run);
    }
    run.user = match (&args.setuid, &args.setgid) {
        (None, None) => None,
        (uid, gid) => {
            let or_root = |id: &Option<String>| id.clone().unwrap_or_else(|| "0".into());
            Some(format!("{}:{}", or_root(uid), or_root(gid)))
        }
    };
    if args.env {
        environment(&mut run, process)?;
    }
    if args.join_cgroup {
        let process = process.ok_or_else(|| {
            Error::new("--join-cgroup takes a process's control groups, and none was named")
                .try_this("nsctl enter --join-cgroup PID")
        })?;
        run.cgroup.joined = cgroup::groups(process)?;
    }
    if let Some(process) = process {
        run.together = Some(together(process, &asked.sources, root)?);
    }
    let resolved = resolve::run(run, inherited)?;
    // All that was read by its number was its own, if it lives still.
    process.map_or(Ok(()), Pinned::check)?;
    // All that is open is closed by its number there.
    drop((target, asked.held));
    foreground::run(resolved)
}

/// The target's word and the command.
fn split(args: &EnterArgs) -> Result<(Option<String>, Vec<OsString>), Error> {
    let files = named(args).iter().any(|(_, asked)| matches!(asked, Some(Some(_))))
        || args.net_socket.is_some();
    if let Some(target) = &args.target {
        return Ok((Some(target.clone()), args.words.clone()));
    }
    match args.words.split_first() {
        // nsenter's: with files for all that is entered no process is needed.
        _ if files && !needs_process(args) => Ok((None, args.words.clone())),
        Some((target, command)) => {
            let text = target.to_str().ok_or_else(|| {
                Error::new(format!("no such process, container or namespace: {target:?}"))
            })?;
            // Only what stands before the first word is clap's to skip.
            let command = match command.split_first() {
                Some((first, rest)) if first == "--" => rest,
                Some((first, _)) if first.as_bytes().starts_with(b"-") => {
                    let option = first.display();
                    return Err(Error::new(format!("{option} stands behind {text}"))
                        .because("what stands behind the target is the command")
                        .try_this(format!("nsctl enter {option} … {text} COMMAND")));
                }
                _ => command,
            };
            Ok((Some(text.to_string()), command.to_vec()))
        }
        None => Err(Error::new("nothing to enter was named")
            .try_this("nsctl enter TARGET [COMMAND], with a pid, a container or a namespace file")),
    }
}

fn joined(path: &Path) -> Result<String, Error> {
    let text = path.to_str().ok_or_else(|| {
        Error::new(format!("cannot enter {}: its path is not UTF-8", path.display()))
            .try_this("a link to it with another name")
    })?;
    Ok(format!("path:{text}"))
}

fn together(
    process: &Pinned,
    asked: &[(Kind, Source)],
    root: Option<PathBuf>,
) -> Result<Together, Error> {
    let its =
        |(kind, source): &(Kind, Source)| matches!(source, Source::Process(_)).then_some(*kind);
    let kinds = asked.iter().filter_map(its).collect();
    let fd = process.fd.try_clone();
    let fd = fd.map_err(|error| Error::new(format!("cannot hold the process: {error}")))?;
    Ok(Together { process: fd, pid: process.pid, kinds, root })
}

/// What can be kept: in a user namespace that is entered everything, else what the caller has.
fn capabilities(run: &RunArgs) -> Vec<String> {
    let host = Host::probe();
    if run.userns.is_some() || !host.is_privileged() {
        return vec!["ALL".into()];
    }
    let has = |capability: &caps::Capability| host.has(*capability);
    caps::all().into_iter().filter(has).map(|capability| capability.to_string()).collect()
}

/// The process's environment.
fn environment(run: &mut RunArgs, process: Option<&Pinned>) -> Result<(), Error> {
    let Some(process) = process else {
        return Err(Error::new("--env takes a process's environment, and none was named")
            .try_this("nsctl enter --env PID"));
    };
    let path = format!("/proc/{}/environ", process.pid);
    let text = fs::read(&path).map_err(|error| {
        Error::new(format!("cannot read {path}: {error}")).try_this("sudo nsctl enter …")
    })?;
    let variables = text.split(|&byte| byte == 0).filter(|variable| {
        // A process may have anything there.
        variable.iter().position(|&byte| byte == b'=').is_some_and(|at| at > 0)
    });
    run.clear_env = true;
    run.env = variables.map(|variable| OsString::from_vec(variable.to_vec())).collect();
    Ok(())
}
