//! What a person names: a process, a container, a namespace by file or number.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::Pid;
use nsshim::spec::Kind;
use nsshim::sys;

use super::{Found, Id, Places, link, open_namespace};
use crate::containers::{Containers, Status};
use crate::error::{Error, shown};
use crate::nsfs::is_namespace;

/// What was meant.
#[derive(Debug)]
pub enum Target {
    /// A process.
    Process(Pinned),
    /// A namespace.
    Namespace(One),
}

/// A process that stays the one meant: its number may be used again, its descriptor not.
#[derive(Debug)]
pub struct Pinned {
    /// Its number.
    pub pid: i32,
    /// It.
    pub fd: OwnedFd,
    /// The container whose first process it is.
    pub container: Option<String>,
}

/// One namespace.
#[derive(Debug)]
pub struct One {
    /// Its kind.
    pub kind: Kind,
    /// Its number.
    pub id: Id,
    /// It.
    pub fd: OwnedFd,
    /// How it was opened.
    pub path: String,
}

/// `PID_MAX_LIMIT`, include/linux/threads.h; numbers of namespaces begin far above.
const MOST_PID: u64 = 1 << 22;

/// `MNT_NS_INIT_INO`, include/uapi/linux/nsfs.h, the lowest of the fixed ones; before that had
/// them, numbers began above (`PROC_DYNAMIC_FIRST`).
pub(super) const FIRST: u64 = 0xeffffff8;

impl Target {
    /// Finds it.
    ///
    /// # Errors
    /// There is none, or it may not be looked at.
    pub fn find(word: &str) -> Result<Target, Error> {
        if word == "self" {
            return Pinned::open(std::process::id() as i32).map(Target::Process);
        }
        match (word.split_once(':'), word.parse::<u64>()) {
            (Some(("pid", pid)), _) => match pid.parse() {
                Ok(pid) => Pinned::open(pid).map(Target::Process),
                Err(_) => Err(unknown(word)),
            },
            (Some(("container", name)), _) => container(name).map(Target::Process),
            (Some(("path", path)), _) => by_file(path).map(Target::Namespace),
            (Some(_), _) if link::parse(word.as_bytes()).is_some() => {
                let (kind, id) = link::parse(word.as_bytes()).ok_or_else(|| unknown(word))?;
                by_number(word, Some(kind), id).map(Target::Namespace)
            }
            (_, Ok(number)) if number > MOST_PID => {
                by_number(word, None, number).map(Target::Namespace)
            }
            (_, Ok(number)) if number > 0 => Pinned::open(number as i32).map(Target::Process),
            _ if word.contains('/') => by_file(word).map(Target::Namespace),
            _ => container(word).map(Target::Process),
        }
    }
}

impl Pinned {
    /// The process with this number now.
    pub fn open(pid: i32) -> Result<Pinned, Error> {
        let fd = sys::pidfd_open(Pid::from_raw(pid)).map_err(|errno| {
            let error = Error::new(format!("there is no process {pid}: pidfd_open(): {errno}"));
            error.try_this("a pid that ps shows")
        })?;
        Ok(Pinned { pid, fd, container: None })
    }

    /// Whether it lives still, so that what was read under its number was its own.
    pub fn lives(&self) -> bool {
        sys::lives(&self.fd)
    }

    /// As [`Pinned::lives`].
    ///
    /// # Errors
    /// It has ended.
    pub fn check(&self) -> Result<(), Error> {
        if self.lives() {
            return Ok(());
        }
        let pid = self.pid;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
        let is_zombie = field("State:").is_some_and(|state| state.trim().starts_with('Z'));
        Err(match field("PPid:").filter(|_| is_zombie) {
            Some(parent) => Error::new(format!("process {pid} has ended")).because(format!(
                "it is a zombie, in no namespace any more: process {} has not waited for it yet",
                parent.trim()
            )),
            None => Error::new(format!("process {pid} ended meanwhile")),
        })
    }
}

/// Why a process's namespaces cannot be read.
pub fn unreadable(pid: i32, errno: Errno) -> Error {
    let error = Error::new(format!("cannot read the namespaces of process {pid}: {errno}"));
    match errno {
        Errno::ENOENT => error.because("there is no such process").try_this("a pid that ps shows"),
        _ => error
            .because("it belongs to another user, has more rights, or protects itself")
            .try_this("sudo nsctl …, or a process of your own"),
    }
}

fn unknown(word: &str) -> Error {
    Error::new(format!("no such process, container or namespace: {}", shown(word)))
        .try_this("a pid, a container of nsctl ps, a number of nsctl ns ls, or a file's path")
}

fn container(name: &str) -> Result<Pinned, Error> {
    let mut container = Containers::open()?.find(name).map_err(|_| unknown(name))?;
    let name = container.about.name.clone();
    let not_running =
        || Error::new(format!("{name} is not running")).try_this(format!("nsctl start {name}"));
    let runs = matches!(container.state.status, Status::Running | Status::Paused);
    let pid = container.state.pid.filter(|_| runs).ok_or_else(not_running)?;
    let mut pinned = Pinned::open(pid)?;
    // It is pinned now. Were the pid another's, the container's lock would be free.
    container.look_again();
    if container.state.pid != Some(pid) {
        return Err(not_running());
    }
    pinned.container = Some(name);
    Ok(pinned)
}

fn by_file(path: &str) -> Result<One, Error> {
    let failed = |why: String| {
        Error::new(format!("cannot open the namespace {path}: {why}"))
            .try_this("a file of /proc/PID/ns, or one made by --persist or `ip netns add`")
    };
    // A pipe would wait for a writer.
    let opened = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(Path::new(path));
    let file = opened.map_err(|error| failed(format!("open(): {error}")))?;
    if !is_namespace(&file) {
        return Err(failed("it is no namespace file".into()));
    }
    let flag = sys::get_ns_kind(&file).map_err(|errno| failed(format!("ioctl(): {errno}")))?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.flag().bits() == flag);
    let kind = kind.ok_or_else(|| failed("it is of a kind that nsctl does not know".into()))?;
    let id = file.metadata().map_err(|error| failed(error.to_string()))?.ino();
    Ok(One { kind, id, fd: file.into(), path: path.into() })
}

fn by_number(word: &str, kind: Option<Kind>, id: Id) -> Result<One, Error> {
    let found = Found::look(Places { all: true, relations: true })?;
    let namespace = found.namespaces.get(&id);
    let namespace = namespace.filter(|namespace| kind.is_none_or(|kind| kind == namespace.kind));
    let namespace = namespace.ok_or_else(|| {
        let unread = found.unread.others + found.unread.protected;
        let error = match word.parse::<u64>() {
            // What a pid cannot be, and no namespace is: either may be meant.
            Ok(number) if number < FIRST => {
                let error = Error::new(format!("there is no process and no namespace {word}"));
                return error
                    .because(format!("a pid is at most {MOST_PID}, a namespace at least {FIRST}"))
                    .try_this("a pid that ps shows, or a number that `nsctl ns ls` shows");
            }
            _ => Error::new(format!("no namespace {word} was found")),
        };
        match unread {
            0 => error.try_this("a number that `nsctl ns ls` shows"),
            _ => error
                .because(format!("{unread} processes could not be read"))
                .try_this("sudo nsctl …, or a number that `nsctl ns ls` shows"),
        }
    })?;
    let opened = open_namespace(namespace, &found).ok_or_else(|| {
        Error::new(format!("cannot open the namespace {word}")).try_this("sudo nsctl …")
    })?;
    Ok(One { kind: namespace.kind, id, fd: opened.fd, path: opened.path })
}
