//! Why the workload cannot be executed.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::statvfs::{FsFlags, statvfs};
use nsshim::Failure;
use nsshim::spec::Workdir;

use super::access;
use super::elf::{self, Head};
use super::view::Place;
use super::{Cause, Context, Scene, call_name};
use crate::error::Finding;

pub const CAUSES: &[Cause] = &[
    Cause { name: "interpreter", explains: is_exec, look: interpreter },
    Cause {
        name: "architecture",
        explains: |failure| is_exec(failure) && failure.errno == Errno::ENOEXEC,
        look: architecture,
    },
    Cause {
        name: "no-program",
        explains: |failure| is_exec(failure) && failure.errno == Errno::ENOEXEC,
        look: no_program,
    },
    Cause { name: "not-executable", explains: is_denied, look: not_executable },
    Cause { name: "noexec-mount", explains: is_denied, look: noexec_mount },
    Cause { name: "closed-directory", explains: is_denied, look: closed_directory },
    Cause {
        name: "file-capabilities",
        explains: |failure| is_exec(failure) && failure.errno == Errno::EPERM,
        look: file_capabilities,
    },
    Cause {
        name: "not-found",
        explains: |failure| {
            is_exec(failure) && matches!(failure.errno, Errno::ENOENT | Errno::ENOTDIR)
        },
        look: not_found,
    },
    Cause {
        name: "closed-path-directory",
        explains: |failure| is_exec(failure) && failure.errno == Errno::ENOENT,
        look: closed_path_directory,
    },
    Cause {
        name: "busy-file",
        explains: |failure| is_exec(failure) && failure.errno == Errno::ETXTBSY,
        look: |scene| {
            let file = program(scene)?;
            Some(Finding::new(format!("somebody has {} open for writing", file.display())))
        },
    },
];

fn is_exec(failure: &Failure) -> bool {
    call_name(failure) == "execve"
}

fn is_denied(failure: &Failure) -> bool {
    is_exec(failure) && failure.errno == Errno::EACCES
}

/// As nsinit searches it when the environment has none.
const DEFAULT_PATH: &[u8] = nsinit::exec::DEFAULT_PATH;

/// Where a relative name starts inside.
fn directory(asked: &Context) -> &Path {
    match &asked.workdir {
        Workdir::Keep(path) | Workdir::Set(path) => path,
    }
}

fn is_searched(asked: &Context) -> bool {
    !asked.command.as_os_str().as_bytes().contains(&b'/')
}

/// The directories of PATH, absolute.
fn search_path(asked: &Context) -> Vec<PathBuf> {
    let path = asked.path.as_deref().unwrap_or(DEFAULT_PATH);
    path.split(|&byte| byte == b':')
        .map(|entry| directory(asked).join(std::ffi::OsStr::from_bytes(entry)))
        .collect()
}

/// The file that was to be executed, on the host, where there is one.
fn program(scene: &Scene<'_>) -> Option<PathBuf> {
    let asked = scene.asked;
    if !is_searched(asked) {
        return asked.view.on_host(&directory(asked).join(&asked.command));
    }
    search_path(asked)
        .into_iter()
        .filter_map(|directory| asked.view.on_host(&directory.join(&asked.command)))
        .find(|file| file.is_file())
}

/// Follows `#!` as far as the kernel does, to the file that makes the trouble.
fn interpreter(scene: &Scene<'_>) -> Option<Finding> {
    let errno = scene.failure.errno;
    let mut file = program(scene)?;
    // BINPRM_MAX_RECURSION, fs/exec.c
    for _ in 0..5 {
        let shown = file.display().to_string();
        let (what, wanted) = match elf::head(&file)? {
            Head::Script(name) if name.is_empty() => {
                return Some(Finding::new(format!("{shown} begins with #! and no interpreter")));
            }
            Head::Script(name) => {
                ("interpreter", PathBuf::from(std::ffi::OsStr::from_bytes(&name)))
            }
            Head::Elf(elf) => ("loader", elf.loader?),
            _ => return None,
        };
        let place = scene.asked.view.find(&directory(scene.asked).join(&wanted));
        if let Some(carriage) = wanted.as_os_str().as_bytes().strip_suffix(b"\r")
            && errno == Errno::ENOENT
        {
            return Some(
                Finding::new(format!(
                    "the first line of {shown} ends in a carriage return (DOS), which the kernel \
                     takes as part of the interpreter's name, {}\\r",
                    String::from_utf8_lossy(carriage)
                ))
                .try_this(format!("sed -i 's/\\r$//' {shown}")),
            );
        }
        let found = match place {
            Place::Host(found) if errno != Errno::ENOENT || access::absent(&found).is_none() => {
                found
            }
            Place::Host(_) | Place::Missing(_) if errno == Errno::ENOENT => {
                return Some(missing(scene.asked, &shown, what, &wanted));
            }
            _ => return None,
        };
        if errno == Errno::EACCES
            && let Some(closed) = access::closed(&found, &scene.asked.ids)
        {
            return Some(Finding::new(format!(
                "{shown} needs the {what} {}, and {}",
                wanted.display(),
                closed.told(&scene.asked.ids)
            )));
        }
        let metadata = found.metadata().ok()?;
        if errno == Errno::EACCES && !scene.asked.ids.may_execute(&metadata) {
            return Some(
                Finding::new(format!(
                    "{shown} needs the {what} {}, which is not executable ({})",
                    wanted.display(),
                    access::mode_and_owner(&metadata)
                ))
                .try_this(format!("chmod a+x {}", wanted.display())),
            );
        }
        if what == "loader" {
            return None;
        }
        file = found;
    }
    (errno == Errno::ELOOP).then(|| {
        Finding::new(format!(
            "{} and its interpreters are scripts of scripts, deeper than the kernel follows",
            scene.asked.command.display()
        ))
    })
}

