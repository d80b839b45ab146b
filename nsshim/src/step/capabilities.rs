//! The five capability sets and no_new_privs, capabilities(7).

use std::fmt;

use caps::{CapSet, Capability, CapsHashSet};
use nix::errno::Errno;

use crate::error::{CallError, Named, Result};
use crate::sys;

/// Limits what any later execve can give.
pub(super) fn drop_bounding(keep: u64) -> Result<()> {
    for capability in caps::all() {
        if keep & capability.bitmask() != 0
            || caps::drop(None, CapSet::Bounding, capability).is_ok()
        {
            continue;
        }
        // An older kernel does not know the newest ones: nobody can have them.
        match Errno::last() {
            Errno::EINVAL => {}
            errno => {
                let call = format!("prctl(PR_CAPBSET_DROP, {capability})");
                return Err(CallError { call, errno });
            }
        }
    }
    drop_unknown()
}

/// A newer kernel may have some that nobody here has a name for.
fn drop_unknown() -> Result<()> {
    let last = caps::all().iter().map(Capability::index).max().unwrap_or(0);
    for number in last + 1..64 {
        match sys::capbset_drop(number) {
            Err(Errno::EINVAL) => break,
            other => other.call(|| format!("prctl(PR_CAPBSET_DROP, {number})"))?,
        }
    }
    Ok(())
}

/// The inheritable and ambient sets stay empty: a set inherited by accident gave
/// rights to programs with file capabilities (CVE-2022-24769).
pub(super) fn set(wanted: u64) -> Result<()> {
    let wrong = |_| failed(format!("capset({})", Names(wanted)));
    caps::clear(None, CapSet::Ambient).map_err(wrong)?;
    // A caller with less than all of them cannot give more than it has.
    let had = caps::read(None, CapSet::Permitted).map_err(wrong)?;
    let set: CapsHashSet = had.into_iter().filter(|cap| wanted & cap.bitmask() != 0).collect();
    caps::set(None, CapSet::Inheritable, &CapsHashSet::new()).map_err(wrong)?;
    caps::set(None, CapSet::Effective, &set).map_err(wrong)?;
    caps::set(None, CapSet::Permitted, &set).map_err(wrong)
}

/// For a user that is not root: what is ambient survives execve. Must be permitted already.
pub(super) fn ambient(wanted: u64) -> Result<()> {
    let wrong = |_| failed(format!("prctl(PR_CAP_AMBIENT_RAISE, {})", Names(wanted)));
    let set: CapsHashSet =
        caps::all().into_iter().filter(|cap| wanted & cap.bitmask() != 0).collect();
    caps::set(None, CapSet::Inheritable, &set).map_err(wrong)?;
    caps::set(None, CapSet::Ambient, &set).map_err(wrong)
}

/// A change of user empties the permitted set but for this; execve forgets it.
pub(super) fn keep() -> Result<()> {
    nix::sys::prctl::set_keepcaps(true).call(|| "prctl(PR_SET_KEEPCAPS, 1)".into())
}

/// The caps crate turns the errno into text; it is still where the call left it.
fn failed(call: String) -> CallError {
    CallError { call, errno: Errno::last() }
}

pub(super) fn no_new_privs() -> Result<()> {
    nix::sys::prctl::set_no_new_privs().call(|| "prctl(PR_SET_NO_NEW_PRIVS, 1)".into())
}

pub(super) fn describe_bounding(f: &mut fmt::Formatter<'_>, keep: u64) -> fmt::Result {
    let dropped = caps::all().into_iter().fold(0, |set, cap| set | cap.bitmask()) & !keep;
    write!(f, "prctl(PR_CAPBSET_DROP, {})", Names(dropped))
}

pub(super) fn describe_ambient(f: &mut fmt::Formatter<'_>, set: u64) -> fmt::Result {
    write!(f, "prctl(PR_CAP_AMBIENT_RAISE, {})", Names(set))
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, set: u64) -> fmt::Result {
    let names = Names(set);
    write!(f, "capset({{effective={names}, permitted={names}, inheritable=0}})")
}

/// A set as names, `CAP_CHOWN|CAP_KILL`.
struct Names(u64);

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut capabilities: Vec<Capability> =
            caps::all().into_iter().filter(|cap| self.0 & cap.bitmask() != 0).collect();
        capabilities.sort_by_key(|cap| cap.index());
        let names: Vec<String> = capabilities.iter().map(ToString::to_string).collect();
        f.write_str(if names.is_empty() { "0".into() } else { names.join("|") }.as_str())
    }
}
