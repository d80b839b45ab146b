//! Joining namespaces that exist, setns(2).

use std::fmt;
use std::fs;

use nix::sched::{CloneFlags, setns};
use nix::sys::stat::{fstat, stat};
use nix::unistd::{ForkResult, pipe2};

use crate::error::{CallError, Named, Result};
use crate::spec::{IdMaps, Joined, Kind, Setgroups, Together, parse_idmap};
use crate::sys;

pub(super) fn undumpable() -> Result<()> {
    nix::sys::prctl::set_dumpable(false).call(|| "prctl(PR_SET_DUMPABLE, 0)".into())
}

pub(super) fn join(kind: Kind, joined: &Joined) -> Result<()> {
    setns(&joined.fd, kind.flag()).call(|| call(kind, joined))
}

pub(super) fn purpose(kind: Kind, joined: &Joined) -> String {
    format!("join the {kind} namespace {}", joined.path.display())
}

pub(super) fn join_together(together: &Together) -> Result<()> {
    // A pidfd with several kinds: Linux 5.8. The rights in all of them are those before the call.
    setns(&together.process, flags(together)).call(|| call_together(together))
}

pub(super) fn describe_together(f: &mut fmt::Formatter<'_>, together: &Together) -> fmt::Result {
    f.write_str(&call_together(together))
}

fn flags(together: &Together) -> CloneFlags {
    together.kinds.iter().fold(CloneFlags::empty(), |flags, kind| flags | kind.flag())
}

fn call_together(together: &Together) -> String {
    let names: Vec<&str> = together.kinds.iter().map(|&kind| flag_name(kind)).collect();
    format!("setns(pidfd_open({}), {})", together.pid, names.join("|"))
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, kind: Kind, joined: &Joined) -> fmt::Result {
    f.write_str(&call(kind, joined))
}

fn call(kind: Kind, joined: &Joined) -> String {
    format!("setns({:?}, {})", joined.path, flag_name(kind))
}

/// `CLONE_NEWNET`.
pub(crate) fn flag_name(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "CLONE_NEWUSER",
        Kind::Cgroup => "CLONE_NEWCGROUP",
        Kind::Ipc => "CLONE_NEWIPC",
        Kind::Uts => "CLONE_NEWUTS",
        Kind::Net => "CLONE_NEWNET",
        Kind::Pid => "CLONE_NEWPID",
        Kind::Time => "CLONE_NEWTIME",
        Kind::Mnt => "CLONE_NEWNS",
    }
}

/// The id maps of a user namespace that exists, in the caller's ids.
///
/// /proc shows the maps of a process: of the one that is joined, or of a child that joins the
/// namespace only to be looked at.
///
/// # Errors
/// `EPERM` without rights in the namespace, unless a process in it is known; `EINVAL` for the caller's
/// own.
pub fn id_maps_of(joined: &Joined, together: Option<&Together>) -> Result<IdMaps> {
    match together.and_then(|together| of_resident(joined, together)) {
        Some(maps) => Ok(maps),
        None => of_child(joined),
    }
}

/// `None`: the process is not in it, or has ended.
fn of_resident(joined: &Joined, together: &Together) -> Option<IdMaps> {
    let maps = look_at(together.pid).ok()?;
    // Nobody comes back to a user namespace that he has left, setns(2): who is in it now was before.
    let its = stat(format!("/proc/{}/ns/user", together.pid).as_str()).ok()?;
    let same = its.st_ino == fstat(&joined.fd).ok()?.st_ino;
    // While it lives nobody else has its number.
    (same && sys::lives(&together.process)).then_some(maps)
}

fn of_child(joined: &Joined) -> Result<IdMaps> {
    let (said, say) = pipe2(nix::fcntl::OFlag::O_CLOEXEC).call(|| "pipe2()".into())?;
    let (end, ended) = pipe2(nix::fcntl::OFlag::O_CLOEXEC).call(|| "pipe2()".into())?;
    let forked = sys::fork_single_threaded().call(|| "fork()".into())?;
    let child = match forked {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            drop(ended);
            // A copy of our memory, with our descriptors: who is in there must not reach it
            // (CVE-2016-9962). The maps of a process can be read all the same.
            let _ = undumpable();
            let errno = match setns(&joined.fd, Kind::User.flag()) {
                Ok(()) => 0,
                Err(errno) => errno as i32,
            };
            let _ = nix::unistd::write(&say, &errno.to_ne_bytes());
            // Until the parent has looked, or is dead.
            let _ = nix::unistd::read(&end, &mut [0]);
            sys::exit_now(0)
        }
    };
    drop(say);
    let mut errno = [0; 4];
    let _ = nix::unistd::read(&said, &mut errno);
    let result = match i32::from_ne_bytes(errno) {
        0 => look_at(child.as_raw()),
        errno => Err(CallError {
            call: call(Kind::User, joined),
            errno: nix::errno::Errno::from_raw(errno),
        }),
    };
    drop(ended);
    let _ = nix::sys::wait::waitpid(child, None);
    result
}

fn look_at(process: i32) -> Result<IdMaps> {
    let read = |file: &str| {
        let path = format!("/proc/{process}/{file}");
        fs::read_to_string(&path).call(|| format!("read({path:?})"))
    };
    let setgroups = match read("setgroups")?.trim() {
        "allow" => Setgroups::Allow,
        _ => Setgroups::Deny,
    };
    Ok(IdMaps {
        users: parse_idmap(&read("uid_map")?),
        groups: parse_idmap(&read("gid_map")?),
        setgroups,
    })
}
