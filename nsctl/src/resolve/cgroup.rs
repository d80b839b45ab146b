//! `--cgroup-parent`: in which hierarchies the container gets a control group.

use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use nix::unistd::{AccessFlags, access};
use nsshim::cgroup::{Group, Version};
use nsshim::spec::Cgroup;

use crate::args::CgroupArgs;
use crate::causes;
use crate::cgroups::{self, Hierarchy};
use crate::error::Error;

/// Those of version 2 that are asked for, where nobody has done so.
const ENABLED: [&str; 3] = ["io", "memory", "pids"];

/// What is not known yet: the container's id.
const ID: &str = "nsctl-ID";

pub fn resolve(args: &mut CgroupArgs) -> Result<Option<Cgroup>, Error> {
    if let Some(joined) = args.joined.take() {
        let groups = joined.into_iter().map(Rc::new).collect();
        return Ok(Some(Cgroup { groups, own: false, enable: Vec::new(), held: None }));
    }
    let Some(asked) = &args.cgroup_parent else { return Ok(None) };
    let failed = || Error::new(format!("cannot make a control group in {}", asked.display()));
    let strange = |part: Component<'_>| part == Component::ParentDir;
    if asked.components().any(strange) {
        return Err(failed()
            .because("no control group is called so")
            .try_this("an absolute path below /sys/fs/cgroup, or one below nsctl's own group: ."));
    }
    let hierarchies = cgroups::useful();
    let parents: Vec<(&Hierarchy, PathBuf)> = hierarchies
        .iter()
        .filter_map(|one| Some((one, one.directory(&path(asked, one, &hierarchies))?)))
        .collect();
    let writable = |(_, parent): &&(&Hierarchy, PathBuf)| {
        parent.is_dir() && access(parent, AccessFlags::W_OK).is_ok()
    };
    let mut groups = Vec::new();
    let mut enable = Vec::new();
    for (hierarchy, parent) in parents.iter().filter(writable) {
        let controllers = hierarchy.controllers.clone();
        let group = Group::at(hierarchy.version, controllers, &parent.join(ID));
        groups.push(Rc::new(group.map_err(|errno| failed().because(errno.desc()))?));
        if hierarchy.version == Version::V2 {
            enable = can_be_enabled(parent);
        }
    }
    if !groups.is_empty() {
        return Ok(Some(Cgroup { groups, own: true, enable, held: None }));
    }
    // Of several the one that exists says most.
    let named = parents.iter().find(|(_, parent)| parent.is_dir()).or(parents.first());
    let findings = match named {
        Some((_, parent)) => causes::obstacle(parent),
        None => Some(causes::no_hierarchy()),
    };
    Err(failed().with_findings(findings.into_iter().collect()))
}

/// The group that is meant in this hierarchy. Whoever types a path of the file system means what is
/// mounted there.
fn path(asked: &Path, hierarchy: &Hierarchy, all: &[Hierarchy]) -> PathBuf {
    let below = all.iter().filter_map(|one| asked.strip_prefix(&one.point).ok());
    match below.min_by_key(|rest| rest.as_os_str().len()) {
        _ if asked.is_relative() => {
            let plain = asked.components().filter(|part| *part != Component::CurDir);
            hierarchy.own.join(plain.collect::<PathBuf>())
        }
        Some(rest) => Path::new("/").join(rest),
        None => asked.into(),
    }
}

/// The controllers that the parent has and its groups do not; none where processes are in it, which
/// then may not have any (cgroups(7), "no internal processes").
fn can_be_enabled(parent: &Path) -> Vec<String> {
    let read = |name: &str| std::fs::read_to_string(parent.join(name)).unwrap_or_default();
    let is_root = !parent.join("cgroup.type").exists();
    if !is_root && !read("cgroup.procs").is_empty()
        || access(&parent.join("cgroup.subtree_control"), AccessFlags::W_OK).is_err()
    {
        return Vec::new();
    }
    let enabled = read("cgroup.subtree_control");
    let is_enabled = |name: &str| enabled.split_whitespace().any(|one| one == name);
    let all = read("cgroup.controllers");
    let wanted = all.split_whitespace().filter(|name| ENABLED.contains(name) && !is_enabled(name));
    wanted.map(str::to_string).collect()
}
