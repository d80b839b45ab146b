//! Writing id maps: into /proc directly, or through newuidmap(1) and newgidmap(1).

use std::fmt;
use std::os::fd::BorrowedFd;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::Pid;

use super::OutsideContext;
use crate::error::{CallError, Failure, Named, Result};
use crate::spec::{IdKind, IdMap, IdMaps, Setgroups};

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

/// Both helpers at once: each spends most of its 1 ms starting.
pub(super) fn with_helpers(
    context: &OutsideContext<'_>,
    maps: &IdMaps,
) -> std::result::Result<(), Failure> {
    let child = context.child.map_or(0, Pid::as_raw);
    if maps.setgroups == Setgroups::Deny {
        let text_only = IdMaps { users: vec![], groups: vec![], setgroups: Setgroups::Deny };
        write(context, &text_only).map_err(|error| error.during("map user and group ids"))?;
    }
    let start = |kind: IdKind| {
        let words = helper_words(kind, child, maps.lines(kind));
        // newuidmap exits 1 for every reason and says which on stderr.
        let started = Command::new(kind.helper())
            .args(words.iter().skip(1))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        (words, started)
    };
    let started = [start(IdKind::User), start(IdKind::Group)];
    let mut first_failure = None;
    for (words, started) in started {
        let failure = match started.and_then(|helper| helper.wait_with_output()) {
            Ok(output) if output.status.success() => continue,
            Ok(output) => Failure {
                step: format!(
                    "map user and group ids: {}",
                    String::from_utf8_lossy(&output.stderr).trim()
                ),
                call: words.join(" "),
                errno: Errno::EPERM,
            },
            Err(error) => CallError {
                call: format!("execve({:?})", words[0]),
                errno: Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)),
            }
            .during("map user and group ids"),
        };
        first_failure.get_or_insert(failure);
    }
    first_failure.map_or(Ok(()), Err)
}

fn helper_words(kind: IdKind, child: impl fmt::Display, lines: &[IdMap]) -> Vec<String> {
    let mut words = vec![kind.helper().to_string(), child.to_string()];
    for line in lines {
        words.extend([
            line.inside.0.to_string(),
            line.outside.0.to_string(),
            line.count.to_string(),
        ]);
    }
    words
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

pub(super) fn describe_helpers(f: &mut fmt::Formatter<'_>, maps: &IdMaps) -> fmt::Result {
    write!(
        f,
        "{} & {}",
        helper_words(IdKind::User, "CHILD", &maps.users).join(" "),
        helper_words(IdKind::Group, "CHILD", &maps.groups).join(" ")
    )
}
