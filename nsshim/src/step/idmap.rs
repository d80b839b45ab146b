//! Writing id maps into /proc.

use std::fmt;
use std::os::fd::BorrowedFd;

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::Pid;

use super::OutsideContext;
use crate::error::{Named, Result};
use crate::spec::{IdMaps, Setgroups};

/// The maps of the calling process, from inside its new user namespace: allowed
/// for a single line that maps its own id, and needs no second process.
pub(super) fn write_own(proc: BorrowedFd<'_>, maps: &IdMaps) -> Result<()> {
    each_file(maps, |file, text| write_file(proc, "self", file, text))
}

/// The maps of the child, from outside.
pub(super) fn write(context: &OutsideContext<'_>, maps: &IdMaps) -> Result<()> {
    let child = context.child.map_or(0, Pid::as_raw).to_string();
    each_file(maps, |file, text| write_file(context.proc, &child, file, text))
}

fn write_file(proc: BorrowedFd<'_>, of: &str, file: &str, text: &str) -> Result<()> {
    let path = format!("{of}/{file}");
    let name = || format!("write(\"/proc/{path}\", {text:?})");
    let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    let fd = openat(proc, path.as_str(), flags, Mode::empty()).call(name)?;
    // One write(2): the kernel takes a map only whole.
    nix::unistd::write(&fd, text.as_bytes()).call(name).map(drop)
}

fn each_file(maps: &IdMaps, write: impl Fn(&str, &str) -> Result<()>) -> Result<()> {
    if !maps.users.is_empty() {
        write("uid_map", &crate::spec::idmap_text(&maps.users))?;
    }
    // Since Linux 3.19 an unprivileged writer of gid_map must deny setgroups first.
    if maps.setgroups == Setgroups::Deny {
        write("setgroups", "deny")?;
    }
    if !maps.groups.is_empty() {
        write("gid_map", &crate::spec::idmap_text(&maps.groups))?;
    }
    Ok(())
}

pub(super) fn describe(f: &mut fmt::Formatter<'_>, of: &str, maps: &IdMaps) -> fmt::Result {
    let mut calls = Vec::new();
    let mut note = |file: &str, text: String| {
        calls.push(format!("write(\"/proc/{of}/{file}\", {text:?})"));
    };
    if !maps.users.is_empty() {
        note("uid_map", crate::spec::idmap_text(&maps.users));
    }
    if maps.setgroups == Setgroups::Deny {
        note("setgroups", "deny".into());
    }
    if !maps.groups.is_empty() {
        note("gid_map", crate::spec::idmap_text(&maps.groups));
    }
    f.write_str(&calls.join("; "))
}
