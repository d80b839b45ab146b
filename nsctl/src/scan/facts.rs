//! What is known of the process by which a namespace is shown: read when it is asked for, once.

use std::collections::HashMap;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fstatat};
use nix::unistd::read;

use super::cgroup;

/// Enough for all of a command that anybody reads, and for a file that has a line or some of them. Status
/// grows with the groups, a map of ids with its lines, mountinfo with the mounts.
const SMALL: usize = 4096;

/// The kernel allows 100,000 mounts. /proc/sys/fs/mount-max
const MOST: usize = 64 << 20;

/// What is read about processes.
#[derive(Debug)]
pub struct Facts {
    proc: OwnedFd,
    users: HashMap<u32, String>,
    commands: Remembered<String>,
    uids: Remembered<Option<u32>>,
    cgroups: Remembered<Option<String>>,
}

impl Facts {
    /// Nothing is read yet but the names of users.
    pub fn new(proc: OwnedFd) -> Self {
        Facts {
            proc,
            users: users(),
            commands: Remembered::default(),
            uids: Remembered::default(),
            cgroups: Remembered::default(),
        }
    }

    /// The command line, or the name in brackets of one that has none.
    pub fn command(&self, pid: i32) -> String {
        self.commands.get(pid, || command(&self.proc, pid))
    }

    /// The effective user.
    pub fn uid(&self, pid: i32) -> Option<u32> {
        self.uids.get(pid, || uid_of(&self.proc, pid))
    }

    /// A user's name, or number.
    pub fn user(&self, uid: u32) -> String {
        self.users.get(&uid).cloned().unwrap_or_else(|| uid.to_string())
    }

    /// The container or unit that it is in.
    pub fn cgroup(&self, pid: i32) -> Option<String> {
        self.cgroups.get(pid, || cgroup::name(&self.text(pid, "cgroup")?))
    }

    /// The lines of uid_map or gid_map, `INSIDE OUTSIDE COUNT` each.
    pub fn id_map(&self, pid: i32, file: &str) -> Option<String> {
        let text = self.whole_text(pid, file)?;
        let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(text.lines().map(line).collect::<Vec<_>>().join(", "))
    }

    /// The parent, proc_pid_stat(5).
    pub fn parent(&self, pid: i32) -> Option<i32> {
        // The command's name may hold anything, a parenthesis too.
        self.text(pid, "stat")?.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    }

    /// A file of /proc/PID that may be long.
    pub fn whole_text(&self, pid: i32, file: &str) -> Option<String> {
        let mut text = Vec::new();
        read_all(&self.proc, &format!("{pid}/{file}"), &mut text).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// A small file of /proc/PID.
    pub fn text(&self, pid: i32, file: &str) -> Option<String> {
        let mut room = [0; SMALL];
        let text = read_small(&self.proc, &format!("{pid}/{file}"), &mut room).ok()?;
        Some(String::from_utf8_lossy(text).into_owned())
    }
}

/// What was read of processes, by pid. Several may ask.
#[derive(Debug)]
struct Remembered<T>(Mutex<HashMap<i32, T>>);

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Remembered(Mutex::default())
    }
}

impl<T: Clone> Remembered<T> {
    /// Reads it unless it is known. Nobody waits for who reads: what two read at once is the same.
    fn get(&self, pid: i32, read: impl FnOnce() -> T) -> T {
        let all = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all().get(&pid) {
            return known.clone();
        }
        let read = read();
        all().insert(pid, read.clone());
        read
    }
}

fn command(proc: &OwnedFd, pid: i32) -> String {
    let mut room = [0; SMALL];
    let line = read_small(proc, &format!("{pid}/cmdline"), &mut room).unwrap_or_default();
    let words = String::from_utf8_lossy(line);
    let words = words.trim_end_matches('\0');
    if !words.is_empty() {
        return words.replace('\0', " ");
    }
    let name = read_small(proc, &format!("{pid}/comm"), &mut room).unwrap_or_default();
    match name.strip_suffix(b"\n") {
        Some(name) if !name.is_empty() => format!("[{}]", String::from_utf8_lossy(name)),
        _ => String::new(),
    }
}

/// For whom a process works: the owner of its directory. The files in it are root's where the
/// process is not dumpable, the directory is not. fs/proc/base.c, `task_dump_owner`
pub(super) fn uid_of(proc: &OwnedFd, pid: i32) -> Option<u32> {
    Some(fstatat(proc, pid.to_string().as_str(), AtFlags::empty()).ok()?.st_uid)
}

/// Reads a small file of /proc, which the kernel gives in one piece.
fn read_small<'a>(proc: impl AsFd, path: &str, room: &'a mut [u8]) -> nix::Result<&'a [u8]> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let file = openat(proc, path, flags, Mode::empty())?;
    let count = read(&file, room)?;
    Ok(&room[..count])
}

/// Reads a file of /proc of any length into `text`, which it replaces.
pub(super) fn read_all(proc: impl AsFd, path: &str, text: &mut Vec<u8>) -> nix::Result<()> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let file = openat(proc, path, flags, Mode::empty())?;
    let mut filled = 0;
    loop {
        if text.len() == filled {
            text.resize(SMALL.max(2 * filled), 0);
        }
        let count = read(&file, &mut text[filled..])?;
        filled += count;
        if count == 0 || filled > MOST {
            text.truncate(filled);
            return Ok(());
        }
    }
}

/// The machine's users by number, passwd(5).
fn users() -> HashMap<u32, String> {
    let text = fs::read("/etc/passwd").unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let user = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        Some((fields.nth(1)?.parse().ok()?, name.to_string()))
    };
    // The first line of a number has its name.
    let mut users = HashMap::new();
    for (uid, name) in text.lines().filter_map(user) {
        users.entry(uid).or_insert(name);
    }
    users
}
