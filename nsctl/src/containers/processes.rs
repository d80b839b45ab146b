//! The processes of a container: those in its control group, or else in its pid namespace.

use std::fs;
use std::path::PathBuf;

use nsshim::cgroup::Group;

use super::process::ends;
use super::{Container, State};
use crate::error::Error;

impl Container {
    /// The host's pids of its processes: those in its control group; without one, those in the pid
    /// namespace of its first one.
    ///
    /// # Errors
    /// It does not run, or has neither of its own.
    pub fn processes(&self, state: &State) -> Result<Vec<i32>, Error> {
        let name = &self.about.name;
        let pid = state.pid.ok_or_else(|| Error::new(format!("{name} is not running")))?;
        if let Some(Ok(found)) = self.groups().first().map(Group::processes) {
            return Ok(found);
        }
        let namespace = fs::read_link(format!("/proc/{pid}/ns/pid")).map_err(|error| {
            // Its links go before it is waited for; before that, the right to read them.
            if ends(pid) {
                Error::new(format!("{name} ended meanwhile"))
            } else {
                Error::new(format!("cannot tell the processes of {name}: {error}"))
            }
        })?;
        if pid_namespace(std::process::id() as i32) == Some(namespace.clone()) {
            return Err(Error::new(format!("{name} shares the host's process ids"))
                .because("which processes are its own cannot be told then")
                .try_this("nsctl run --cgroup-parent PATH, which counts them"));
        }
        let mut found: Vec<i32> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|&pid| pid_namespace(pid).as_ref() == Some(&namespace))
            .collect();
        found.sort_unstable();
        Ok(found)
    }
}

/// Whether that process is now one of the container that is so.
pub fn is_of(state: &State, pid: i32) -> bool {
    let own = state.pid.and_then(pid_namespace);
    own.is_some() && pid_namespace(pid) == own
}

fn pid_namespace(pid: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
}
