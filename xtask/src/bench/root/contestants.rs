//! Who makes a root of the container's own, and how each is asked for the same mounts.

/// What nsctl hides without being asked, and others are asked for.
#[path = "../../../../nsshim/src/plan/hidden.rs"]
mod hidden;

use self::hidden::{MASKED_DIRECTORIES, MASKED_FILES, READ_ONLY};
use crate::Result;
use crate::bench::arena::{Arena, Home, directory};
use crate::bench::contestants::{List, add_crun, add_runc, plain_bundle};
use crate::bench::identity::Identity;
use std::fs;
use std::path::Path;

/// How many volumes are many.
pub const VOLUMES: usize = 20;

const GIVEN_FILES: [&str; 3] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

/// Makes the root, which has every mount point, and what is mounted in it.
pub fn furnish(arena: &Arena) -> Result<()> {
    let root = arena.directory("root")?;
    for name in ["proc", "dev", "sys", "etc", "mnt"] {
        directory(&root.join(name), 0o755)?;
    }
    for file in GIVEN_FILES {
        fs::write(root.join(&file[1..]), "")?;
    }
    fs::copy(arena.program("true"), root.join("true"))?;
    for volume in 0..VOLUMES {
        arena.directory(&volume_source(volume))?;
        directory(&root.join(&volume_target(volume)[1..]), 0o755)?;
    }
    Ok(())
}

fn volume_source(volume: usize) -> String {
    format!("volumes/{volume}")
}

fn volume_target(volume: usize) -> String {
    format!("/mnt/{volume}")
}

/// Everyone, with the namespaces of [`crate::bench::contestants::list`].
pub fn list(identity: &Identity, arena: &Arena, home: &Home) -> Result<List> {
    let mut list = List::default();
    for name in ["nsctl", "baseline"] {
        if arena.has(name) {
            add_nsctl(&mut list, arena, name);
        }
    }
    add_bwrap(&mut list, identity, arena);
    let bundle = plain_bundle(identity, arena, "true")?;
    add_crun(&mut list, "crun", home, &bundle);
    add_runc(&mut list, home, &bundle);
    Ok(list)
}

fn add_nsctl(list: &mut List, arena: &Arena, name: &str) {
    let nsctl = arena.program(name);
    let root = format!("run --rootfs {}", arena.program("root"));
    let mut add = |kind: &str, more: &str| {
        list.add(&format!("{name}{kind}"), false, &nsctl, &format!("{root}{more} --"), &["/true"]);
    };
    add("", "");
    add("-unfiltered", " --seccomp unconfined");
    let volume = |n| format!(" -v {}:{}", arena.program(&volume_source(n)), volume_target(n));
    add("-volumes", &(0..VOLUMES).map(volume).collect::<String>());
}

/// Twice: with the mounts that nsctl makes, and with what bubblewrap calls /proc and /dev.
fn add_bwrap(list: &mut List, identity: &Identity, arena: &Arena) {
    let Some(program) = list.installed("bwrap") else { return };
    let user = if identity.is_root() { "" } else { "--unshare-user " };
    let few = format!(
        "{user}--unshare-ipc --unshare-pid --unshare-uts --unshare-cgroup --unshare-net \
         --bind {} / --proc /proc --dev /dev",
        arena.program("root")
    );
    let same = format!("{few}{}", mounts_of_nsctl());
    let bind = |n| format!(" --bind {} {}", arena.program(&volume_source(n)), volume_target(n));
    let volumes: String = (0..VOLUMES).map(bind).collect();
    for (name, mounts) in
        [("bwrap", same.clone()), ("bwrap-volumes", same + &volumes), ("bwrap-few", few)]
    {
        list.add(name, false, &program, &format!("{mounts} --"), &["/true"]);
    }
}

fn mounts_of_nsctl() -> String {
    let mut words = " --mqueue /dev/mqueue --ro-bind /sys /sys".to_string();
    let mut add = |option: &str, paths: &[&str]| {
        for path in paths.iter().filter(|path| Path::new(path).exists()) {
            match option {
                "--tmpfs" => words += &format!(" --tmpfs {path}"),
                "--dev-bind" => words += &format!(" --dev-bind /dev/null {path}"),
                _ => words += &format!(" {option} {path} {path}"),
            }
        }
    };
    add("--dev-bind", &MASKED_FILES);
    add("--tmpfs", &MASKED_DIRECTORIES);
    add("--ro-bind", &READ_ONLY);
    add("--ro-bind", &GIVEN_FILES);
    words
}