fn missing(asked: &Context, shown: &str, what: &str, wanted: &Path) -> Finding {
    let wanted_shown = wanted.display();
    let finding =
        Finding::new(format!("{shown} is there, but not the {what} it needs: {wanted_shown}"));
    let name = wanted.file_name().map(|name| name.to_string_lossy().into_owned());
    match (what, name.unwrap_or_default()) {
        ("loader", name) if name.starts_with("ld-musl") => {
            finding.try_this("it was built for musl: apt install musl, or a build for this system")
        }
        ("loader", _) => finding.try_this(
            "the program was built for another system or word size: install its C library, \
             or take a static build",
        ),
        (_, name) => match std_place(asked, &name) {
            Some(place) => finding.try_this(format!("#!{} as its first line", place.display())),
            None => finding.try_this(format!("install {name}, or correct the first line")),
        },
    }
}

/// Where programs usually are, inside.
fn std_place(asked: &Context, name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"]
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|file| asked.view.on_host(file).is_some_and(|file| is_program(&file)))
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn architecture(scene: &Scene<'_>) -> Option<Finding> {
    let file = program(scene)?;
    let shown = file.display();
    match elf::head(&file)? {
        Head::BrokenElf => Some(
            Finding::new(format!("{shown} begins like an ELF program, but is cut off or damaged"))
                .try_this("get it again"),
        ),
        Head::Elf(elf) => {
            // What runs here: nsctl itself.
            let Some(Head::Elf(own)) = elf::head(Path::new("/proc/self/exe")) else { return None };
            (elf.machine != own.machine || elf.bits != own.bits).then(|| {
                let name = elf::machine_name(elf.machine);
                Finding::new(format!(
                    "{shown} is a {}-bit program for {name}; this machine is {}",
                    elf.bits,
                    elf::machine_name(own.machine)
                ))
                .try_this(
                    "a build for this machine, or an emulator: apt install qemu-user-static \
                     (binfmt_misc)",
                )
            })
        }
        _ => None,
    }
}

fn no_program(scene: &Scene<'_>) -> Option<Finding> {
    let file = program(scene)?;
    let shown = file.display();
    match elf::head(&file)? {
        Head::Empty => Some(Finding::new(format!("{shown} is empty"))),
        Head::Other => Some(
            Finding::new(format!("{shown} is neither an ELF program nor begins with #!"))
                .try_this("#!/bin/sh as its first line, if it is a script"),
        ),
        _ => None,
    }
}

fn not_executable(scene: &Scene<'_>) -> Option<Finding> {
    let file = program(scene)?;
    let found = file.metadata().ok()?;
    let shown = file.display();
    if found.is_dir() {
        return Some(
            Finding::new(format!("{shown} is a directory")).try_this("a program, such as sh"),
        );
    }
    if !found.is_file() {
        return Some(Finding::new(format!("{shown} is no regular file")));
    }
    if scene.asked.ids.may_execute(&found) {
        return None;
    }
    let mode = access::mode_and_owner(&found);
    let finding = match found.permissions().mode() & 0o111 {
        0 => Finding::new(format!("{shown} is not executable ({mode})")),
        _ => Finding::new(format!(
            "{shown} is not executable ({mode}) for {}, whom the workload is on the host",
            scene.asked.ids.shown()
        )),
    };
    Some(match elf::head(&file) {
        Some(Head::Script(name)) => finding.try_this(format!(
            "chmod a+x {shown}, or nsctl run … {} {shown}",
            String::from_utf8_lossy(&name)
        )),
        _ => finding.try_this(format!("chmod a+x {shown}")),
    })
}

