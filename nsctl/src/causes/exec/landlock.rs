//! A program that the caller's own `--landlock` keeps from being executed. landlock(7)

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nsshim::spec::{FileAccess, Landlock};

use super::program::{directory, program};
use crate::causes::elf::{self, Head};
use crate::causes::{Context, Scene};
use crate::error::Finding;

/// The program, what interprets it, or the loader of either: the kernel opens each to execute it.
pub(super) fn not_allowed(scene: &Scene<'_>) -> Option<Finding> {
    let asked = scene.asked;
    let rules = asked.landlock.as_ref().filter(|rules| !rules.files.is_empty())?;
    let mut file = fs::canonicalize(program(scene)?).ok()?;
    // BINPRM_MAX_RECURSION, fs/exec.c
    for _ in 0..5 {
        if !may_execute(asked, rules, &file) {
            let place = file.parent().unwrap_or(&file).display();
            return Some(
                Finding::new(format!("no rule of --landlock lets {} be executed", file.display()))
                    .try_this(format!("--landlock exec={place}")),
            );
        }
        let wanted = match elf::head(&file)? {
            Head::Script(name) => PathBuf::from(OsStr::from_bytes(&name)),
            Head::Elf(elf) => elf.loader?,
            _ => return None,
        };
        let found = asked.view.on_host(&directory(asked).join(wanted))?;
        file = fs::canonicalize(found).ok()?;
    }
    None
}

/// A rule holds for all that is beneath what its path leads to.
fn may_execute(asked: &Context, rules: &Landlock, file: &Path) -> bool {
    rules
        .files
        .iter()
        .filter(|(_, access)| *access == FileAccess::Execute)
        .filter_map(|(path, _)| fs::canonicalize(asked.view.on_host(path)?).ok())
        .any(|allowed| file.starts_with(allowed))
}
