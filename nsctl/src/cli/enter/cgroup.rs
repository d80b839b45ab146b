//! The control groups of the process that is entered. nsenter(1), `--join-cgroup`

use std::fs;
use std::path::Path;

use nix::unistd::{AccessFlags, access};
use nsshim::cgroup::{Group, Version};

use crate::cgroups;
use crate::error::Error;
use crate::scan::Pinned;

/// Its groups, in each hierarchy in which it is not in the same one as we; `None` where there is
/// no such.
pub fn groups(process: &Pinned) -> Result<Option<Vec<Group>>, Error> {
    let pid = process.pid;
    let failed = |why: String| {
        Error::new(format!("cannot join the control groups of process {pid}")).because(why)
    };
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup"))
        .map_err(|error| failed(format!("/proc/{pid}/cgroup: {error}")))?;
    let mut groups = Vec::new();
    for hierarchy in cgroups::mounted() {
        let is_it = |line: &&str| match hierarchy.version {
            Version::V2 => line.starts_with("0::"),
            Version::V1 => {
                let names = line.split(':').nth(1).unwrap_or_default();
                names.split(',').eq(hierarchy.controllers.iter().map(String::as_str))
            }
        };
        let path = text.lines().find(is_it).and_then(|line| line.splitn(3, ':').nth(2));
        let Some(path) = path.map(Path::new).filter(|path| *path != hierarchy.own) else {
            continue;
        };
        let directory = hierarchy.directory(path).ok_or_else(|| {
            failed(format!("{} lies outside of what is mounted here", path.display()))
                .try_this("nsctl from the machine's own namespaces")
        })?;
        let file = directory.join("cgroup.procs");
        access(&file, AccessFlags::W_OK).map_err(|errno| {
            failed(format!("access({file:?}, W_OK): {}", nsshim::errno_name(errno)))
                .try_this("sudo nsctl enter …, or leave --join-cgroup out")
        })?;
        let group = Group::at(hierarchy.version, hierarchy.controllers.clone(), &directory);
        groups.push(group.map_err(|errno| failed(format!("open({directory:?}): {errno}")))?);
    }
    Ok((!groups.is_empty()).then_some(groups))
}
