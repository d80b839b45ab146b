//! Why it failed: from a failed call to its cause, found by looking, and the remedy.
//!
//! A cause is named only when there is evidence for it on this machine, now. When
//! there is none the call and its errno stand alone: a wrong hint costs more than none.

mod access;
mod closed_root;
mod elf;
mod exec;
mod groups;
mod idmaps;
mod inside;
mod join;
mod limits;
mod machine;
mod mounts;
mod namespaces;
mod process;
mod root;
mod view;

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nsshim::spec::{Choice, IdMaps, Kind, Landlock, Rlimit, Spec, Workdir};
use nsshim::{Failure, Host, errno_name};

use self::access::Ids;
pub use self::groups::{no_hierarchy, obstacle};
use self::inside::Inside;
use self::machine::Machine;
use self::view::View;
use crate::error::{self, Error, Finding};
use crate::mountinfo;

/// One thing that can be wrong, and how to see whether it is.
pub struct Cause {
    /// A short name, `seccomp-filter`.
    pub name: &'static str,
    /// Whether it could make such a call fail like this.
    pub explains: fn(&Failure) -> bool,
    /// Looks for evidence.
    pub look: fn(&Scene<'_>) -> Option<Finding>,
}

/// THE table of causes, the most specific first.
pub fn all() -> impl Iterator<Item = &'static Cause> {
    [
        namespaces::CAUSES,
        limits::CAUSES,
        join::CAUSES,
        closed_root::CAUSES,
        idmaps::CAUSES,
        root::CAUSES,
        mounts::CAUSES,
        process::CAUSES,
        groups::CAUSES,
        exec::CAUSES,
        // Last: they can be behind much, and say less about the call.
        namespaces::RESTRICTIONS,
    ]
    .into_iter()
    .flatten()
}

/// A name in the table.
pub fn known_name(name: &str) -> Option<&'static str> {
    all().map(|cause| cause.name).chain(error::BEFORE).find(|known| *known == name)
}

/// Where something is mounted here.
pub fn mount_points() -> Vec<PathBuf> {
    mountinfo::here().into_iter().map(|mount| mount.target).collect()
}

/// Whether this Linux is not that new yet.
pub fn kernel_is_older_than(version: (u32, u32)) -> bool {
    Machine::here().kernel().is_some_and(|running| running < version)
}

/// What is looked at.
pub struct Scene<'a> {
    /// Where.
    pub machine: Machine,
    /// What failed.
    pub failure: &'a Failure,
    /// What was to be done.
    pub asked: &'a Context,
}

/// What was asked, as far as the search needs it.
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) host: Host,
    pub(crate) new: Vec<Kind>,
    pub(crate) joined: Vec<(Kind, PathBuf)>,
    pub(crate) command: PathBuf,
    /// The word after the command.
    pub(crate) second: Option<PathBuf>,
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) strings: Vec<CString>,
    pub(crate) workdir: Workdir,
    pub(crate) view: View,
    pub(crate) inside: Inside,
    pub(crate) rlimits: Vec<Rlimit>,
    pub(crate) nice: Option<i32>,
    pub(crate) oom_score_adj: Option<i32>,
    pub(crate) maps: Option<IdMaps>,
    pub(crate) ids: Ids,
    pub(crate) starter: Ids,
    /// The bytes that arguments and environment take.
    pub(crate) size: usize,
    pub(crate) capabilities: u64,
    pub(crate) landlock: Option<Landlock>,
}

impl Context {
    /// Remembers what the search for causes needs.
    pub fn of(spec: &Spec, host: &Host) -> Self {
        let joined = |kind| match spec.namespaces.get(kind) {
            Choice::Join(joined) => Some((kind, joined.path.clone())),
            _ => None,
        };
        let process = &spec.process;
        let variable =
            |entry: &CString| entry.to_bytes().strip_prefix(b"PATH=").map(<[u8]>::to_vec);
        // The kernel takes strings up to 128 KiB; only one that comes near is worth keeping.
        let long = |text: &&CString| text.count_bytes() > 100 * 1024;
        Context {
            host: *host,
            new: Kind::ALL.into_iter().filter(|&kind| spec.namespaces.is_new(kind)).collect(),
            joined: Kind::ALL.into_iter().filter_map(joined).collect(),
            command: process.argv.first().map(to_path).unwrap_or_default(),
            second: process.argv.get(1).map(to_path),
            path: process.env.iter().find_map(variable),
            strings: process.argv.iter().chain(&process.env).filter(long).cloned().collect(),
            workdir: process.workdir.clone(),
            view: View::of(spec),
            inside: Inside::of(spec),
            rlimits: process.rlimits.clone(),
            nice: process.nice,
            oom_score_adj: process.oom_score_adj,
            maps: spec.id_maps.clone(),
            ids: Ids::of(spec, host),
            starter: Ids::callers(host),
            // Each string ends in a zero byte and has a pointer.
            size: process.argv.iter().chain(&process.env).map(|text| text.count_bytes() + 9).sum(),
            capabilities: spec.rights.capabilities,
            landlock: spec.rights.landlock.clone(),
        }
    }

    /// A failed step.
    pub fn explain(&self, failure: Failure) -> Error {
        let findings = self.find(&failure);
        let Failure { step, call, errno } = failure;
        Error::new(format!("cannot {step}: {call}: {} ({})", errno_name(errno), errno.desc()))
            .with_findings(findings)
    }

    /// The workload could not be executed.
    pub fn not_executed(&self, errno: i32, code: u8) -> Error {
        let step = format!("execute {}", self.command.display());
        let call = format!("execve({:?})", self.command);
        self.explain(Failure { step, call, errno: Errno::from_raw(errno) })
            .with_status(i32::from(code))
    }

    /// What would make such a call fail, though it was not made: another failure came first.
    pub fn suppose(&self, call: &str, errno: Errno) -> Vec<Finding> {
        let failure = Failure { step: String::new(), call: call.into(), errno };
        let mut asked = self.clone();
        if errno == Errno::ENOSPC && asked.new.len() > 1 {
            // Whether there may be a user namespace is another question.
            asked.new.retain(|&kind| kind != Kind::User);
        }
        asked.find(&failure)
    }

    fn find(&self, failure: &Failure) -> Vec<Finding> {
        let scene = Scene { machine: Machine::here(), failure, asked: self };
        all()
            .filter(|cause| (cause.explains)(failure))
            .filter_map(|cause| {
                let finding = (cause.look)(&scene);
                let word = if finding.is_some() { "found" } else { "not seen" };
                log::debug!("cause {}: {word}", cause.name);
                finding.map(|finding| Finding { name: Some(cause.name), ..finding })
            })
            .collect()
    }

    /// Whether a namespace of this kind was to be made.
    fn makes(&self, kind: Kind) -> bool {
        self.new.contains(&kind)
    }

    /// Whether the call was to make a user namespace, with the others in it.
    fn has_new_user(&self) -> bool {
        self.makes(Kind::User)
    }
}

/// The name of the system call, `mount`.
fn call_name(failure: &Failure) -> &str {
    failure.call.split('(').next().unwrap_or_default()
}

/// Whether the call was one that makes namespaces.
fn makes_namespaces(failure: &Failure) -> bool {
    matches!(call_name(failure), "clone3" | "unshare")
}

fn to_path(text: &CString) -> PathBuf {
    std::ffi::OsStr::from_bytes(text.to_bytes()).into()
}

#[cfg(test)]
mod tests;
