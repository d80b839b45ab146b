//! THE order: what happens outside and inside, in which sequence, and why.
//!
//! [`plan`] is pure: it reads nothing and changes nothing. What a later step
//! needs from an earlier one is written beside it.

mod exec;
mod explain;
mod groups;
mod hidden;
mod identity;
mod joins;
mod mounts;
mod parts;
mod root;
mod shell;
#[cfg(test)]
mod tests;
mod text;

use std::rc::Rc;

use caps::Capability;
use nix::sched::CloneFlags;

use crate::cgroup;
use crate::host::Host;
use crate::seccomp;
use crate::spec::{
    Cgroup, ContainerId, Keyring, Kind, Nested, Propagation, Seccomp, Session, Spec,
};
use crate::step::{Inside, Outside};

pub use exec::{Exec, Group, InitOptions};
pub use explain::Explained;
pub use identity::MapWriter;
pub use shell::quoted;

/// The ordered steps that make one container.
#[derive(Debug)]
pub struct Plan {
    /// The shim's, before there is a child.
    pub before: Vec<Outside>,
    /// The same, but again each time that the container is made again.
    pub each: Vec<Outside>,
    /// The control groups that it is in.
    pub cgroup: Option<Cgroup>,
    /// The namespaces that clone3(2) makes.
    pub clone: CloneFlags,
    /// The child's, while its ids are not mapped.
    pub early: Vec<Inside>,
    /// The shim's, while the child waits.
    pub outside: Vec<Outside>,
    /// The child's.
    pub inside: Vec<Inside>,
    /// What the child becomes.
    pub exec: Exec,
    /// Whether the container is a pid namespace, which the kernel ends as a whole.
    pub ends_as_one: bool,
    /// Whether the shim leaves the caller's session.
    pub session: Session,
    /// Whether the caller is told when the workload runs.
    pub report_start: bool,
    /// When it is killed, counted from its start.
    pub timeout: Option<std::time::Duration>,
    /// Whether the child makes a terminal.
    pub terminal: bool,
}

/// Orders what the spec asks for, for this caller.
pub fn plan(spec: Spec, host: &Host) -> Plan {
    let Spec { mut namespaces, id_maps, mut process, rights, terminal, session, init, .. } = spec;
    // Before what the namespaces are is asked: it takes one of them for itself.
    let groups = groups::steps(spec.cgroup.as_ref(), &mut namespaces);
    let new = |kind| namespaces.is_new(kind);
    let mut clone = clone_flags(&namespaces);
    if groups.makes_namespace {
        clone.remove(Kind::Cgroup.flag());
    }
    let ends_as_one = new(Kind::Pid);
    let report_start = spec.report_start;
    let timeout = spec.timeout;
    let has_terminal = terminal.is_some();
    // A tree that is shared with the host cannot be left by pivot_root(2).
    let tree_propagation = match (&spec.root, spec.propagation) {
        (Some(_), Propagation::Shared) => Propagation::Private,
        (_, propagation) => propagation,
    };
    let mounts = mounts::steps(&namespaces, tree_propagation, &rights, id_maps.as_ref(), host);
    let own_devices = mounts.iter().any(|step| matches!(step, Inside::Device(_)));
    let root = root::steps(spec.root, spec.mounts, &namespaces, spec.propagation, host);
    let new_user = new(Kind::User);
    let own_user = !namespaces.is_host(Kind::User);
    let chroot = namespaces.together().and_then(|together| together.root.clone());
    let new_net = new(Kind::Net);
    let time = new(Kind::Time).then_some(spec.time_offsets);

    // First: whoever has to wait has done nothing yet.
    let mut before = root.lock;
    let mut outside = Vec::new();
    let mut inside = Vec::new();
    if let Some(maps) = &id_maps {
        before.extend(identity::drop_groups(maps, host, &mut process.user));
        if new_user {
            let needed_outside = !root.pass.is_empty();
            identity::map(maps, host, needed_outside, &mut inside, &mut outside);
        }
        inside.extend(identity::mapped_owner(maps, host));
    }
    before.extend(joins::steps(namespaces, time.filter(|_| !new_user)));
    // These need only the rights that the new user namespace gives at once. Early, so
    // that they exist when the shim keeps them in files.
    let mut early = groups.early;
    early.extend(time.filter(|_| new_user).map(Inside::Time));
    // Owners are mapped as the maps say, so when they are written.
    outside.extend(root.pass);
    // All namespaces exist now, and the child waits, so their files in /proc do too.
    outside.extend(spec.persist.into_iter().map(Outside::Persist));

    // What follows speaks of paths of the process that was joined.
    inside.extend(chroot.map(Inside::Chroot));
    // With the paths of the host, before our mounts cover some.
    inside.extend(root.take);
    inside.extend(mounts);
    inside.extend(spec.hostname.map(Inside::Hostname));
    inside.extend(spec.domainname.map(Inside::Domainname));
    if new_net {
        inside.push(Inside::LoopbackUp);
    }
    // By the host's /proc, which is closed soon; with CAP_SYS_RESOURCE, which goes after that.
    inside.extend(process.oom_score_adj.map(Inside::OomScore));
    // What the next execve makes of us, nsinit's, stays so for what it executes.
    inside.extend(rights.label.map(Inside::Label));
    if rights.nested == Nested::Denied && new_user {
        inside.push(Inside::NoUserNamespaces);
    }
    // A terminal needs a session to control, and the /dev/pts mounted above.
    if session == Session::Own {
        inside.push(Inside::Session);
    }
    let owner = process.user.as_ref().map(|user| user.uid);
    inside.extend(terminal.map(|terminal| Inside::Terminal(terminal, owner)));
    if has_terminal && own_devices {
        inside.push(Inside::Console);
    }
    // All namespaces are as the workload will see them; asking needs a descriptor that goes next.
    if spec.report_namespaces {
        inside.push(Inside::ReportNamespaces);
    }
    // From here on paths are the container's.
    inside.extend(root.make);
    // Before a path of the user's is followed: it must not lead to them.
    inside.push(Inside::CloseDescriptors { from: 3 + process.preserve_fds as i32 });
    inside.push(Inside::Workdir(process.workdir.clone()));
    // From here on rights go away. Limits first: raising one needs CAP_SYS_RESOURCE.
    inside.extend(process.nice.map(Inside::Nice));
    inside.extend(process.rlimits.iter().copied().map(Inside::Rlimit));
    inside.extend(process.umask.map(Inside::Umask));
    if rights.keyring != Keyring::Callers {
        inside.push(Inside::Keyring { needed: rights.keyring == Keyring::Own });
    }
    // Dropping from the bounding set needs CAP_SETPCAP, which a change of user loses.
    if own_user || host.has(Capability::CAP_SETPCAP) {
        inside.push(Inside::DropBounding(rights.capabilities));
    }
    let (filter, own_filter) = match rights.seccomp {
        Seccomp::Default => {
            (Some(seccomp::default_filter(filter_rights(rights.capabilities, rights.nested))), None)
        }
        // A file may allow the workload's calls and no other.
        Seccomp::Profile(filter) if rights.no_new_privs => (None, Some(filter)),
        Seccomp::Profile(filter) => (Some(filter), None),
        Seccomp::Unconfined => (None, None),
    };
    // First the one that others must not forbid to load.
    let nested = (rights.nested == Nested::Denied).then(seccomp::no_user_namespaces);
    // Landlock before them: they may deny what it takes.
    let mut filters: Vec<Inside> = rights.landlock.map(Inside::Landlock).into_iter().collect();
    filters.extend(nested.into_iter().chain(filter).map(Inside::Seccomp));
    // Without no_new_privs loading one needs CAP_SYS_ADMIN, which goes now.
    if !rights.no_new_privs {
        inside.append(&mut filters);
    }
    let becomes_root = process.user.as_ref().is_none_or(|user| user.uid == ContainerId(0));
    if rights.ambient != 0 {
        inside.push(Inside::KeepCapabilities);
    }
    inside.extend(process.user.clone().map(Inside::Become));
    // The kernel empties the sets of another user at execve; until then they must not linger.
    let kept = if becomes_root { rights.capabilities } else { rights.ambient };
    inside.push(Inside::Capabilities(kept));
    if rights.ambient != 0 {
        inside.push(Inside::Ambient(rights.ambient));
    }
    if rights.no_new_privs {
        inside.push(Inside::NoNewPrivs);
    }
    if process.sigchld_ignored {
        inside.push(Inside::IgnoreSigchld);
    }
    // Forgotten by the kernel at every change of ids, so after the last.
    inside.push(Inside::DieWithShim);
    // Last: what it denies must not be needed by a step.
    inside.append(&mut filters);

    Plan {
        before,
        each: groups.each,
        cgroup: spec.cgroup,
        clone,
        early,
        outside,
        inside,
        exec: exec::exec(process, own_filter, init, session, has_terminal, ends_as_one),
        ends_as_one,
        session,
        report_start,
        timeout,
        terminal: has_terminal,
    }
}

