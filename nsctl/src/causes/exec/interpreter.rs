//! A script's interpreter or a program's loader that is missing, closed or misspelt.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::program::{directory, program, std_place};
use crate::causes::elf::{self, Head};
use crate::causes::view::Place;
use crate::causes::{Context, Scene, access};
use crate::error::Finding;

/// Follows `#!` as far as the kernel does, to the file that makes the trouble.
pub(super) fn interpreter(scene: &Scene<'_>) -> Option<Finding> {
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
