//! Control groups: made, entered, and only then a cgroup namespace.

use crate::cgroup::Version;
use crate::spec::{Cgroup, Choice, Kind, Namespaces};
use crate::step::{Inside, Outside};

/// The steps, as the order has them.
#[derive(Debug, Default)]
pub struct Groups {
    /// The shim's, before each clone.
    pub each: Vec<Outside>,
    /// The child's first.
    pub early: Vec<Inside>,
    /// Whether the child makes the cgroup namespace, not the clone.
    pub makes_namespace: bool,
}

pub fn steps(cgroup: Option<&Cgroup>, namespaces: &mut Namespaces) -> Groups {
    let Some(Cgroup { groups, own, enable, .. }) = cgroup else { return Groups::default() };
    let mut each = Vec::new();
    for group in groups {
        if group.version == Version::V2 && !enable.is_empty() {
            each.push(Outside::Enable { group: group.clone(), controllers: enable.clone() });
        }
        each.push(Outside::Group { group: group.clone(), own: *own });
    }
    let (version_1, version_2): (Vec<_>, Vec<_>) =
        groups.iter().cloned().partition(|group| group.version == Version::V1);
    let mut early = Vec::new();
    if !version_1.is_empty() {
        early.push(Inside::EnterGroups(version_1));
    }
    let makes_namespace = namespaces.is_new(Kind::Cgroup);
    if makes_namespace {
        early.push(Inside::CgroupNamespace);
    }
    // Where delegation ends at cgroup namespaces (the mount option nsdelegate), nobody in one can
    // start a process in a group outside of it: the shim stays out, the child joins.
    if !version_2.is_empty()
        && let Choice::Join(_) = namespaces.get(Kind::Cgroup)
        && let Choice::Join(joined) = std::mem::take(namespaces.get_mut(Kind::Cgroup))
    {
        early.push(Inside::Join(Kind::Cgroup, joined));
        if let Some(together) = namespaces.together_mut() {
            together.kinds.retain(|&kind| kind != Kind::Cgroup);
        }
    }
    Groups { each, early, makes_namespace }
}
