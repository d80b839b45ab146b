//! The control groups that the container is in.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use crate::cgroup::Group;

/// The control groups of the container: one in each hierarchy.
#[derive(Debug)]
pub struct Cgroup {
    /// Those that it is put in. The steps that make, enter and remove them share them.
    pub groups: Vec<Rc<Group>>,
    /// Whether they are made for it and removed at its end. Else they exist, and somebody else's
    /// container is in them.
    pub own: bool,
    /// Controllers of version 2 that the groups in their parent are to have.
    pub enable: Vec<String>,
    /// Held open by the shim as long as it lives: a lock that says so to others.
    pub held: Option<OwnedFd>,
}

impl Cgroup {
    /// Names those that are to be made for the container with this id.
    pub fn name(&mut self, id: &str) {
        let name = format!("nsctl-{id}");
        // Until there is a plan nobody shares them.
        self.groups.iter_mut().filter_map(Rc::get_mut).for_each(|group| group.rename(&name));
    }
}
