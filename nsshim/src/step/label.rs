//! The label of a Linux security module, AppArmor's or SELinux's, from the next execve on.

use std::fmt;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use crate::error::{Named, Result};
use crate::spec::Label;

/// By the host's /proc: in the container's a file of that name could be anything
/// (CVE-2019-16884, CVE-2019-19921).
pub(super) fn set(proc: BorrowedFd<'_>, label: &Label) -> Result<()> {
    let write = |path: &str| {
        openat(proc, path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())
            .and_then(|file| nix::unistd::write(&file, text(label).as_bytes()))
            .map(drop)
    };
    match (label, write(path(label))) {
        // Before Linux 5.8 AppArmor has no directory of its own.
        (Label::AppArmor(_), Err(Errno::ENOENT)) => write("self/attr/exec"),
        (_, written) => written,
    }
    .call(|| call(label))
}

fn path(label: &Label) -> &'static str {
    match label {
        Label::AppArmor(_) => "self/attr/apparmor/exec",
        Label::SeLinux(_) => "self/attr/exec",
    }
}

fn text(label: &Label) -> String {
    match label {
        Label::AppArmor(profile) => format!("exec {profile}"),
        Label::SeLinux(context) => context.clone(),
    }
}

fn call(label: &Label) -> String {
    format!("write(\"/proc/{}\", {:?})", path(label), text(label))
}

/// What it is, and which.
pub(super) fn name(label: &Label) -> String {
    match label {
        Label::AppArmor(profile) => format!("AppArmor profile {profile}"),
        Label::SeLinux(context) => format!("SELinux label {context}"),
    }
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, label: &Label) -> fmt::Result {
    f.write_str(&call(label))
}
