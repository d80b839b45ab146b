//! The time namespace. time_namespaces(7), Linux 5.6
//!
//! clone3 cannot set offsets, and they can be written only while nobody is in
//! the namespace. So the child makes it for its children, writes the offsets,
//! and then joins it: execve would do that too, but only since Linux 6.3.

use std::fmt;
use std::fs::{self, File};

use nix::sched::{setns, unshare};

use crate::error::{Named, Result};
use crate::spec::{Kind, TimeOffsets};

const OFFSETS: &str = "/proc/self/timens_offsets";
const FOR_CHILDREN: &str = "/proc/self/ns/time_for_children";

pub(super) fn enter(offsets: &TimeOffsets) -> Result<()> {
    unshare(Kind::Time.flag()).call(|| "unshare(CLONE_NEWTIME)".into())?;
    let text = text(offsets);
    if !text.is_empty() {
        fs::write(OFFSETS, &text).call(|| format!("write({OFFSETS:?}, {text:?})"))?;
    }
    let namespace = File::open(FOR_CHILDREN).call(|| format!("open({FOR_CHILDREN:?})"))?;
    setns(&namespace, Kind::Time.flag()).call(|| format!("setns({FOR_CHILDREN:?}, CLONE_NEWTIME)"))
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, offsets: &TimeOffsets) -> fmt::Result {
    write!(
        f,
        "unshare(CLONE_NEWTIME); write({OFFSETS:?}, {:?}); setns({FOR_CHILDREN:?}, CLONE_NEWTIME)",
        text(offsets)
    )
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
