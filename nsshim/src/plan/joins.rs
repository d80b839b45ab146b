//! The namespaces that exist already: in which order the shim joins them.

use crate::spec::{Choice, Kind, Namespaces, TimeOffsets};
use crate::step::Outside;

/// What the shim does before there is a child: joins, and the time namespace
/// when its rights come from outside or from the user namespace that is joined.
pub(super) fn steps(mut namespaces: Namespaces, time: Option<TimeOffsets>) -> Vec<Outside> {
    let together = namespaces.together_mut().take().filter(|together| !together.kinds.is_empty());
    let is_in = |kind| together.as_ref().is_some_and(|together| together.kinds.contains(&kind));
    let mut join = |kind| match std::mem::take(namespaces.get_mut(kind)) {
        Choice::Join(joined) if !is_in(kind) => Some(Outside::Join(kind, joined)),
        _ => None,
    };
    let user = join(Kind::User);
    let mut others: Vec<Outside> = Kind::ALL.into_iter().filter_map(join).collect();
    // Before others, which may need the rights that it gives.
    if let Some(together) = together {
        others.insert(0, Outside::JoinTogether(together));
    }
    // Before processes inside could trace us.
    let undumpable = (user.is_some() || !others.is_empty()).then_some(Outside::Undumpable);
    let mut steps = Vec::new();
    match time {
        None => {
            steps.extend(undumpable);
            steps.extend(user);
        }
        // The files in /proc of a process that is not dumpable are root's.
        Some(offsets) => {
            steps.extend(user);
            steps.push(Outside::Time(offsets));
            steps.extend(undumpable);
        }
    }
    steps.extend(others);
    steps
}
