//! Which capabilities a process has in a user namespace that need not be its own.
//!
//! The kernel's rules, as security/commoncap.c (`cap_capable`) and user_namespaces(7) have them:
//!
//! ```text
//!  a user namespace ── its own? ─────────────────────────▶ its effective set
//!        │ parent         │ made by its effective user, right below its own? ─▶ all
//!        ▼                │
//!  … up to the first      └ none of them ────────────────▶ none
//! ```

use std::os::fd::{AsFd, OwnedFd};

use nsshim::spec::Kind;
use nsshim::sys;

use super::capabilities::all;
use super::relations::id_of;
use super::{Facts, Id, Links, links_of};

/// The process whose capabilities are asked for.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Its number.
    pub pid: i32,
    /// Its namespaces.
    pub links: Links,
    /// Its effective user, as an id of our user namespace.
    pub euid: u32,
    /// Its effective capabilities.
    pub effective: u64,
    /// Whether a system-call filter is around it.
    pub filtered: bool,
}

/// Why it has what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// It is in that user namespace: its effective set counts.
    Member,
    /// It is in one that the other is nested in: its effective set counts.
    Ancestor,
    /// Its effective user made this one, right below its own: it has all.
    Maker(Id),
    /// It is in none that the other is nested in: it has none.
    Stranger,
    /// What the other is nested in is outside of our view, or the users cannot be told apart.
    Unknown,
}

/// What it has there.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Why.
    pub rule: Rule,
    /// The capabilities.
    pub capabilities: u64,
    /// The user namespaces from that one up, as far as was looked.
    pub path: Vec<Id>,
}

/// `PROC_USER_INIT_INO`, include/linux/proc_ns.h: the first user namespace.
const FIRST: Id = 0xeffffffd;

impl Actor {
    /// Reads it.
    ///
    /// # Errors
    /// As for [`links_of`], `ESRCH` when it ended.
    pub fn read(facts: &Facts, pid: i32) -> nix::Result<Actor> {
        let links = links_of(pid)?;
        let status = facts.whole_text(pid, "status").ok_or(nix::errno::Errno::ESRCH)?;
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.ok_or(nix::errno::Errno::ESRCH)
        };
        let euid = value("Uid:")?.split_whitespace().nth(1).and_then(|uid| uid.parse().ok());
        let effective = u64::from_str_radix(value("CapEff:")?.trim(), 16).ok();
        Ok(Actor {
            pid,
            links,
            euid: euid.ok_or(nix::errno::Errno::EINVAL)?,
            effective: effective.ok_or(nix::errno::Errno::EINVAL)?,
            filtered: value("Seccomp:").is_ok_and(|mode| mode.trim() == "2"),
        })
    }

    /// The user namespace that it is in.
    pub fn user_namespace(&self) -> Id {
        self.links[Kind::User as usize]
    }

    /// What it has in the user namespace behind `fd`.
    pub fn reach(&self, fd: &OwnedFd) -> nix::Result<Reach> {
        let mut at = fd.as_fd().try_clone_to_owned().map_err(|_| nix::errno::Errno::EMFILE)?;
        let mut path = Vec::new();
        let mut below: Option<(OwnedFd, Id)> = None;
        // The kernel nests 33 deep.
        for _ in 0..64 {
            let id = id_of(&at).ok_or(nix::errno::Errno::EBADF)?;
            path.push(id);
            if id == self.user_namespace() {
                return Ok(self.reached(path, below));
            }
            let Ok(parent) = sys::get_ns_parent(&at) else {
                // Above the first there is nothing; above our own, what we cannot see.
                let rule = if id == FIRST { Rule::Stranger } else { Rule::Unknown };
                return Ok(Reach { rule, capabilities: 0, path });
            };
            below = Some((at, id));
            at = parent;
        }
        Ok(Reach { rule: Rule::Unknown, capabilities: 0, path })
    }

    fn reached(&self, path: Vec<Id>, below: Option<(OwnedFd, Id)>) -> Reach {
        let Some((below, id)) = below else {
            return Reach { rule: Rule::Member, capabilities: self.effective, path };
        };
        let maker = sys::get_ns_owner_uid(&below);
        let (rule, capabilities) = match maker {
            Ok(maker) if maker == self.euid && !is_nobody(maker) => (Rule::Maker(id), all()),
            // Everybody without a number here has the same one.
            Ok(maker) if maker == self.euid => (Rule::Unknown, self.effective),
            _ => (Rule::Ancestor, self.effective),
        };
        Reach { rule, capabilities, path }
    }
}

/// Whether a user has no number in our user namespace, so that this one stands for many.
fn is_nobody(uid: u32) -> bool {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let overflow = text("/proc/sys/kernel/overflowuid").trim() == uid.to_string();
    overflow && text("/proc/self/uid_map").split_whitespace().ne(["0", "0", "4294967295"])
}

/// The user namespace in which the rights over a namespace count.
///
/// # Errors
/// `EPERM` when it is outside of our view.
pub fn governing(fd: &OwnedFd, kind: Kind) -> nix::Result<OwnedFd> {
    match kind {
        Kind::User => fd.try_clone().map_err(|_| nix::errno::Errno::EMFILE),
        _ => sys::get_ns_userns(fd),
    }
}

/// Whether a pid namespace is that one, or nested in it.
pub fn lies_in(fd: &OwnedFd, outer: Id) -> bool {
    let mut next = fd.try_clone().ok();
    for _ in 0..64 {
        let Some(fd) = next else { return false };
        if id_of(&fd) == Some(outer) {
            return true;
        }
        next = sys::get_ns_parent(&fd).ok();
    }
    false
}
