//! What the workload may do.

use std::path::PathBuf;

use crate::seccomp::Filter;

/// What the workload may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// The capabilities it may ever have: bit n is capability n, capabilities(7).
    pub capabilities: u64,
    /// Those of them that it also has as a user that is not root, and what it executes has.
    pub ambient: u64,
    /// Whether execve may add rights. prctl(2), `PR_SET_NO_NEW_PRIVS`
    pub no_new_privs: bool,
    /// The system calls it may make.
    pub seccomp: Seccomp,
    /// Whether kernel files in /proc and /sys are hidden or read-only.
    pub mask_paths: bool,
    /// Whether containers may be made inside.
    pub nested: Nested,
    /// Whose session keyring it has.
    pub keyring: Keyring,
    /// What a security module calls it.
    pub label: Option<Label>,
    /// What it may reach, landlock(7).
    pub landlock: Option<Landlock>,
}

/// The system-call filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seccomp {
    /// The default policy for the capabilities.
    Default,
    /// None.
    Unconfined,
    /// Another one.
    Profile(Filter),
}

/// What making containers inside meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nested {
    /// The default policy, which denies it to who has not CAP_SYS_ADMIN.
    Default,
    /// No user namespace is made inside, whatever the rights.
    Denied,
    /// The default policy lets it happen; what hides kernel files would not, so nothing does.
    Allowed,
}

/// Whose session keyring the workload has, session-keyring(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyring {
    /// The caller's.
    Callers,
    /// One of its own.
    Own,
    /// One of its own, unless the caller has used up what keys it may have: the workload cannot
    /// ask for keys anyhow.
    OwnWithinQuota,
}

/// What a Linux security module calls the workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    /// AppArmor's profile.
    AppArmor(String),
    /// SELinux's context.
    SeLinux(String),
}

/// What the workload may reach; what is not mentioned is not restricted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Landlock {
    /// Files: when there is one, these and no others.
    pub files: Vec<(PathBuf, FileAccess)>,
    /// The TCP ports it may connect to.
    pub connect: Option<Vec<u16>>,
    /// The TCP ports it may bind.
    pub bind: Option<Vec<u16>>,
}

/// What may be done below a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAccess {
    /// Files are read, directories listed.
    Read,
    /// Files are read and executed, directories listed.
    Execute,
    /// All but executing.
    Write,
}
