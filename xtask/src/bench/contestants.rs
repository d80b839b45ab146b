//! Who takes part, and how each is called.

use super::arena::{Arena, Home, SLEEP};
use super::bundle::{self, Mapping};
use super::floor;
use super::identity::{Identity, Range};
use crate::Result;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One way to start the workload.
#[derive(Clone, Serialize, Deserialize)]
pub struct Contestant {
    pub name: String,
    /// Program and arguments; `{slot}` stands for a number that differs between
    /// all that run at once, for tools that want a name for each container.
    argv: Vec<String>,
    /// One per tool: takes part in throughput and memory too.
    pub peer: bool,
    /// What clears away what is left after it; takes no part in its time.
    after: Vec<String>,
}

/// Who does not take part, and why.
#[derive(Clone, Serialize, Deserialize)]
pub struct LeftOut {
    pub name: String,
    pub reason: String,
}

/// What runs inside.
#[derive(Clone, Copy)]
pub enum Workload {
    True,
    Sleep,
}

impl Contestant {
    pub fn new(name: &str, argv: Vec<String>) -> Contestant {
        Contestant { name: name.to_string(), argv, peer: true, after: Vec::new() }
    }

    /// With a command that clears away what is left after each run.
    pub fn cleared_by(self, after: Vec<String>) -> Contestant {
        Contestant { after, ..self }
    }

    /// That command.
    pub fn clearing(&self) -> Option<Command> {
        let mut command = Command::new(self.after.first()?);
        command.args(&self.after[1..]);
        Some(command)
    }

    pub fn argv(&self, slot: usize) -> Vec<String> {
        self.argv.iter().map(|word| word.replace("{slot}", &slot.to_string())).collect()
    }

    pub fn command(&self, slot: usize) -> Command {
        let argv = self.argv(slot);
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]);
        command
    }
}

/// Collects contestants, and the reasons of those who cannot take part.
#[derive(Default)]
pub struct List {
    pub found: Vec<Contestant>,
    pub left_out: Vec<LeftOut>,
}

impl List {
    pub fn add(&mut self, name: &str, peer: bool, program: &str, args: &str, last: &[&str]) {
        let mut argv = vec![program.to_string()];
        argv.extend(args.split_whitespace().map(str::to_string));
        argv.extend(last.iter().map(|word| (*word).to_string()));
        self.found.push(Contestant { peer, ..Contestant::new(name, argv) });
    }

    pub fn leave_out(&mut self, name: &str, reason: &str) {
        self.left_out.push(LeftOut { name: name.to_string(), reason: reason.to_string() });
    }

    pub fn installed(&mut self, name: &str) -> Option<String> {
        let path = which(name);
        if path.is_none() {
            self.leave_out(name, "not installed");
        }
        path
    }
}

/// Everyone who can start `workload` as `identity`, with the same new
/// namespaces: mount, pid, uts, ipc, cgroup, net unless the name says
/// otherwise, and user unless it is root who asks.
pub fn list(
    identity: &Identity,
    arena: &Arena,
    home: &Home,
    workload: Workload,
) -> Result<(Vec<Contestant>, Vec<LeftOut>)> {
    let file = match workload {
        Workload::True => "true",
        Workload::Sleep => SLEEP,
    };
    let target = &*arena.program(file);
    let mut list = List::default();

    list.add("workload", false, target, "", &[]);
    add_floor(&mut list, identity, arena, target);
    add_nsctl(&mut list, identity, arena, target);
    add_unshare(&mut list, identity, target);
    add_bwrap(&mut list, identity, target);
    add_nsjail(&mut list, identity, target);
    add_oci(&mut list, identity, arena, home, file)?;
    Ok((list.found, list.left_out))
}

fn add_floor(list: &mut List, identity: &Identity, arena: &Arena, target: &str) {
    for (name, net) in [("floor", true), ("floor-nonet", false)] {
        if arena.has("floor") {
            let flags = floor::clone_flags(identity.is_root(), net).to_string();
            list.add(name, net, &arena.program("floor"), &flags, &[target]);
        } else {
            list.leave_out(name, "written for x86_64 only");
        }
    }
}

fn add_nsctl(list: &mut List, identity: &Identity, arena: &Arena, target: &str) {
    let nsctl = arena.program("nsctl");
    list.add("nsctl", true, &nsctl, "run --", &[target]);
    list.add("nsctl-nonet", false, &nsctl, "run --net host --", &[target]);
    list.add("nsctl-unfiltered", false, &nsctl, "run --seccomp unconfined --", &[target]);
    if !identity.is_root() {
        match ranges(identity) {
            Ok(_) => {
                let args = "run --map-users auto --map-groups auto --";
                list.add("nsctl-ranges", false, &nsctl, args, &[target]);
            }
            Err(reason) => list.leave_out("nsctl-ranges", &reason),
        }
    }
    if arena.has("baseline") {
        list.add("baseline", true, &arena.program("baseline"), "run --", &[target]);
    }
}