fn noexec_mount(scene: &Scene<'_>) -> Option<Finding> {
    let file = fs::canonicalize(program(scene)?).ok()?;
    let noexec = statvfs(&file).is_ok_and(|found| found.flags().contains(FsFlags::ST_NOEXEC));
    noexec.then(|| {
        let mount = scene.machine.mount_of(&file).map_or("/".into(), |mount| mount.target);
        let mount = mount.display();
        Finding::new(format!("{} is on {mount}, which is mounted noexec", file.display()))
            .try_this(format!("a copy elsewhere, or sudo mount -o remount,exec {mount}"))
    })
}

fn closed_directory(scene: &Scene<'_>) -> Option<Finding> {
    let asked = scene.asked;
    let file = match is_searched(asked) {
        true => program(scene)?,
        false => asked.view.on_host(&directory(asked).join(&asked.command))?,
    };
    let closed = access::closed(&file, &asked.ids)?;
    Some(Finding::new(closed.told(&asked.ids)).try_this("a place that it may enter"))
}

/// bprm_caps_from_vfs_caps(): a file that must have a capability does not start without.
fn file_capabilities(scene: &Scene<'_>) -> Option<Finding> {
    let file = program(scene)?;
    let wanted = access::file_capabilities(&file)?;
    let missing = wanted & !scene.asked.capabilities;
    let mut names: Vec<String> = caps::all()
        .into_iter()
        .filter(|cap| missing & cap.bitmask() != 0)
        .map(|cap| cap.to_string())
        .collect();
    names.sort();
    let names = names.join(",");
    (missing != 0).then(|| {
        Finding::new(format!(
            "{} starts only with {names}, which its file capabilities demand and the container \
             does not have",
            file.display()
        ))
        .try_this(format!("--cap-add {names}"))
    })
}

fn not_found(scene: &Scene<'_>) -> Option<Finding> {
    let asked = scene.asked;
    let name = asked.command.to_string_lossy().into_owned();
    if name.is_empty() {
        return Some(Finding::new("the command is an empty word").try_this("nsctl run … COMMAND"));
    }
    // Found, so it is not this.
    if program(scene).is_some_and(|file| file.exists()) {
        return None;
    }
    if !is_searched(asked) {
        let file = directory(asked).join(&asked.command);
        return match asked.view.find(&file) {
            Place::Unknown => file.exists().then(|| {
                Finding::new(format!("{name} is hidden by the container's own file systems"))
            }),
            Place::Missing(root) => {
                let told = format!("there is no {} in {}", file.display(), root.display());
                Some(words(&name, Finding::new(told)))
            }
            Place::Host(file) => {
                let obstacle = access::absent(&file)?;
                Some(words(&name, Finding::new(obstacle.told(&asked.ids))))
            }
        };
    }
    let path = asked.path.as_deref().unwrap_or(DEFAULT_PATH);
    let path = String::from_utf8_lossy(path);
    let unseen = |entry: &PathBuf| asked.view.find(entry) == Place::Unknown;
    let or_loader = match search_path(asked).iter().any(unseen) {
        true => ", or not the interpreter or loader that it needs",
        false => "",
    };
    let mut finding = Finding::new(match &*path {
        "" => format!("PATH is empty, and there is no {name} in {}", directory(asked).display()),
        path => format!("there is no {name} in PATH ({path}){or_loader}"),
    });
    if let Some(place) = std_place(asked, &name) {
        finding = finding.try_this(place.display().to_string());
    } else if asked
        .view
        .on_host(&directory(asked).join(&name))
        .is_some_and(|file| is_program(&file))
    {
        finding = finding.try_this(format!("./{name}"));
    }
    Some(words(&name, finding))
}

/// A command line in one word is a usual mistake.
fn words(name: &str, finding: Finding) -> Finding {
    if finding.remedy.is_none() && name.contains([' ', ';', '|', '&']) {
        return finding.try_this(format!("words of their own, or: sh -c '{name}'"));
    }
    finding
}

/// What is in such a directory cannot be known; it may be the one.
fn closed_path_directory(scene: &Scene<'_>) -> Option<Finding> {
    let asked = scene.asked;
    if !is_searched(asked) || program(scene).is_some() {
        return None;
    }
    search_path(asked).into_iter().find_map(|entry| {
        let on_host = asked.view.on_host(&entry)?.join(&asked.command);
        let closed = access::closed(&on_host, &asked.ids)?;
        let told = closed.told(&asked.ids);
        Some(
            Finding::new(format!("{} of PATH was passed over: {told}", entry.display()))
                .try_this("if the program is there, a copy where the workload may enter"),
        )
    })
}
