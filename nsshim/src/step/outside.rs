//! The steps of the shim, on the host's side.

use std::cell::RefCell;
use std::fmt;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;

use nix::unistd::Pid;

use super::{Entrances, Passed};
use super::{group, helpers, identity, idmap, idmapped, join, lock, persist, time};
use crate::cgroup::Group;
use crate::error::Failure;
use crate::spec::{IdMaps, Joined, Kind, Persist, TimeOffsets, Together};

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
