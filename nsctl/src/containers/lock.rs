//! The file `lock` of a container: who holds it alone has the container.
//!
//! flock(2): the lock goes with the last copy of the descriptor, and the shim has one. Who only
//! looks takes it shared for a moment, and then nobody else can take it alone; so whoever
//! wants it tries again.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{State, Status};

/// How long a shim that has written how the container ended may take to end itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether somebody has it alone: a shim, or who is about to start or remove the container.
pub fn is_locked(directory: &Path) -> bool {
    let Ok(file) = File::open(directory.join("lock")) else { return false };
    file.try_lock_shared().is_err()
}

/// Locks a container that ended. `None`: it runs, or it is gone.
pub fn take(directory: &Path) -> Option<File> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let file = open(directory)?;
        if file.try_lock().is_ok() {
            // It may have been removed between.
            return directory.join("lock").exists().then_some(file);
        }
        // Who looks is gone in a moment, and so is a shim that has said how it ended.
        let passes =
            file.try_lock_shared().is_ok() || State::read(directory).status == Status::Exited;
        if !passes || Instant::now() > give_up {
            return None;
        }
        drop(file);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until a shim that has said how the container ended is gone, too.
pub fn wait_for_shim(directory: &Path) {
    let give_up = Instant::now() + PATIENCE;
    while is_locked(directory)
        && State::read(directory).status == Status::Exited
        && Instant::now() < give_up
    {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Locks a directory that nobody else knows.
pub fn make(directory: &Path) -> Option<File> {
    let file = OpenOptions::new()
        .create_new(true)
        .read(true)
        .write(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(directory.join("lock"))
        .ok()?;
    file.try_lock().is_ok().then_some(file)
}

fn open(directory: &Path) -> Option<File> {
    let open = |write: bool| {
        OpenOptions::new()
            .read(true)
            .write(write)
            .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
            .open(directory.join("lock"))
    };
    // flock(2): on NFS the lock needs writing. Where nothing can be written, what cannot be done is
    // said by who does it; it does not run for that.
    open(true).or_else(|_| open(false)).ok()
}