fn add_unshare(list: &mut List, identity: &Identity, target: &str) {
    let Some(program) = list.installed("unshare") else { return };
    let user = if identity.is_root() { "" } else { "-U -r" };
    let args = format!("{user} -m -u -i -n -p -C -f --mount-proc --");
    list.add("unshare", true, &program, &args, &[target]);
}

fn add_bwrap(list: &mut List, identity: &Identity, target: &str) {
    let Some(program) = list.installed("bwrap") else { return };
    // Not --unshare-all: it makes a user namespace for root too.
    let user = if identity.is_root() { "" } else { "--unshare-user" };
    for (name, net) in [("bwrap", "--unshare-net"), ("bwrap-nonet", "")] {
        let args = format!(
            "{user} --unshare-ipc --unshare-pid --unshare-uts --unshare-cgroup {net} \
             --bind / / --proc /proc --dev /dev --"
        );
        list.add(name, !net.is_empty(), &program, &args, &[target]);
    }
}

fn add_nsjail(list: &mut List, identity: &Identity, target: &str) {
    let Some(program) = list.installed("nsjail") else { return };
    let user = if identity.is_root() { "--disable_clone_newuser" } else { "" };
    let args = format!("--mode o --really_quiet {user} --time_limit 0 --chroot / --rw --");
    list.add("nsjail", true, &program, &args, &[target]);
}

fn add_oci(
    list: &mut List,
    identity: &Identity,
    arena: &Arena,
    home: &Home,
    file: &str,
) -> Result<()> {
    let plain = plain_bundle(identity, arena, file)?;
    add_runc(list, home, &plain);
    add_crun(list, "crun", home, &plain);
    if !identity.is_root() && which("crun").is_some() {
        match ranges(identity) {
            Ok(mapping) => {
                let dir = arena.bundle_dir(&format!("ranges-{file}"))?;
                bundle::write(&dir, Path::new(&arena.program(file)), Some(mapping))?;
                add_crun(list, "crun-ranges", home, &dir);
            }
            Err(reason) => list.leave_out("crun-ranges", &reason),
        }
    }
    Ok(())
}

/// A bundle in which the caller is root, without ranges of ids.
pub fn plain_bundle(identity: &Identity, arena: &Arena, file: &str) -> Result<PathBuf> {
    let one = |first| Range { first, count: 1 };
    let own = Mapping { uids: one(identity.uid), gids: one(identity.gid) };
    let bundle = arena.bundle_dir(&format!("{}-{file}", identity.kind()))?;
    let program = arena.program(file);
    bundle::write(&bundle, Path::new(&program), (!identity.is_root()).then_some(own))?;
    Ok(bundle)
}

/// runc has no word for "no cgroup": for root it makes one, for others it goes on without.
pub fn add_runc(list: &mut List, home: &Home, bundle: &Path) {
    let Some(runc) = list.installed("runc") else { return };
    let state = format!("{}/runc", home.0);
    let bundle = bundle.to_string_lossy();
    let args = ["--root", &state, "run", "--bundle", &bundle, "b{slot}"];
    list.add("runc", true, &runc, "", &args);
}

pub fn add_crun(list: &mut List, name: &str, home: &Home, bundle: &Path) {
    let Some(crun) = list.installed("crun") else { return };
    let state = format!("{}/crun", home.0);
    let bundle = bundle.to_string_lossy();
    let args = ["--root", &state, "run", "--bundle", &bundle, "b{slot}"];
    list.add(name, name == "crun", &crun, "--cgroup-manager=disabled", &args);
}

/// The subordinate ids of a user, or why there are none.
fn ranges(identity: &Identity) -> std::result::Result<Mapping, String> {
    let missing = |file: &str| format!("{file} has no entry for {identity}");
    let uids = identity.subuid.ok_or_else(|| missing("/etc/subuid"))?;
    let gids = identity.subgid.ok_or_else(|| missing("/etc/subgid"))?;
    for helper in ["newuidmap", "newgidmap"] {
        which(helper).ok_or_else(|| format!("{helper} is not installed"))?;
    }
    Ok(Mapping { uids, gids })
}

/// Looks a program up where administrators look, whoever we are.
pub fn which(name: &str) -> Option<String> {
    let dirs = ["/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/bin", "/sbin"];
    dirs.iter().map(|dir| format!("{dir}/{name}")).find(|path| Path::new(path).is_file())
}
