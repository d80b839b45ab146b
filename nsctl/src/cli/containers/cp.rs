//! `nsctl cp`: files out of a container, or into it.
//!
//! No program of the container's is run (CVE-2019-14271). Its root is opened once, through its
//! pinned first process, and every path in it is resolved by openat2(2) with RESOLVE_IN_ROOT: a
//! link that changes meanwhile leads to another place inside, never outside (CVE-2018-15664).

mod tree;

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use crate::args::CpArgs;
use crate::containers::{Containers, Pinned};
use crate::error::{self, Error};
use tree::Copy;

/// Copies; what is neither file, directory nor link is left out, and said.
pub fn cp(args: &CpArgs) -> Result<i32, Error> {
    let (from, to) = (Place::parse(&args.from)?, Place::parse(&args.to)?);
    if from.container.is_some() == to.container.is_some() {
        return Err(Error::new(format!("cannot copy {} to {}", args.from, args.to))
            .because("one of both is in a container, the other is not")
            .try_this("nsctl cp CONTAINER:PATH PATH, or nsctl cp PATH CONTAINER:PATH"));
    }
    let failed = |place: &str, errno: Errno| {
        Error::new(format!("cannot copy {} to {}: {place}: {errno}", args.from, args.to))
    };
    let source_root = from.root()?;
    let source = source_root.open(&from.path).map_err(|errno| failed(&args.from, errno))?;
    let target_root = to.root()?;
    let (directory, name) =
        target(&target_root, &from.path, &to.path).map_err(|errno| failed(&args.to, errno))?;
    let mut copy = Copy { owner: target_root.owner, left_out: Vec::new() };
    let done = match &name {
        Some(name) => copy.entry(&source, &directory, name, &args.from),
        None => copy.content(&source, &directory, &args.from),
    };
    for path in &copy.left_out {
        error::report(&Error::new(format!("{path} is left out: a device, a pipe or a socket")));
    }
    done.map_err(|failure| {
        Error::new(format!("cannot copy {} to {}: {failure}", args.from, args.to))
    })?;
    Ok(0)
}

/// The directory to copy into, and the name there; no name: only what is in the source.
fn target(root: &Root, from: &Path, to: &Path) -> Result<(OwnedFd, Option<CString>), Errno> {
    let c_string = |name: &OsStr| CString::new(name.as_bytes()).map_err(|_| Errno::EINVAL);
    let directory = match root.open(to) {
        Ok(there) if tree::is_directory(&there)? => Some(there),
        Ok(_) if ends_with(to, b"/") => return Err(Errno::ENOTDIR),
        Ok(_) | Err(Errno::ENOENT) => None,
        Err(errno) => return Err(errno),
    };
    if ends_with(from, b"/.")
        && let Some(directory) = directory
    {
        return Ok((directory, None));
    }
    match directory {
        Some(directory) => match from.file_name() {
            Some(name) => Ok((directory, Some(c_string(name)?))),
            None => Ok((directory, None)),
        },
        None => {
            let parent = match to.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            let name = to.file_name().ok_or(Errno::ENOENT)?;
            Ok((root.open(parent)?, Some(c_string(name)?)))
        }
    }
}

fn ends_with(path: &Path, end: &[u8]) -> bool {
    path.as_os_str().as_bytes().ends_with(end)
}

/// One side as typed.
struct Place {
    container: Option<String>,
    path: PathBuf,
}

impl Place {
    /// As docker: what has a `/` or begins with a dot before the colon is a path here.
    fn parse(text: &str) -> Result<Self, Error> {
        if text == "-" {
            return Err(Error::new("nsctl cp copies files, no archives")
                .try_this("nsctl exec CONTAINER tar -c PATH"));
        }
        Ok(match text.split_once(':') {
            Some((name, path)) if !name.contains('/') && !name.starts_with('.') => {
                Place { container: Some(name.into()), path: path.into() }
            }
            _ => Place { container: None, path: text.into() },
        })
    }

    fn root(&self) -> Result<Root, Error> {
        let Some(name) = &self.container else {
            return Ok(Root { directory: None, owner: None });
        };
        let mut container = Containers::open()?.find(name)?;
        let not_running = || {
            Error::new(format!("{name} is not running"))
                .because("its file system is gone when it has ended")
                .try_this(format!("nsctl start {name}"))
        };
        let pid = container.state.pid.ok_or_else(not_running)?;
        let pinned = Pinned::open(pid, container.state.start_ticks).ok_or_else(not_running)?;
        let directory = File::open(format!("/proc/{}/root", pinned.pid)).map_err(|error| {
            Error::new(format!("cannot open the root of {name}: /proc/{pid}/root: {error}"))
        })?;
        container.look_again();
        if container.state.pid != Some(pid) {
            return Err(not_running());
        }
        // What root copies in belongs to the root inside.
        let is_root = nix::unistd::geteuid().is_root();
        let owner = is_root.then(|| (root_inside(pid, "uid_map"), root_inside(pid, "gid_map")));
        Ok(Root { directory: Some(directory.into()), owner })
    }
}

/// Where paths begin and end.
struct Root {
    /// The container's; `None` is ours.
    directory: Option<OwnedFd>,
    /// To whom what is made there is given.
    owner: Option<(u32, u32)>,
}

impl Root {
    /// For reading its kind, not its content. openat2(2)
    fn open(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
        match &self.directory {
            Some(root) => {
                let resolve = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS;
                let how = OpenHow::new().flags(flags).resolve(resolve);
                let path = if path.as_os_str().is_empty() { Path::new("/") } else { path };
                // EAGAIN: something was renamed meanwhile, and the kernel cannot be sure.
                loop {
                    match openat2(root.as_fd(), path, how) {
                        Err(Errno::EAGAIN | Errno::EINTR) => {}
                        done => return done,
                    }
                }
            }
            None => nix::fcntl::open(path, flags, nix::sys::stat::Mode::empty()),
        }
    }
}

/// Our number of the id 0 inside.
fn root_inside(pid: i32, file: &str) -> u32 {
    let map = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let outside = map.lines().find_map(|line| {
        let mut numbers = line.split_whitespace();
        (numbers.next()? == "0").then(|| numbers.next()?.parse().ok())?
    });
    outside.unwrap_or(0)
}
