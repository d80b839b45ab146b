//! The steps of the container's first process.

mod words;

use std::cell::RefCell;
use std::ffi::CString;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;

use super::tree::{self, Tree};
use super::{
    MountCall, capabilities, device, fds, group, identity, idmap, join, keyring, label, landlock,
    limits, mount, net, pty, report, session, time, uts, workdir,
};
use crate::cgroup::Group;
use crate::error::Result;
use crate::seccomp::Filter;
use crate::spec::{
    ContainerId, IdMaps, Joined, Kind, Label, Landlock, Propagation, Rlimit, Terminal, TimeOffsets,
    User, Workdir,
};

/// A step of the container's first process, before it becomes nsinit.
#[derive(Debug)]
pub enum Inside {
    /// Make a time namespace with offsets and enter it.
    Time(TimeOffsets),
    /// Enter control groups of version 1.
    EnterGroups(Vec<Rc<Group>>),
    /// Make a cgroup namespace and enter it.
    CgroupNamespace,
    /// Join a namespace that exists, after the clone.
    Join(Kind, Joined),
    /// Write the process's own single-id maps.
    MapSelf(IdMaps),
    /// Set groups, group and user.
    Become(User),
    /// Set how mounts travel, for the whole tree.
    Propagate(Propagation),
    /// Keep what we mount on this mount point from travelling.
    KeepPrivate(&'static str),
    /// One mount(2).
    Mount(MountCall),
    /// Hide a file of the kernel's.
    MaskFile(&'static str),
    /// Hide a directory of the kernel's.
    MaskDirectory(&'static str),
    /// Make a directory of the kernel's read-only.
    ReadOnly(&'static str),
    /// Make an existing mount and all below it read-only.
    ReadOnlyTree(&'static str),
    /// Work in a directory while the next steps hide it.
    StandIn(&'static str),
    /// Bind a device of the directory we stand in under the new /dev.
    Device(&'static str),
    /// Bind a directory of the directory we stand in on that of the new /dev.
    Shared(&'static str),
    /// Make a directory.
    Directory(&'static str),
    /// Make a symbolic link: target, link.
    Symlink(&'static str, &'static str),
    /// A part of a root of the container's own.
    Tree(Tree),
    /// sethostname(2)
    Hostname(CString),
    /// setdomainname(2)
    Domainname(CString),
    /// Set the loopback interface up.
    LoopbackUp,
    /// Allow no user namespace in the container's own.
    NoUserNamespaces,
    /// setrlimit(2)
    Rlimit(Rlimit),
    /// setpriority(2)
    Nice(i32),
    /// /proc/self/oom_score_adj
    OomScore(i32),
    /// The security label from the next execve on.
    Label(Label),
    /// Join a new session keyring.
    Keyring {
        /// Whether there must be one.
        needed: bool,
    },
    /// Make a directory the root, chroot(2).
    Chroot(PathBuf),
    /// umask(2)
    Umask(u32),
    /// Become a session leader.
    Session,
    /// Make a pty that belongs to this user, take it as controlling terminal and standard
    /// streams, send its master out.
    Terminal(Terminal, Option<ContainerId>),
    /// Show that terminal as /dev/console.
    Console,
    /// Go to the working directory.
    Workdir(Workdir),
    /// Limit the capabilities that can ever be had.
    DropBounding(u64),
    /// Set the permitted and effective capabilities; clear the inheritable and ambient.
    Capabilities(u64),
    /// Keep the permitted capabilities over the next change of user.
    KeepCapabilities,
    /// Set the inheritable and ambient capabilities.
    Ambient(u64),
    /// Restrict what can be reached, landlock(7).
    Landlock(Landlock),
    /// prctl(PR_SET_NO_NEW_PRIVS)
    NoNewPrivs,
    /// Load the system-call filter.
    Seccomp(Filter),
    /// Be killed when the shim dies.
    DieWithShim,
    /// Tell the caller the ids of the namespaces.
    ReportNamespaces,
    /// Keep the descriptors of the host from the workload, and from the steps that follow.
    CloseDescriptors {
        /// The first that is not given to it.
        from: i32,
    },
    /// Leave the caller's disposition of SIGCHLD as it was.
    IgnoreSigchld,
}

/// What an inside step works on.
pub(crate) struct InsideContext<'a> {
    /// The host's /proc: a mount namespace that was joined has another, where we are not.
    pub proc: BorrowedFd<'a>,
    /// The channel to the shim.
    pub channel: BorrowedFd<'a>,
    /// What will be executed, if that is nsinit.
    pub image: Option<BorrowedFd<'a>>,
    /// The root that is being made.
    pub assembly: RefCell<tree::Assembly>,
    /// The control groups' files that it writes itself into.
    pub tasks: &'a [OwnedFd],
    /// What ends all in its group, for nsinit.
    pub kill: Option<BorrowedFd<'a>>,
}

impl Inside {
    pub(crate) fn run(&self, context: &InsideContext<'_>) -> Result<()> {
        match self {
            Inside::Time(offsets) => time::enter(context.proc, offsets),
            Inside::EnterGroups(groups) => group::enter(context.tasks, groups),
            Inside::CgroupNamespace => group::new_namespace(),
            Inside::Join(kind, joined) => join::join(*kind, joined),
            Inside::MapSelf(maps) => idmap::write_own(context.proc, maps),
            Inside::Become(user) => identity::assume(user),
            Inside::Propagate(propagation) => mount::propagate(*propagation),
            Inside::KeepPrivate(path) => mount::keep_private(path),
            Inside::Mount(call) => call.run(),
            Inside::MaskFile(path) => mount::mask_file(path),
            Inside::MaskDirectory(path) => mount::mask_directory(path),
            Inside::ReadOnly(path) => mount::read_only(path),
            Inside::ReadOnlyTree(path) => mount::read_only_tree(path),
            Inside::StandIn(path) => workdir::stand_in(path),
            Inside::Device(name) => device::bind(name),
            Inside::Shared(name) => device::share(name),
            Inside::Directory(path) => device::directory(path),
            Inside::Symlink(target, link) => device::symlink(target, link),
            Inside::Tree(tree) => tree.run(&mut context.assembly.borrow_mut()),
            Inside::Hostname(name) => uts::hostname(name),
            Inside::Domainname(name) => uts::domainname(name),
            Inside::LoopbackUp => net::loopback_up(),
            Inside::NoUserNamespaces => limits::no_user_namespaces(context.proc),
            Inside::Rlimit(limit) => limits::rlimit(limit),
            Inside::Nice(nice) => limits::nice(*nice),
            Inside::OomScore(adjustment) => limits::oom_score(context.proc, *adjustment),
            Inside::Label(label) => label::set(context.proc, label),
            Inside::Keyring { needed } => keyring::join(*needed),
            Inside::KeepCapabilities => capabilities::keep(),
            Inside::Ambient(set) => capabilities::ambient(*set),
            Inside::Landlock(rules) => landlock::restrict(rules),
            Inside::Chroot(path) => workdir::change_root(path),
            Inside::Umask(mask) => limits::umask(*mask),
            Inside::Session => session::lead(),
            Inside::Terminal(terminal, owner) => pty::open(context, terminal, *owner),
            Inside::Console => device::console(),
            Inside::Workdir(workdir) => workdir::enter(workdir),
            Inside::DropBounding(keep) => capabilities::drop_bounding(*keep),
            Inside::Capabilities(set) => capabilities::set(*set),
            Inside::NoNewPrivs => capabilities::no_new_privs(),
            Inside::Seccomp(filter) => fds::seccomp(filter),
            Inside::DieWithShim => session::die_with_shim(context),
            Inside::ReportNamespaces => report::namespaces(context),
            Inside::CloseDescriptors { from } => fds::close(context, *from),
            Inside::IgnoreSigchld => session::ignore_sigchld(),
        }
    }
}
