//! Which namespaces are entered, and where each comes from.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use nsshim::spec::Kind;
use nsshim::sys;

use super::socket;
use crate::args::EnterArgs;
use crate::error::Error;
use crate::scan::{self, One, Pinned, Target};

/// Where a namespace comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    /// The process that is entered.
    Process(i32),
    /// A file.
    Path(PathBuf),
    /// It stays the caller's.
    Nothing,
}

/// What is entered, of each kind.
#[derive(Debug)]
pub struct Asked {
    /// Where each comes from.
    pub sources: Vec<(Kind, Source)>,
    /// What the paths of some of them lead to, open until they are joined.
    pub held: Vec<OwnedFd>,
}

impl Asked {
    /// Whether a kind is entered.
    pub fn enters(&self, kind: Kind) -> bool {
        self.sources.iter().any(|(other, source)| *other == kind && *source != Source::Nothing)
    }
}

pub fn named(args: &EnterArgs) -> [(Kind, &Option<Option<PathBuf>>); 8] {
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

pub fn needs_process(args: &EnterArgs) -> bool {
    let own = |asked: &Option<Option<PathBuf>>| matches!(asked, Some(None));
    args.all
        || args.env
        || args.join_cgroup
        || args.net_socket.as_ref().is_some_and(|word| !word.contains(':'))
        || own(&args.root)
        || own(&args.wd)
        || named(args).iter().any(|(_, asked)| own(asked))
}

/// Finds what is entered.
pub fn asked(args: &EnterArgs, target: Option<&Target>) -> Result<Asked, Error> {
    let named = named(args);
    let chosen = args.net_socket.is_some() || named.iter().any(|(_, asked)| asked.is_some());
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
    let mut held = Vec::new();
    if let Some(word) = &args.net_socket {
        let network = socket::network(word, target)?;
        put(&mut sources, Kind::Net, network, &mut held);
    }
    if args.user_parent {
        let parent = parent(&sources)?;
        put(&mut sources, Kind::User, parent, &mut held);
    }
    Ok(Asked { sources, held })
}

/// Puts what is open in the place of what would be entered.
fn put(sources: &mut [(Kind, Source)], kind: Kind, fd: OwnedFd, held: &mut Vec<OwnedFd>) {
    if let Some((_, source)) = sources.iter_mut().find(|(other, _)| *other == kind) {
        *source = Source::Path(by_descriptor(fd.as_fd()));
        held.push(fd);
    }
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
    let links =
        scan::links_of(process.pid).map_err(|errno| scan::unreadable(process.pid, errno))?;
    let own = scan::links_of(std::process::id() as i32)
        .map_err(|errno| Error::new(format!("cannot read /proc/self/ns: {errno}")))?;
    let differs = |kind: &Kind| {
        let (its, ours) = (links[*kind as usize], own[*kind as usize]);
        its != 0 && its != ours
    };
    Ok(Kind::ALL.into_iter().filter(differs).collect())
}

/// The user namespace around the one that would be entered; of other kinds it is their owner.
/// nsenter(1), `--user-parent`
fn parent(sources: &[(Kind, Source)]) -> Result<OwnedFd, Error> {
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
    sources.iter().find_map(open).ok_or_else(|| {
        Error::new("cannot tell the user namespace around").because(
            "no namespace is entered that differs from ours, or its owner is outside of our view",
        )
    })
}

fn by_descriptor(fd: BorrowedFd<'_>) -> PathBuf {
    format!("/proc/self/fd/{}", fd.as_raw_fd()).into()
}
