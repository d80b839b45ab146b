//! The namespaces of a machine: pure data in, a table out.
//!
//! ```text
//!  /proc/PID/ns, task/TID/ns ─┐
//!  /proc/PID/fd               ├─▶ Found: id → Namespace ──▶ facts: command, user, map, name …
//!  mountinfo, nsfs lines      │     owner, parent: asked once for each, when it is first seen
//!  sockets                   ─┘
//! ```
//!
//! A namespace is told from another by the number in its link, so that a look at a process opens
//! nothing; one is opened once, to ask whose it is. What others named (commands, paths, hosts) is
//! carried as it is and made harmless where it is printed.

mod capabilities;
mod cgroup;
mod crew;
mod descriptors;
mod facts;
mod hostnames;
mod link;
mod links;
mod listing;
mod merge;
mod mounts;
mod networks;
mod one;
mod population;
mod proc_events;
mod process;
mod processes;
mod reach;
mod relations;
mod sockets;
mod target;
mod threads;
mod visit;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nsshim::spec::Kind;

use crate::error::Error;

pub use capabilities::{capabilities, names as capability_names};
pub use crew::map;
pub use facts::Facts;
pub use hostnames::hostnames;
pub use links::{Links, links_of, namespace_of};
pub use networks::{Network, networks};
pub use population::Population;
pub use proc_events::ProcEvents;
pub use process::{Sight, network_addresses, without_loopback};
pub use reach::{Actor, Reach, Rule, governing, lies_in};
pub use relations::open_namespace;
pub use target::{One, Pinned, Target, unreadable};

/// The number that `net:[4026531840]` shows: an inode of nsfs.
pub type Id = u64;

/// Where to look.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// Threads, descriptors, sockets and mounts, too.
    pub all: bool,
    /// Owners, parents and what is known only through them.
    pub relations: bool,
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Found {
    /// By number.
    pub namespaces: BTreeMap<Id, Namespace>,
    /// The processes that could be read, by pid.
    pub processes: Vec<Process>,
    /// Those that could not.
    pub unread: Unread,
}

/// One namespace.
#[derive(Debug, Clone)]
pub struct Namespace {
    /// Its number.
    pub id: Id,
    /// Its kind.
    pub kind: Kind,
    /// How many processes are in it.
    pub processes: u32,
    /// The lowest pid of those.
    pub first: Option<i32>,
    /// What else keeps it.
    pub holders: Vec<Holder>,
    /// The user namespace whose rights count in it.
    pub owner: Option<Id>,
    /// The one that it is nested in; pid and user namespaces.
    pub parent: Option<Id>,
    /// The user who made it; user namespaces.
    pub maker: Option<u32>,
    /// The number that is never used again. Linux 6.18
    pub unique: Option<u64>,
}

/// What keeps a namespace, besides processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A thread that is elsewhere than its process.
    Thread {
        /// Its process.
        pid: i32,
        /// Itself.
        tid: i32,
    },
    /// A process whose next child will be in it.
    Children {
        /// The process.
        pid: i32,
    },
    /// An open descriptor.
    Descriptor {
        /// Whose.
        pid: i32,
        /// Its number.
        fd: i32,
    },
    /// A socket, which stays in its network namespace.
    Socket {
        /// Whose.
        pid: i32,
        /// Its descriptor.
        fd: i32,
    },
    /// A bind mount; looked for when all processes are known.
    Mount {
        /// A process that sees it, unless it is in our own mount namespace.
        seen_by: Option<i32>,
        /// Where, as that process sees it.
        path: PathBuf,
    },
    /// A namespace that it owns.
    Owned(Id),
    /// A namespace that is nested in it.
    Child(Id),
}

/// A process and its namespaces.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// In the order of [`Kind::ALL`]; 0 where there is none.
    pub links: Links,
}

/// How many processes could not be read, and why.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unread {
    /// They belong to others.
    pub others: u32,
    /// They belong to the caller and protect themselves: more rights than the caller, or not
    /// dumpable.
    pub protected: u32,
    /// Whether /proc hides processes of others. proc(5), `hidepid`
    pub hidden: bool,
}

impl Found {
    /// Looks.
    ///
    /// # Errors
    /// There is no /proc.
    pub fn look(places: Places) -> Result<Found, Error> {
        let proc = open_proc()?;
        let mut found = processes::look(&proc, places)?;
        if places.all {
            found = mounts::look(&proc, places, &found).into_iter().fold(found, Found::merge);
        }
        found.tidy();
        found.unread.hidden = mounts::proc_hides();
        Ok(found)
    }

    /// The namespace with this number, made when it is new; whether it was.
    fn entry(&mut self, kind: Kind, id: Id) -> (&mut Namespace, bool) {
        let mut new = false;
        let namespace = self.namespaces.entry(id).or_insert_with(|| {
            new = true;
            Namespace::new(kind, id)
        });
        (namespace, new)
    }

    /// How many namespaces it is nested in, of those that can be seen.
    pub fn depth(&self, id: Id) -> usize {
        // The kernel nests at most 33 deep.
        let parent = |id: &Id| self.namespaces.get(id).and_then(|namespace| namespace.parent);
        std::iter::successors(parent(&id), parent).take(64).count()
    }
}

impl Namespace {
    fn new(kind: Kind, id: Id) -> Self {
        Namespace {
            id,
            kind,
            processes: 0,
            first: None,
            holders: Vec::new(),
            owner: None,
            parent: None,
            maker: None,
            unique: None,
        }
    }

    /// Adds what keeps it. One in a mount of its own kind is enough to be found by, but all
    /// mounts are listed; of descriptors and the like some are enough to know why it lives.
    fn hold(&mut self, holder: Holder) {
        const ENOUGH: usize = 8;
        if (self.holders.len() < ENOUGH || matches!(holder, Holder::Mount { .. }))
            && !self.holders.contains(&holder)
        {
            self.holders.push(holder);
        }
    }

    /// A process that is in it, or that keeps it.
    pub fn process(&self) -> Option<i32> {
        self.first.or_else(|| self.holders.iter().find_map(Holder::pid))
    }
}

impl Holder {
    /// The process, where it is one.
    pub fn pid(&self) -> Option<i32> {
        match self {
            Holder::Thread { pid, .. }
            | Holder::Children { pid }
            | Holder::Descriptor { pid, .. }
            | Holder::Socket { pid, .. } => Some(*pid),
            Holder::Mount { .. } | Holder::Owned(_) | Holder::Child(_) => None,
        }
    }
}

/// /proc, to look from.
pub fn open_proc() -> Result<OwnedFd, Error> {
    open("/proc", OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()).map_err(
        |errno| {
            Error::new(format!("cannot look at processes: open(\"/proc\"): {errno}"))
                .try_this("mount -t proc proc /proc")
        },
    )
}
