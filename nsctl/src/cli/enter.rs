//! `nsctl enter`: a command in namespaces that exist.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;
use nsshim::spec::{Kind, Together};
use nsshim::{Host, sys};

use crate::args::{EnterArgs, RunArgs};
use crate::error::Error;
use crate::inherited::Inherited;
use crate::scan::{self, One, Pinned, Target};
use crate::{foreground, resolve};

/// Runs it and returns its exit status.
///
/// It is a `run` that joins what is asked for, makes nothing and takes no right away. The process
/// is held by a descriptor and its namespaces are joined by that, setns(2): so they are surely
/// its own, and the kernel finds the order of nested user namespaces.
pub fn enter(args: EnterArgs, inherited: &Inherited) -> Result<i32, Error> {
    let (word, command) = split(&args)?;
    let target = word.as_deref().map(Target::find).transpose()?;
    let asked = asked(&args, target.as_ref())?;

    let mut run = RunArgs { no_init: true, ..RunArgs::default() };
    run.rights.privileged = true;
    run.rights.keep_keyring = true;
    let joins = asked.iter().any(|(_, source)| *source != Source::Nothing);
    for (kind, source) in &asked {
        let typed = match source {
            Source::Path(path) => joined(path)?,
            Source::Process(pid) => format!("pid:{pid}"),
            // Without rights here, run joins what owns the others.
            Source::Nothing if *kind == Kind::User && joins => continue,
            Source::Nothing => "host".into(),
        };
        run.set_namespace(*kind, typed);
    }
    let process = match &target {
        Some(Target::Process(process)) => Some(process),
        _ => None,
    };
    let enters =
        |kind| asked.iter().any(|(other, source)| *other == kind && *source != Source::Nothing);
    let root = root(&args, process, enters(Kind::Mnt))?;
    run.command = match command.is_empty() {
        true => vec![shell(process, enters(Kind::Mnt))],
        false => command,
    };

    run.tty = args.tty;
    run.no_tty = args.no_tty || (!args.tty && has_no_terminals(process, enters(Kind::Mnt)));
    run.workdir = workdir(&args, process, enters(Kind::Mnt) || root.is_some())?;
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
    if let Some(process) = process {
        run.together = Some(together(process, &asked, root)?);
    }
    let resolved = resolve::run(run, inherited)?;
    // All that was read by its number was its own, if it lives still.
    if let Some(process) = process.filter(|process| !process.lives()) {
        return Err(Error::new(format!("process {} ended meanwhile", process.pid)));
    }
    // All that is open is closed by its number there.
    drop(target);
    foreground::run(resolved)
}

/// Where a namespace comes from.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    Process(i32),
    Path(PathBuf),
    Nothing,
}

/// The target's word and the command.
fn split(args: &EnterArgs) -> Result<(Option<String>, Vec<OsString>), Error> {
    let files = named(args).iter().any(|(_, asked)| matches!(asked, Some(Some(_))));
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
                _ => command,
            };
            Ok((Some(text.to_string()), command.to_vec()))
        }
        None => Err(Error::new("nothing to enter was named")
            .try_this("nsctl enter TARGET [COMMAND], with a pid, a container or a namespace file")),
    }
}

fn named(args: &EnterArgs) -> [(Kind, &Option<Option<PathBuf>>); 8] {
    [
        (Kind::User, &args.user),
        (Kind::Cgroup, &args.cgroup),
        (Kind::Ipc, &args.ipc),
        (Kind::Uts, &args.uts),
        (Kind::Net, &args.net),
        (Kind::Pid, &args.pid),
        (Kind::Time, &args.time),
        (Kind::Mnt, &args.mount),
    ]
}

fn needs_process(args: &EnterArgs) -> bool {
    let own = |asked: &Option<Option<PathBuf>>| matches!(asked, Some(None));
    args.all
        || args.env
        || own(&args.root)
        || own(&args.wd)
        || named(args).iter().any(|(_, asked)| own(asked))
}

/// What is entered, of each kind.
fn asked(args: &EnterArgs, target: Option<&Target>) -> Result<Vec<(Kind, Source)>, Error> {
    let named = named(args);
    let chosen = named.iter().any(|(_, asked)| asked.is_some());
    let mut sources = Vec::new();
    match target {
        Some(Target::Process(process)) => {
            let differing = differing(process)?;
            for (kind, asked) in named {
                let own = || match differing.contains(&kind) {
                    true => Source::Process(process.pid),
                    false => Source::Nothing,
                };
                sources.push((
                    kind,
                    match asked {
                        Some(Some(path)) => Source::Path(path.clone()),
                        Some(None) => own(),
                        None if args.all || !chosen => own(),
                        None => Source::Nothing,
                    },
                ));
            }
        }
        one => {
            let one = match one {
                Some(Target::Namespace(one)) => Some(one),
                _ => None,
            };
            for (kind, asked) in named {
                sources.push((
                    kind,
                    match (asked, one) {
                        (Some(Some(path)), _) => Source::Path(path.clone()),
                        (_, Some(one)) if one.kind == kind => {
                            Source::Path(by_descriptor(one.fd.as_fd()))
                        }
                        (Some(None), Some(one)) => return Err(other_kind(one, kind)),
                        _ => Source::Nothing,
                    },
                ));
            }
        }
    }
    if args.user_parent {
        parent(&mut sources)?;
    }
    Ok(sources)
}

