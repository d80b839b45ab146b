//! Why the workload cannot be executed.

mod format;
mod interpreter;
mod landlock;
mod permission;
mod program;
mod search;

use nix::errno::Errno;
use nsshim::Failure;

use self::format::{architecture, no_program};
use self::interpreter::interpreter;
use self::landlock::not_allowed;
use self::permission::{closed_directory, file_capabilities, noexec_mount, not_executable};
use self::program::program;
use self::search::{closed_path_directory, not_found};
use super::{Cause, call_name};
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
    Cause { name: "landlock-execute", explains: is_denied, look: not_allowed },
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
