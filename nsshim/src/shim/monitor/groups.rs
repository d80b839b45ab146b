//! The end of a container that has control groups of its own.

use std::time::Duration;

use super::{Monitor, send_kill};
use crate::cgroup::{self, Version};

/// How long what is killed may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

impl Monitor<'_> {
    /// Ends it, also where it is frozen: in a group of version 1 nobody dies who is.
    pub(super) fn kill(&self) {
        send_kill(&self.child);
        for group in self.groups.iter().filter(|group| group.version == Version::V1) {
            if group.freezer().is_some() {
                let _ = group.thaw();
            }
        }
    }

    /// Returns whether the kernel killed something in them because memory ran out, and whether
    /// one is left.
    pub(super) fn end_groups(&mut self) -> (Option<bool>, bool) {
        let kills = self.groups.iter().filter_map(|group| group.oom_kills()).max();
        let ended = cgroup::end(self.groups, PATIENCE);
        if let (Err(errno), Some(keeper)) = (ended, &mut self.keeper) {
            // nsctl rm tries again.
            keeper.complain(&format!("cannot remove the container's control group: {errno}"));
        }
        (kills.map(|kills| kills > 0), ended.is_err())
    }
}
