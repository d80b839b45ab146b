//! The workload's process, from the clone to its execve.

#![forbid(unsafe_code)]

use crate::config::{Config, Group, User};
use crate::exec::{Command, Failure};
use crate::report::Stage;
use crate::sys::{self, Disposition, Errno, PathBuffer, SigSet, Strings, signal};
use crate::terminal::Terminal;
use crate::text::{Text, parse_number};
use core::cell::Cell;
use core::ffi::CStr;

/// What nsinit was started with and the workload is to be started with.
#[derive(Clone, Copy, Debug)]
pub struct Inherited {
    /// The signal mask.
    pub mask: SigSet,
    /// What SIGCHLD did. (The others, ignored or not, are not touched.)
    pub sigchld: Disposition,
}

/// A workload that runs.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Its process.
    pub pid: i32,
    /// Whether it is in nsinit's own process group.
    pub same_group: bool,
    /// Whether it was given the terminal.
    pub has_terminal: bool,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unstarted {
    /// What failed.
    pub stage: Stage,
    /// How; for all but the exec, `found` says nothing.
    pub failure: Failure,
}

struct Task<'a> {
    config: &'a Config,
    strings: &'a Strings<'static>,
    environment: &'a Strings<'static>,
    inherited: Inherited,
    terminal: Option<Terminal>,
    parent: i32,
    pdeathsig: bool,
    // What the child leaves for us.
    unstarted: Cell<Option<Unstarted>>,
    same_group: Cell<bool>,
    has_terminal: Cell<bool>,
}

/// Starts the workload. When this returns `Ok`, its execve has succeeded.
///
/// # Errors
/// What failed, and how.
pub fn start(
    config: &Config,
    strings: &Strings<'static>,
    environment: &Strings<'static>,
    inherited: Inherited,
    terminal: Option<Terminal>,
) -> Result<Workload, Unstarted> {
    let parent = sys::getpid();
    let task = Task {
        config,
        strings,
        environment,
        inherited,
        terminal,
        parent,
        // When PID 1 ends, the kernel kills all the others.
        pdeathsig: config.pdeathsig || parent != 1,
        unstarted: Cell::new(None),
        same_group: Cell::new(true),
        has_terminal: Cell::new(false),
    };
    let pid = sys::vfork(&task, child).map_err(|errno| unstarted(Stage::Fork, errno))?;
    match task.unstarted.get() {
        Some(unstarted) => Err(unstarted),
        None => Ok(Workload {
            pid,
            same_group: task.same_group.get(),
            has_terminal: task.has_terminal.get(),
        }),
    }
}

fn unstarted(stage: Stage, errno: Errno) -> Unstarted {
    Unstarted { stage, failure: Failure { errno: errno.0, found: true } }
}

/// What happens in the child, in this order. It runs in its parent's memory, and returns only if
/// there is no workload.
fn child(task: &Task<'_>) {
    place(task);
    let failed = match become_user(task) {
        Ok(()) => execute(task),
        Err(failed) => failed,
    };
    task.unstarted.set(Some(failed));
}

/// The directory first: a shell's `cd` would be done by whoever calls su(1), too.
fn become_user(task: &Task<'_>) -> Result<(), Unstarted> {
    if let Some(directory) = task.config.chdir {
        chdir(directory).map_err(|errno| unstarted(Stage::Chdir, errno))?;
    }
    if let Some(user) = task.config.user {
        set_user(user).map_err(|errno| unstarted(Stage::User, errno))?;
    }
    Ok(())
}

fn chdir(directory: &[u8]) -> sys::Result<()> {
    let mut path = PathBuffer::new();
    sys::chdir(path.join(&[directory]).ok_or(Errno::ENAMETOOLONG)?)
}

/// Groups before the user, who may not change them.
fn set_user(user: User) -> sys::Result<()> {
    // Where there are none to drop, a namespace that forbids dropping them is as good.
    if let Err(errno) = sys::setgroups_none()
        && sys::getgroups_count() != 0
    {
        return Err(errno);
    }
    sys::setresgid(user.gid)?;
    sys::setresuid(user.uid)
}

fn execute(task: &Task<'_>) -> Unstarted {
    // After the change of user, which resets it.
    if task.pdeathsig {
        let _ = sys::set_pdeathsig(signal::KILL);
        // The parent sleeps in the clone, and may have been killed before it was asked for.
        if sys::getppid() != task.parent {
            sys::exit_group(0);
        }
    }
    let mut listen_pid = Text::new();
    let mut argv0 = PathBuffer::new();
    let mut command = Command {
        strings: task.strings.skip(0),
        command: task.config.command,
        argv0: task.config.argv0.and_then(|name| argv0.join(&[name])),
        environment: task.environment.skip(0),
        variable: rewrite_listen_pid(task, &mut listen_pid),
        seen: None,
    };
    let filter = task.config.filter;
    if filter != 0 {
        command.seen = Some(command.look());
    }
    if task.config.all_cpus {
        let _ = sys::use_all_processors();
    }
    // Last: from here on a signal does to this process what it would do to the workload.
    sys::rt_sigaction(signal::CHLD, task.inherited.sigchld);
    sys::rt_sigprocmask(task.config.mask.unwrap_or(task.inherited.mask));
    // It may allow nothing but execve.
    if filter != 0
        && let Err(errno) = sys::seccomp(filter)
    {
        return unstarted(Stage::Filter, errno);
    }
    Unstarted { stage: Stage::Exec, failure: command.exec() }
}

/// Puts this process where it belongs among sessions and groups. What is denied is gone without.
fn place(task: &Task<'_>) {
    match (task.config.group, task.terminal) {
        (Group::Keep, _) => {}
        (Group::Session, terminal) => {
            task.same_group.set(sys::setsid().is_err());
            if terminal.is_some() {
                task.has_terminal.set(sys::tiocsctty(0).is_ok());
            }
        }
        (Group::Own, _) | (Group::Foreground, None) => {
            task.same_group.set(sys::setpgid(0).is_err());
        }
        (Group::Foreground, Some(terminal)) if terminal.foreground => {
            let before = sys::getpgrp();
            if sys::setpgid(0).is_ok() {
                // Without the terminal a group of its own could not even read from it.
                let given = terminal.give(sys::getpid());
                let back = !given && sys::setpgid(before).is_ok();
                task.same_group.set(back);
                task.has_terminal.set(given);
            }
        }
        // In the background: the shell above knows only our group, so there the workload stays,
        // for `fg` and ^Z to reach it.
        (Group::Foreground, Some(_)) => {}
    }
}

/// Socket activation names the process that the descriptors are for (sd_listen_fds(3)): nsinit,
/// for all that its starter knows, but meant is the workload.
fn rewrite_listen_pid<'a>(task: &Task<'_>, text: &'a mut Text) -> Option<(usize, &'a CStr)> {
    const NAME: &[u8] = b"LISTEN_PID=";
    let (index, value) = (0..task.environment.len())
        .find_map(|index| Some((index, task.environment.strip_prefix(index, NAME)?)))?;
    if parse_number(value.to_bytes()) != Some(task.parent) {
        return None;
    }
    text.push(NAME).number(sys::getpid().into()).push(b"\0");
    Some((index, text.as_c_str()?))
}
