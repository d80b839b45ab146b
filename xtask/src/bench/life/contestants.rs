//! Who can leave a container to itself, and run another command in one.

use super::{Bench, REST, program};
use crate::Result;
use crate::bench::arena::{Arena, directory};
use crate::bench::contestants::{Contestant, List, Workload, plain_bundle};
use crate::bench::floor;
use std::process::{Command, Stdio};

/// The container in which commands are run.
const STANDING: &str = "standing";

/// The one that is started again and again.
const AGAIN: &str = "again";

/// Where nsctl keeps both; the worker's environment says so.
const STATE: &str = crate::bench::STATE;

/// The workload that never ends, and the root that others want.
pub fn furnish(arena: &Arena) -> Result<()> {
    arena.compile(REST, floor::compile_rest)?;
    arena.compile("pour", floor::compile_pour)?;
    let root = arena.directory("root")?;
    for name in ["proc", "dev", "sys", "etc", "run", "tmp"] {
        directory(&root.join(name), 0o755)?;
    }
    for name in ["true", REST] {
        std::fs::copy(arena.program(name), root.join(name))?;
    }
    Ok(())
}

/// Everyone, with a container that stands for those who run commands in one.
pub fn list(bench: &Bench<'_>) -> Result<List> {
    let mut list = List::default();
    list.add("workload", false, &program(bench, Workload::True), "", &[]);
    nsctl(&mut list, bench)?;
    for name in ["crun", "runc"] {
        oci(&mut list, bench, name)?;
    }
    podman(&mut list, bench);
    Ok(list)
}

fn split(words: &str) -> Vec<String> {
    words.split_whitespace().map(String::from).collect()
}

fn nsctl(list: &mut List, bench: &Bench<'_>) -> Result<()> {
    let (rest, done) = (program(bench, Workload::Sleep), program(bench, Workload::True));
    bench.ask(STATE, &["run", "-d", "--name", STANDING, "--", &rest])?;
    let pid = bench.ask(STATE, &["inspect", "--pid", STANDING])?;
    for name in ["nsctl", "baseline"] {
        if !bench.arena.has(name) {
            continue;
        }
        let nsctl = bench.arena.program(name);
        let line = |words: &str| split(&format!("{nsctl} {words}"));
        let mut add = |kind: &str, words: &str, after: &str| {
            let one = Contestant::new(&format!("{name}{kind}"), line(words));
            list.found.push(if after.is_empty() { one } else { one.cleared_by(line(after)) });
        };
        let remove = format!("rm -f {AGAIN}");
        add("-d", &format!("run -d --name {AGAIN} -- {done}"), &remove);
        add("-exec", &format!("exec {STANDING} {done}"), "");
        add("-enter", &format!("enter {pid} {done}"), "");
    }
    if let Some(nsenter) = list.installed("nsenter") {
        // Else it cannot enter a user namespace of its own user's.
        let keep = if bench.identity.is_root() { "" } else { " --preserve-credentials" };
        let words = split(&format!("{nsenter} -a{keep} -t {pid} {done}"));
        list.found.push(Contestant::new("nsenter", words));
    }
    Ok(())
}

fn oci(list: &mut List, bench: &Bench<'_>, name: &str) -> Result<()> {
    let Some(program) = list.installed(name) else { return Ok(()) };
    let manager = if name == "crun" { "--cgroup-manager=disabled " } else { "" };
    let base = format!("{program} {manager}--root {}/{name}", bench.home.0);
    let bundle = |file: &str| -> Result<String> {
        let bundle = plain_bundle(bench.identity, bench.arena, file)?;
        // What is run in the standing one.
        std::fs::copy(bench.arena.program("true"), bundle.join("rootfs/true"))?;
        Ok(bundle.display().to_string())
    };
    let line = |words: String| split(&format!("{base} {words}"));
    let started = line(format!("run -d --bundle {} {AGAIN}", bundle("true")?));
    let removed = line(format!("delete -f {AGAIN}"));
    list.found.push(Contestant::new(&format!("{name}-d"), started).cleared_by(removed));
    let standing = format!("{base} run -d --bundle {} {STANDING}", bundle(REST)?);
    match run_silently(bench, &standing) {
        Ok(()) => {
            let words = line(format!("exec {STANDING} /true"));
            list.found.push(Contestant::new(&format!("{name}-exec"), words));
        }
        Err(reason) => list.leave_out(&format!("{name}-exec"), &reason),
    }
    Ok(())
}

fn podman(list: &mut List, bench: &Bench<'_>) {
    let Some(podman) = list.installed("podman") else { return };
    // The limits that it sets of its own accord may be above what the caller may have.
    let options = "-d --network none --cgroups=disabled --ulimit nofile=1024:1024 \
                   --ulimit nproc=1000:1000";
    let root = bench.arena.program("root");
    let line = |words: String| split(&format!("{podman} {words}"));
    let started = line(format!("run {options} --name {AGAIN} --rootfs {root} /true"));
    let removed = line(format!("rm -f -t 0 {AGAIN}"));
    list.found.push(Contestant::new("podman-d", started).cleared_by(removed));
    let standing = format!("{podman} run {options} --name {STANDING} --rootfs {root} /{REST}");
    match run_silently(bench, &standing) {
        Ok(()) => {
            let words = line(format!("exec {STANDING} /true"));
            list.found.push(Contestant::new("podman-exec", words));
        }
        Err(reason) => list.leave_out("podman-exec", &reason),
    }
}

fn run_silently(bench: &Bench<'_>, words: &str) -> std::result::Result<(), String> {
    let said = std::path::PathBuf::from(format!("{}/said", bench.home.0));
    // A file: who is left behind would hold a pipe open.
    let run = || -> Result<std::process::ExitStatus> {
        let mut command: Command = bench.identity.command(&split(words), &bench.home);
        let said = std::fs::File::create(&said)?;
        Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).status()?)
    };
    match run() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            let said = std::fs::read_to_string(&said).unwrap_or_default();
            Err(format!("{status}: {}", said.trim().replace('\n', "; ")))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Ends what stands.
pub fn clear(bench: &Bench<'_>) -> Result<()> {
    bench.clear(STATE)?;
    for (name, words) in [
        ("crun", format!("--root {}/crun delete -f {STANDING}", bench.home.0)),
        ("runc", format!("--root {}/runc delete -f {STANDING}", bench.home.0)),
        ("podman", format!("rm -f -t 0 -i {STANDING} {AGAIN}")),
    ] {
        if let Some(program) = crate::bench::which(name) {
            // Where it could not be started there is none.
            let _ = run_silently(bench, &format!("{program} {words}"));
        }
    }
    Ok(())
}
