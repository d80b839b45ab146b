//! Who owns a namespace and what it is nested in: asked once for each, ioctl_nsfs(2).

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::Mode;
use nsshim::spec::Kind;
use nsshim::{Host, sys};

use super::{Found, Holder, Id, Namespace};
use crate::nsfs::is_namespace;

/// A namespace that is open.
#[derive(Debug)]
pub struct Opened {
    /// It.
    pub fd: OwnedFd,
    /// The path it was opened by.
    pub path: String,
}

/// Asks about the one that a link of /proc stands for.
pub(super) fn of_link(directory: impl AsFd, name: &str, id: Id, found: &mut Found) {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let Ok(fd) = openat(directory, name, flags, Mode::empty()) else { return };
    let Some(kind) = found.namespaces.get(&id).map(|namespace| namespace.kind) else { return };
    // Only what is behind the number that was read: it may have changed meanwhile.
    if id_of(&fd) == Some(id) {
        of_open(fd, kind, id, found);
    }
}

/// Asks about an open one, and about those that it leads to.
pub(super) fn of_open(fd: OwnedFd, kind: Kind, id: Id, found: &mut Found) {
    let mut next = vec![(fd, kind, id)];
    while let Some((fd, kind, id)) = next.pop() {
        let unique = sys::get_ns_id(&fd).ok();
        // EPERM: it is outside of what the caller can see.
        let parent = match kind {
            Kind::User | Kind::Pid => sys::get_ns_parent(&fd).ok(),
            _ => None,
        };
        let parent = parent.and_then(|parent| id_of(&parent).map(|id| (parent, id)));
        let owner = match kind {
            // What owns a user namespace is what it is nested in.
            Kind::User => None,
            _ => sys::get_ns_userns(&fd).ok(),
        };
        let owner = owner.and_then(|owner| id_of(&owner).map(|id| (owner, id)));
        if let Some(namespace) = found.namespaces.get_mut(&id) {
            namespace.unique = unique;
            namespace.parent = parent.as_ref().map(|(_, id)| *id);
            namespace.owner = match kind {
                Kind::User => namespace.parent,
                _ => owner.as_ref().map(|(_, id)| *id),
            };
            if kind == Kind::User {
                namespace.maker = sys::get_ns_owner_uid(&fd).ok();
            }
        }
        let mut learn = |related: Option<(OwnedFd, Id)>, its_kind: Kind, holder: Holder| {
            let Some((fd, its_id)) = related else { return };
            let (namespace, new) = found.entry(its_kind, its_id);
            if new {
                namespace.hold(holder);
                next.push((fd, its_kind, its_id));
            }
        };
        learn(parent, kind, Holder::Child(id));
        learn(owner, Kind::User, Holder::Owned(id));
    }
}

pub(super) fn id_of(fd: &OwnedFd) -> Option<Id> {
    nix::sys::stat::fstat(fd).ok().map(|status| status.st_ino)
}

/// Whether the caller has root's rights, which some looks need to find anything.
pub(super) fn is_privileged() -> bool {
    static PRIVILEGED: OnceLock<bool> = OnceLock::new();
    *PRIVILEGED.get_or_init(|| Host::probe().is_privileged())
}

/// Opens a namespace by whatever keeps it.
pub fn open_namespace(namespace: &Namespace, found: &Found) -> Option<Opened> {
    let file = namespace.kind.file();
    let processes = namespace.first.map(|pid| format!("/proc/{pid}/ns/{file}"));
    let children = namespace.kind.children_file();
    let by_holder = namespace.holders.iter().filter_map(|holder| match holder {
        Holder::Thread { pid, tid } => Some(format!("/proc/{pid}/task/{tid}/ns/{file}")),
        Holder::Children { pid } => Some(format!("/proc/{pid}/ns/{children}")),
        Holder::Descriptor { pid, fd } => Some(format!("/proc/{pid}/fd/{fd}")),
        _ => None,
    });
    let by_path = processes.into_iter().chain(by_holder).find_map(|path| {
        let options = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let fd = nix::fcntl::open(path.as_str(), options, Mode::empty()).ok()?;
        (id_of(&fd) == Some(namespace.id)).then_some(Opened { fd, path })
    });
    by_path.or_else(|| by_other_means(namespace, found))
}

fn by_other_means(namespace: &Namespace, found: &Found) -> Option<Opened> {
    namespace.holders.iter().find_map(|holder| {
        let (fd, path) = match holder {
            Holder::Mount { seen_by, path } => {
                let root = seen_by.map_or("/".into(), |pid| format!("/proc/{pid}/root"));
                (open_mounted(&root, path, namespace.id)?, path.display().to_string())
            }
            Holder::Socket { pid, fd } => {
                let process = sys::pidfd_open(nix::unistd::Pid::from_raw(*pid)).ok()?;
                let socket = sys::pidfd_getfd(&process, *fd).ok()?;
                let fd = sys::get_socket_netns(&socket).ok()?;
                (fd, format!("the socket {holder:?}"))
            }
            Holder::Owned(id) | Holder::Child(id) => {
                let other = open_namespace(found.namespaces.get(id)?, found)?;
                let fd = match holder {
                    Holder::Owned(_) => sys::get_ns_userns(&other.fd).ok()?,
                    _ => sys::get_ns_parent(&other.fd).ok()?,
                };
                (fd, format!("{} (what it is in)", other.path))
            }
            _ => return None,
        };
        (id_of(&fd) == Some(namespace.id)).then_some(Opened { fd, path })
    })
}

/// Opens what is mounted at a path of perhaps another root. The path is somebody else's: it is
/// followed inside that root, through no link, and nothing but a namespace is opened.
pub(super) fn open_mounted(root: &str, path: &std::path::Path, id: Id) -> Option<OwnedFd> {
    let directory = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let root = nix::fcntl::open(root, directory, Mode::empty()).ok()?;
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_SYMLINKS);
    let place = File::from(openat2(&root, path, how).ok()?);
    if place.metadata().ok()?.ino() != id {
        return None;
    }
    open_namespace_at(&place)
}

/// Opens what a descriptor only says where it is, where that is a namespace.
pub(super) fn open_namespace_at(place: &File) -> Option<OwnedFd> {
    if !is_namespace(place) {
        return None;
    }
    // A thread of a look has descriptors of its own.
    let again = format!("/proc/thread-self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(place));
    nix::fcntl::open(again.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).ok()
}
