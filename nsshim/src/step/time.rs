//! The time namespace. time_namespaces(7), Linux 5.6
//!
//! clone3 cannot set offsets, and they can be written only while nobody is in
//! the namespace. So it is made for children first, and its offsets are written.
//! A child gets it at its birth; a process that made it for itself must join it:
//! execve would do that too, but only since Linux 6.3.

use std::fmt;
use std::os::fd::BorrowedFd;

use nix::fcntl::{OFlag, openat};
use nix::sched::{setns, unshare};
use nix::sys::stat::Mode;

use crate::error::{Named, Result};
use crate::spec::{Kind, TimeOffsets};

const OFFSETS: &str = "self/timens_offsets";
const FOR_CHILDREN: &str = "self/ns/time_for_children";

/// In the shim, with its rights: the child is born into it.
pub(super) fn make(proc: BorrowedFd<'_>, offsets: &TimeOffsets) -> Result<()> {
    unshare(Kind::Time.flag()).call(|| "unshare(CLONE_NEWTIME)".into())?;
    let text = text(offsets);
    if text.is_empty() {
        return Ok(());
    }
    let name = || format!("write(\"/proc/{OFFSETS}\", {text:?})");
    let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    let file = openat(proc, OFFSETS, flags, Mode::empty()).call(name)?;
    nix::unistd::write(&file, text.as_bytes()).call(name).map(drop)
}

/// In the child, with the rights that its new user namespace gives.
pub(super) fn enter(proc: BorrowedFd<'_>, offsets: &TimeOffsets) -> Result<()> {
    make(proc, offsets)?;
    let namespace = openat(proc, FOR_CHILDREN, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
        .call(|| format!("open(\"/proc/{FOR_CHILDREN}\")"))?;
    setns(&namespace, Kind::Time.flag())
        .call(|| format!("setns(\"/proc/{FOR_CHILDREN}\", CLONE_NEWTIME)"))
}

pub(super) fn describe_for_child(f: &mut fmt::Formatter<'_>, offsets: &TimeOffsets) -> fmt::Result {
    f.write_str("unshare(CLONE_NEWTIME)")?;
    match text(offsets) {
        none if none.is_empty() => Ok(()),
        text => write!(f, "; write(\"/proc/{OFFSETS}\", {text:?})"),
    }
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, offsets: &TimeOffsets) -> fmt::Result {
    describe_for_child(f, offsets)?;
    write!(f, "; setns(\"/proc/{FOR_CHILDREN}\", CLONE_NEWTIME)")
}

fn text(offsets: &TimeOffsets) -> String {
    let mut text = String::new();
    for (clock, nanoseconds) in [("monotonic", offsets.monotonic), ("boottime", offsets.boottime)] {
        if nanoseconds != 0 {
            // The kernel takes a signed second and nanoseconds that count up from it.
            let seconds = nanoseconds.div_euclid(1_000_000_000);
            let rest = nanoseconds.rem_euclid(1_000_000_000);
            text += &format!("{clock} {seconds} {rest}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_fraction_counts_up_from_the_second_below() {
        let offsets = TimeOffsets { monotonic: -1_500_000_000, boottime: 0 };
        assert_eq!(text(&offsets), "monotonic -2 500000000\n");
    }
}
