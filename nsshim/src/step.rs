//! The steps that a plan is made of: plain data and one call each.
//!
//! [`Outside`] steps run in the shim, [`Inside`] steps in the container's first
//! process. Decisions are not taken here but in [`plan`](crate::plan()); the order is
//! written there too. A step prints as the calls it makes.

mod capabilities;
mod device;
mod fds;
mod group;
mod helpers;
mod identity;
mod idmap;
mod idmapped;
mod join;
mod keyring;
mod label;
mod landlock;
pub(crate) mod limits;
mod lock;
pub(crate) mod mount;
mod net;
mod persist;
mod pty;
mod reason;
mod report;
mod session;
mod time;
pub(crate) mod tree;
mod uts;
mod workdir;

use std::cell::RefCell;
use std::ffi::CString;
use std::fmt;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;

use nix::unistd::Pid;

use crate::cgroup::Group;
use crate::error::{Failure, Result};
use crate::seccomp::Filter;
use crate::spec::{
    ContainerId, IdMaps, Joined, Kind, Label, Landlock, Persist, Propagation, Rlimit, Terminal,
    TimeOffsets, Together, User, Workdir,
};

pub(crate) use group::Entrances;
pub use idmapped::Passed;
pub(crate) use join::flag_name;
pub use join::id_maps_of;
pub use mount::MountCall;
pub use persist::release;
pub use reason::{Reason, of_kind as reason_of_kind};
pub use tree::{Layers, Take, Tree, UpperLayer};

/// A step of the shim, in the host's namespaces.
#[derive(Debug)]
pub enum Outside {
    /// Have the directory for changes for this container alone.
    Lock(PathBuf),
    /// Refuse to be traced or read from inside what we are about to join (CVE-2016-9962).
    Undumpable,
    /// Drop the caller's supplementary groups, where setgroups(2) will be denied.
    DropGroups,
    /// Make a time namespace with offsets, for the child.
    Time(TimeOffsets),
    /// Have the controllers of a group's parent in the groups that it holds.
    Enable {
        /// The group.
        group: Rc<Group>,
        /// Their names.
        controllers: Vec<String>,
    },
    /// Make a control group for the container, or else find the one that it is to join; and open
    /// its entrance.
    Group {
        /// Which.
        group: Rc<Group>,
        /// Whether it is made, and goes when the container ends.
        own: bool,
    },
    /// Join a namespace that exists.
    Join(Kind, Joined),
    /// Join namespaces of a process, all at once.
    JoinTogether(Together),
    /// Write the id maps.
    WriteMaps(IdMaps),
    /// Have newuidmap(1) and newgidmap(1) write the id maps, side by side.
    MapWithHelpers(IdMaps),
    /// Open a tree for the child.
    Pass(Passed),
    /// Bind a namespace of the child on a file.
    Persist(Persist),
}

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

/// What an outside step works on.
pub(crate) struct OutsideContext<'a> {
    /// The container's first process, once there is one.
    pub child: Option<Pid>,
    /// The channel to it.
    pub channel: Option<BorrowedFd<'a>>,
    /// The host's /proc, open since before any mount namespace was joined.
    pub proc: BorrowedFd<'a>,
    /// The channel to the caller, whose end means that the container is not wanted any more.
    pub nsctl: BorrowedFd<'a>,
    /// What is the container's alone for as long as the shim lives.
    pub locks: Option<&'a RefCell<Vec<OwnedFd>>>,
    /// How the child will come into its control groups.
    pub entrances: &'a RefCell<Entrances>,
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

impl Outside {
    pub(crate) fn run(&self, context: &OutsideContext<'_>) -> std::result::Result<(), Failure> {
        let result = match self {
            Outside::Lock(directory) => lock::lock(context, directory),
            Outside::Undumpable => join::undumpable(),
            Outside::DropGroups => identity::drop_groups(),
            Outside::Time(offsets) => time::make(context.proc, offsets),
            Outside::Enable { group, controllers } => group::enable(group, controllers),
            Outside::Group { group, own } => group::open(context.entrances, group, *own),
            Outside::Join(kind, joined) => join::join(*kind, joined),
            Outside::JoinTogether(together) => join::join_together(together),
            Outside::WriteMaps(maps) => idmap::write(context, maps),
            Outside::MapWithHelpers(maps) => return helpers::map(context, maps),
            Outside::Pass(passed) => idmapped::pass(context, passed),
            Outside::Persist(persist) => persist::bind(context, persist),
        };
        result.map_err(|error| error.during(self.purpose()))
    }

    /// Takes back what would stay on the host when the container does not start.
    pub(crate) fn undo(&self) {
        match self {
            Outside::Persist(persist) => persist::release(persist),
            Outside::Group { group, own: true } => group::remove(group),
            _ => {}
        }
    }

