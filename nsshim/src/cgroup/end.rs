//! The end of a group: what is in it is killed, and it is removed.

use std::borrow::Borrow;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::{Pid, UnlinkatFlags, unlinkat};

use super::{Group, LOOK_AGAIN, Version, read};
use crate::sys::{self, SignalInfo};

/// Kills all that is left in these groups and removes them; goes on after one that cannot be.
///
/// # Errors
/// The first: `EBUSY` when something does not end in time.
pub fn end<G: Borrow<Group>>(groups: &[G], patience: Duration) -> nix::Result<()> {
    let give_up = Instant::now() + patience;
    let mut first = Ok(());
    for group in groups {
        first = first.and(group.borrow().end(give_up));
    }
    first
}

impl Group {
    /// Usually all have ended with the container's first process, and there is nothing to kill.
    fn end(&self, give_up: Instant) -> nix::Result<()> {
        loop {
            match self.remove() {
                Err(Errno::EBUSY) if Instant::now() < give_up => {}
                done => return done,
            }
            self.kill()?;
            match self.version {
                // Not for long: without cgroup.kill it may have made more meanwhile.
                Version::V2 => {
                    let soon = Instant::now() + 10 * LOOK_AGAIN;
                    let _ = self.wait_for("populated", 0, soon.min(give_up));
                }
                Version::V1 => std::thread::sleep(LOOK_AGAIN),
            }
        }
    }

    /// Kills all that is in it, and below it.
    ///
    /// # Errors
    /// `EACCES`: it belongs to somebody else.
    pub fn kill(&self) -> nix::Result<()> {
        // At once: nothing that is forked meanwhile escapes. Linux 5.14
        match self.write("cgroup.kill", "1") {
            Err(Errno::ENOENT) => {}
            done => return done,
        }
        // What is made meanwhile is met the next time.
        let listed = match self.processes() {
            Err(Errno::ENOENT | Errno::ENODEV) => return Ok(()),
            listed => listed?,
        };
        let pinned = |pid: &i32| Some((*pid, sys::pidfd_open(Pid::from_raw(*pid)).ok()?));
        let pinned: Vec<_> = listed.iter().filter_map(pinned).collect();
        // Who is listed again is the one that is pinned; its number cannot be another's.
        let again = self.processes()?;
        for (_, process) in pinned.iter().filter(|(pid, _)| again.contains(pid)) {
            let _ = sys::pidfd_send_signal(process, &SignalInfo::new(libc::SIGKILL));
        }
        // In a frozen group of version 1 nobody dies.
        if self.freezer().is_some() {
            let _ = self.thaw();
        }
        Ok(())
    }

    /// The processes in it and below it, as the caller's pid namespace numbers them.
    ///
    /// # Errors
    /// `ENOENT`: there is no such group.
    pub fn processes(&self) -> nix::Result<Vec<i32>> {
        let mut found = Vec::new();
        processes(self.open()?.as_fd(), &mut found)?;
        found.sort_unstable();
        Ok(found)
    }

    /// Removes it, if nothing is in it, with the groups that were made in it. It may be gone.
    fn remove(&self) -> nix::Result<()> {
        match unlinkat(&self.parent, self.name.as_c_str(), UnlinkatFlags::RemoveDir) {
            Err(Errno::EBUSY) => {}
            Ok(()) | Err(Errno::ENOENT | Errno::ENODEV) => return Ok(()),
            failed => return failed,
        }
        let below = match self.open() {
            Ok(directory) => remove_below(directory.as_fd()),
            Err(Errno::ENOENT) => return Ok(()),
            Err(errno) => Err(errno),
        };
        below.and_then(|()| unlinkat(&self.parent, self.name.as_c_str(), UnlinkatFlags::RemoveDir))
    }
}

fn processes(directory: BorrowedFd<'_>, found: &mut Vec<i32>) -> nix::Result<()> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let listed = nix::fcntl::openat(directory, "cgroup.procs", flags, Mode::empty())
        .and_then(|file| read(&mut file.into()));
    match listed {
        // 0 is one that our pid namespace has no number for.
        Ok(text) => found
            .extend(text.lines().filter_map(|line| line.parse().ok()).filter(|&pid: &i32| pid > 0)),
        // It was removed, or its threads are in several groups and another lists the process.
        Err(Errno::ENODEV | Errno::ENOENT | Errno::EOPNOTSUPP) => {}
        Err(errno) => return Err(errno),
    }
    each_below(directory, |below, _| processes(below.as_fd(), found))
}

fn remove_below(directory: BorrowedFd<'_>) -> nix::Result<()> {
    each_below(directory, |below, name| {
        remove_below(below.as_fd())?;
        match unlinkat(directory, name, UnlinkatFlags::RemoveDir) {
            Err(Errno::ENOENT) => Ok(()),
            done => done,
        }
    })
}

fn each_below(
    directory: BorrowedFd<'_>,
    mut deed: impl FnMut(&Dir, &std::ffi::CStr) -> nix::Result<()>,
) -> nix::Result<()> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let mut all = Dir::openat(directory, ".", flags, Mode::empty())?;
    for entry in all.iter().flatten() {
        let name = entry.file_name();
        if entry.file_type() != Some(Type::Directory) || name == c"." || name == c".." {
            continue;
        }
        match Dir::openat(directory, name, flags, Mode::empty()) {
            Ok(below) => deed(&below, name)?,
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
