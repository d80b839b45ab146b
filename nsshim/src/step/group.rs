//! The container's control groups: made by the shim, entered by the child.

use std::cell::RefCell;
use std::fmt;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};

use crate::cgroup::{self, Group, Version};
use crate::error::{Named, Result};

/// By which the child comes into the groups. Opened outside: the kernel asks who opened whether
/// it may, and the child has fewer rights.
#[derive(Debug, Default)]
pub(crate) struct Entrances {
    /// The group of version 2: clone3(2) puts the child there.
    pub clone: Option<OwnedFd>,
    /// The files `tasks` of version 1: the child puts itself there.
    pub tasks: Vec<OwnedFd>,
    /// What ends all in the group of version 2, `cgroup.kill`: for an init whose shim is killed.
    pub kill: Option<OwnedFd>,
}

impl Entrances {
    /// Opens that of a group.
    pub fn add(&mut self, group: &Group) -> Result<()> {
        let opened = group.open_entrance()?;
        match group.version {
            Version::V2 => self.clone = Some(opened),
            Version::V1 => self.tasks.push(opened),
        }
        Ok(())
    }
}

pub(super) fn enable(group: &Group, controllers: &[String]) -> Result<()> {
    group.enable(&words(controllers)).call(|| enable_call(group, controllers))
}

pub(super) fn enable_call(group: &Group, controllers: &[String]) -> String {
    let parent = group.path().parent().unwrap_or(group.path());
    format!("write({:?}, {:?})", parent.join("cgroup.subtree_control"), words(controllers))
}

fn words(controllers: &[String]) -> String {
    let words: Vec<String> = controllers.iter().map(|name| format!("+{name}")).collect();
    words.join(" ")
}

pub(super) fn open(entrances: &RefCell<Entrances>, group: &Group, own: bool) -> Result<()> {
    if own {
        group.make()?;
    }
    let mut entrances = entrances.borrow_mut();
    entrances.add(group).inspect_err(|_| {
        if own {
            remove(group);
        }
    })?;
    if own && group.version == Version::V2 {
        entrances.kill = group.open_kill();
    }
    Ok(())
}

pub(super) fn remove(group: &Group) {
    let _ = cgroup::end(&[group], Duration::from_secs(1));
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, group: &Group, own: bool) -> fmt::Result {
    if own {
        write!(f, "{}; ", group.mkdir_call())?;
    }
    match group.version {
        Version::V2 => write!(f, "open({:?}, O_DIRECTORY)", group.path()),
        Version::V1 => write!(f, "open({:?}, O_WRONLY)", group.path().join("tasks")),
    }
}

/// Puts the calling process in, which has one thread. Who writes 0 to `tasks` moves itself alone, and
/// need not wait until no process of the machine forks: 17 µs, where cgroup.procs takes 10 ms.
/// kernel/cgroup/cgroup.c, cgroup_procs_write_start(), Linux 5.5
pub(super) fn enter(tasks: &[OwnedFd], groups: &[Rc<Group>]) -> Result<()> {
    for (file, group) in tasks.iter().zip(groups) {
        nix::unistd::write(file, b"0").call(|| call(group))?;
    }
    Ok(())
}

pub(super) fn describe_entering(f: &mut fmt::Formatter<'_>, groups: &[Rc<Group>]) -> fmt::Result {
    let calls: Vec<String> = groups.iter().map(|group| call(group)).collect();
    f.write_str(&calls.join("; "))
}

fn call(group: &Group) -> String {
    format!("write({:?}, \"0\")", group.path().join("tasks"))
}

/// Its root is the group that the process is in, so not before.
pub(super) fn new_namespace() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWCGROUP).call(|| NEW_NAMESPACE.into())
}

pub(super) const NEW_NAMESPACE: &str = "unshare(CLONE_NEWCGROUP)";