    /// What the step is for, as it follows "cannot".
    pub fn purpose(&self) -> String {
        match self {
            Outside::Lock(directory) => format!("keep changes in {}", directory.display()),
            Outside::Undumpable => "protect the shim from the joined namespaces".into(),
            Outside::DropGroups => "drop the caller's groups".into(),
            Outside::Time(_) => "make the time namespace".into(),
            Outside::Enable { controllers, .. } => {
                format!("have the controllers {} in control groups", controllers.join(" and "))
            }
            Outside::Group { group, own: true } => {
                format!("make the control group {}", group.path().display())
            }
            Outside::Group { group, own: false } => {
                format!("find the control group {}", group.path().display())
            }
            Outside::Join(kind, joined) => join::purpose(*kind, joined),
            Outside::JoinTogether(together) => {
                format!("join the namespaces of process {}", together.pid)
            }
            Outside::WriteMaps(_) | Outside::MapWithHelpers(_) => "map user and group ids".into(),
            Outside::Pass(passed) => passed.tree.purpose(),
            Outside::Persist(persist) => {
                format!("keep the {} namespace in {}", persist.kind, persist.path.display())
            }
        }
    }
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

    /// What the step is for, as it follows "cannot".
    pub fn purpose(&self) -> String {
        match self {
            Inside::Time(_) => "make the time namespace".into(),
            Inside::EnterGroups(_) => "enter the control groups".into(),
            Inside::CgroupNamespace => "make the cgroup namespace".into(),
            Inside::Join(kind, joined) => join::purpose(*kind, joined),
            Inside::MapSelf(_) => "map user and group ids".into(),
            Inside::Become(user) => format!("become user {}:{}", user.uid.0, user.gid.0),
            Inside::Propagate(_) => "set the propagation of mounts".into(),
            Inside::KeepPrivate(path) => format!("keep the mounts on {path} private"),
            Inside::Mount(call) => format!("mount {}", call.purpose),
            Inside::MaskFile(path) | Inside::MaskDirectory(path) => format!("hide {path}"),
            Inside::ReadOnly(path) | Inside::ReadOnlyTree(path) => {
                format!("make {path} read-only")
            }
            Inside::StandIn(path) => format!("enter {path}"),
            Inside::Device(name) => format!("give the device /dev/{name}"),
            Inside::Shared(name) => format!("share the host's /dev/{name}"),
            Inside::Directory(path) => format!("make the directory {path}"),
            Inside::Symlink(_, link) => format!("make the link {link}"),
            Inside::Tree(tree) => tree.purpose(),
            Inside::Hostname(name) => format!("set the hostname {}", name.to_string_lossy()),
            Inside::Domainname(name) => format!("set the domain name {}", name.to_string_lossy()),
            Inside::LoopbackUp => "set the loopback interface up".into(),
            Inside::NoUserNamespaces => "forbid user namespaces inside".into(),
            Inside::Rlimit(limit) => format!("set the limit {:?}", limit.resource),
            Inside::Nice(nice) => format!("set the nice value {nice}"),
            Inside::OomScore(adjustment) => format!("adjust the OOM score by {adjustment}"),
            Inside::Label(label) => format!("set the {}", label::name(label)),
            Inside::Keyring { .. } => "make a session keyring".into(),
            Inside::KeepCapabilities => "keep the capabilities".into(),
            Inside::Ambient(_) => "set the ambient capabilities".into(),
            Inside::Landlock(_) => "restrict what can be reached".into(),
            Inside::Chroot(path) => format!("make {} the root", path.display()),
            Inside::Umask(_) => "set the umask".into(),
            Inside::Session => "start a session".into(),
            Inside::Terminal(..) => "make a terminal".into(),
            Inside::Console => "make the console".into(),
            Inside::Workdir(_) => "enter the working directory".into(),
            Inside::DropBounding(_) => "limit the capabilities".into(),
            Inside::Capabilities(_) => "set the capabilities".into(),
            Inside::NoNewPrivs => "forbid new privileges".into(),
            Inside::Seccomp(_) => "load the system-call filter".into(),
            Inside::DieWithShim => "tie the container to its shim".into(),
            Inside::ReportNamespaces => "read the namespaces' ids".into(),
            Inside::CloseDescriptors { .. } => "keep the host's descriptors out".into(),
            Inside::IgnoreSigchld => "restore the disposition of SIGCHLD".into(),
        }
    }
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outside::Lock(directory) => f.write_str(&lock::describe(directory)),
            Outside::Undumpable => f.write_str("prctl(PR_SET_DUMPABLE, 0)"),
            Outside::DropGroups => f.write_str("setgroups(0, [])"),
            Outside::Time(offsets) => time::describe_for_child(f, offsets),
            Outside::Enable { group, controllers } => {
                f.write_str(&group::enable_call(group, controllers))
            }
            Outside::Group { group, own } => group::describe(f, group, *own),
            Outside::Join(kind, joined) => join::describe(f, *kind, joined),
            Outside::JoinTogether(together) => join::describe_together(f, together),
            Outside::WriteMaps(maps) => idmap::describe(f, "CHILD", maps),
            Outside::MapWithHelpers(maps) => helpers::describe(f, maps),
            Outside::Pass(passed) => idmapped::describe(f, passed),
            Outside::Persist(persist) => persist::describe(f, persist),
        }
    }
}

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Inside::Time(offsets) => time::describe(f, offsets),
            Inside::EnterGroups(groups) => group::describe_entering(f, groups),
            Inside::CgroupNamespace => f.write_str(group::NEW_NAMESPACE),
            Inside::Join(kind, joined) => join::describe(f, *kind, joined),
            Inside::MapSelf(maps) => idmap::describe(f, "self", maps),
            Inside::Become(user) => identity::describe(f, user),
            Inside::Propagate(propagation) => mount::describe_propagation(f, *propagation),
            Inside::KeepPrivate(path) => {
                write!(f, "mount(NULL, \"{path}\", NULL, MS_REC|MS_PRIVATE)")
            }
            Inside::Mount(call) => write!(f, "{call}"),
            Inside::MaskFile(path) => write!(f, "mount(\"/dev/null\", \"{path}\", NULL, MS_BIND)"),
            Inside::MaskDirectory(path) => write!(f, "{}", mount::empty(path)),
            Inside::ReadOnly(path) => write!(
                f,
                "mount(\"{path}\", \"{path}\", NULL, MS_BIND|MS_REC); {}",
                mount::SetReadOnly(path)
            ),
            Inside::ReadOnlyTree(path) => write!(f, "{}", mount::SetReadOnly(path)),
            Inside::StandIn(path) => write!(f, "chdir(\"{path}\")"),
            Inside::Device(name) => {
                write!(f, "mount(\"{name}\", \"/dev/{name}\", NULL, MS_BIND)")
            }
            Inside::Shared(name) => {
                write!(f, "mount(\"{name}\", \"/dev/{name}\", NULL, MS_BIND|MS_REC)")
            }
            Inside::Directory(path) => write!(f, "mkdir(\"{path}\", 0755)"),
            Inside::Symlink(target, link) => write!(f, "symlink(\"{target}\", \"{link}\")"),
            Inside::Tree(tree) => write!(f, "{tree}"),
            Inside::Hostname(name) => write!(f, "sethostname({name:?})"),
            Inside::Domainname(name) => write!(f, "setdomainname({name:?})"),
            Inside::LoopbackUp => f.write_str("ioctl(SIOCSIFFLAGS, \"lo\", IFF_UP)"),
            Inside::NoUserNamespaces => {
                write!(f, "write(\"/proc/{}\", \"0\")", limits::USER_NAMESPACES)
            }
            Inside::Rlimit(limit) => limits::describe_rlimit(f, limit),
            Inside::Nice(nice) => write!(f, "setpriority(PRIO_PROCESS, 0, {nice})"),
            Inside::OomScore(adjustment) => write!(f, "{}", limits::oom_score_call(*adjustment)),
            Inside::Label(label) => label::describe(f, label),
            Inside::Keyring { .. } => write!(f, "{}", keyring::CALL),
            Inside::KeepCapabilities => f.write_str("prctl(PR_SET_KEEPCAPS, 1)"),
            Inside::Ambient(set) => capabilities::describe_ambient(f, *set),
            Inside::Landlock(rules) => landlock::describe(f, rules),
            Inside::Chroot(path) => write!(f, "chroot({path:?}); chdir(\"/\")"),
            Inside::Umask(mask) => write!(f, "umask(0{mask:o})"),
            Inside::Session => f.write_str("setsid()"),
            Inside::Terminal(terminal, _) => pty::describe(f, terminal),
            Inside::Console => f.write_str("move_mount(tty, \"/dev/console\")"),
            Inside::Workdir(workdir) => workdir::describe(f, workdir),
            Inside::DropBounding(keep) => capabilities::describe_bounding(f, *keep),
            Inside::Capabilities(set) => capabilities::describe(f, *set),
            Inside::NoNewPrivs => f.write_str("prctl(PR_SET_NO_NEW_PRIVS, 1)"),
            Inside::Seccomp(filter) => write!(f, "{filter}"),
            Inside::DieWithShim => f.write_str("prctl(PR_SET_PDEATHSIG, SIGKILL)"),
            Inside::ReportNamespaces => f.write_str("stat(\"/proc/self/ns/*\")"),
            Inside::CloseDescriptors { from } => {
                write!(f, "close_range({from}, UINT_MAX)")
            }
            Inside::IgnoreSigchld => f.write_str("sigaction(SIGCHLD, SIG_IGN)"),
        }
    }
}

/// Opens the host's /proc, to be used after the mount namespace changed.
pub(crate) fn open_proc() -> Result<OwnedFd> {
    use crate::error::Named;
    use nix::fcntl::{OFlag, open};
    use nix::sys::stat::Mode;
    open("/proc", OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
        .call(|| "open(\"/proc\", O_PATH)".into())
}
