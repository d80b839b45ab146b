//! A file that this machine cannot run as a program.

use std::path::Path;

use super::program::program;
use crate::causes::Scene;
use crate::causes::elf::{self, Head};
use crate::error::Finding;

pub(super) fn architecture(scene: &Scene<'_>) -> Option<Finding> {
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

pub(super) fn no_program(scene: &Scene<'_>) -> Option<Finding> {
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