fn other_kind(one: &One, kind: Kind) -> Error {
    Error::new(format!(
        "cannot enter the {kind} namespace of {}: it is of kind {}",
        one.path, one.kind
    ))
    .try_this(format!("nsctl enter {} without --{}", one.path, kind.file()))
}

/// The kinds in which the process is elsewhere than we.
fn differing(process: &Pinned) -> Result<Vec<Kind>, Error> {
    let links = scan::links_of(process.pid).map_err(|errno| {
        Error::new(format!("cannot read the namespaces of process {}: {errno}", process.pid))
            .because("it belongs to another user, has more rights, or protects itself")
            .try_this("sudo nsctl enter …, or a process of your own")
    })?;
    let own = scan::links_of(std::process::id() as i32)
        .map_err(|errno| Error::new(format!("cannot read /proc/self/ns: {errno}")))?;
    let differs = |kind: &Kind| {
        let (its, ours) = (links[*kind as usize], own[*kind as usize]);
        its != 0 && its != ours
    };
    Ok(Kind::ALL.into_iter().filter(differs).collect())
}

/// Puts the user namespace around in the place of the one that would be entered; of others it is
/// their owner. nsenter(1), `--user-parent`
fn parent(sources: &mut [(Kind, Source)]) -> Result<(), Error> {
    let open = |(kind, source): &(Kind, Source)| {
        let path = match source {
            Source::Process(pid) => PathBuf::from(format!("/proc/{pid}/ns/{}", kind.file())),
            Source::Path(path) => path.clone(),
            Source::Nothing => return None,
        };
        let file = fs::File::open(path).ok()?;
        match kind {
            Kind::User => sys::get_ns_parent(&file).ok(),
            _ => sys::get_ns_userns(&file).ok(),
        }
    };
    let found = sources.iter().find_map(open).ok_or_else(|| {
        Error::new("cannot tell the user namespace around").because(
            "no namespace is entered that differs from ours, or its owner is outside of our view",
        )
    })?;
    if let Some((_, source)) = sources.iter_mut().find(|(kind, _)| *kind == Kind::User) {
        *source = Source::Path(by_descriptor(found.as_fd()));
        // It stays open until it was joined.
        std::mem::forget(found);
    }
    Ok(())
}

fn by_descriptor(fd: std::os::fd::BorrowedFd<'_>) -> PathBuf {
    format!("/proc/self/fd/{}", fd.as_raw_fd()).into()
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

/// A directory of the process, as a path below the root of its mount namespace.
fn its(process: &Pinned, link: &str) -> Result<PathBuf, Error> {
    fs::read_link(format!("/proc/{}/{link}", process.pid)).map_err(|error| {
        Error::new(format!("cannot read /proc/{}/{link}: {error}", process.pid))
            .try_this("sudo nsctl enter …, or a process of your own")
    })
}

/// What becomes the root: what is named, or the process's own where it is not that of its
/// mount namespace.
fn root(
    args: &EnterArgs,
    process: Option<&Pinned>,
    mounts: bool,
) -> Result<Option<PathBuf>, Error> {
    let of_process = || -> Result<Option<PathBuf>, Error> {
        let Some(process) = process else { return Ok(None) };
        Ok(Some(its(process, "root")?).filter(|root| root != Path::new("/")))
    };
    match &args.root {
        Some(Some(path)) => Ok(Some(path.clone())),
        Some(None) => of_process(),
        None if mounts => of_process(),
        None => Ok(None),
    }
}

fn workdir(
    args: &EnterArgs,
    process: Option<&Pinned>,
    elsewhere: bool,
) -> Result<Option<PathBuf>, Error> {
    match (&args.wd, process) {
        (Some(Some(path)), _) if !path.is_absolute() => {
            Err(Error::new(format!("--wd={} is not absolute", path.display())))
        }
        (Some(Some(path)), _) => Ok(Some(path.clone())),
        (Some(None), Some(process)) => {
            let (root, cwd) = (its(process, "root")?, its(process, "cwd")?);
            // Both are paths of its mount namespace; inside it is one below the root.
            let below = cwd.strip_prefix(&root).unwrap_or(Path::new(""));
            Ok(Some(Path::new("/").join(below)))
        }
        // Our own path means something else there, if anything.
        _ if elsewhere => Ok(Some("/".into())),
        _ => Ok(None),
    }
}

/// The caller's shell where it exists inside, else sh.
fn shell(process: Option<&Pinned>, mounts: bool) -> OsString {
    let own = std::env::var_os("SHELL").filter(|shell| Path::new(shell).is_absolute());
    let exists = |path: &OsStr| match process.filter(|_| mounts) {
        Some(process) => exists_inside(process, path),
        None => Path::new(path).exists(),
    };
    own.filter(|shell| exists(shell)).unwrap_or_else(|| "sh".into())
}

/// Whether its root has a file. The path is followed inside that root, and nothing is opened.
fn exists_inside(process: &Pinned, path: &OsStr) -> bool {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let root = format!("/proc/{}/root", process.pid);
    let Ok(root) = nix::fcntl::open(root.as_str(), flags, Mode::empty()) else { return false };
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    openat2(&root, Path::new(path), how).is_ok()
}

/// Whether no terminal can be made inside, so that the command gets the caller's.
fn has_no_terminals(process: Option<&Pinned>, mounts: bool) -> bool {
    let process = process.filter(|_| mounts);
    process.is_some_and(|process| !exists_inside(process, OsStr::new("/dev/ptmx")))
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