impl Plan {
    /// Whether the shim has nothing to do until the child executes nsinit, so that
    /// the child can work in the shim's memory and nothing is copied for it. Not for
    /// a time namespace, which nobody may enter whose memory is shared: clock values
    /// are in a page of it.
    pub(crate) fn child_may_share_memory(&self) -> bool {
        let makes_time = self.before.iter().any(|step| matches!(step, Outside::Time(_)));
        // Who gives up waiting must not kill a shim that has a group to remove.
        let simple = self.each.is_empty() && self.early.is_empty();
        simple && self.outside.is_empty() && !makes_time
    }

    /// Whether the shim makes what does not end with its processes: it must live to take it back.
    pub(crate) fn leaves_something(&self) -> bool {
        let keeps = self.outside.iter().any(|step| matches!(step, Outside::Persist(_)));
        keeps || !self.own_groups().is_empty()
    }

    /// The child's steps before it closes what it has open, and those from that on.
    pub(crate) fn around_closing(&self) -> (&[Inside], &[Inside]) {
        let closes = |step: &Inside| matches!(step, Inside::CloseDescriptors { .. });
        let at = self.inside.iter().position(closes).unwrap_or(self.inside.len());
        self.inside.split_at(at)
    }

    /// The control groups that are made for the container and end with it.
    pub(crate) fn own_groups(&self) -> &[Rc<cgroup::Group>] {
        self.cgroup.as_ref().filter(|cgroup| cgroup.own).map_or(&[], |cgroup| &cgroup.groups)
    }
}

fn clone_flags(namespaces: &crate::spec::Namespaces) -> CloneFlags {
    Kind::ALL
        .into_iter()
        // clone3 cannot set the offsets of a time namespace: the child makes it.
        .filter(|&kind| kind != Kind::Time && namespaces.is_new(kind))
        .fold(CloneFlags::empty(), |flags, kind| flags | kind.flag())
}

/// What the default policy depends on.
fn filter_rights(capabilities: u64, nested: Nested) -> u64 {
    match nested {
        Nested::Allowed => capabilities | seccomp::NESTING,
        Nested::Default | Nested::Denied => capabilities,
    }
}
