//! The files of a log, while they are being renamed.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// One of them, open: whatever it is called later, it stays the same.
pub struct LogFile {
    pub inode: u64,
    pub file: File,
}

/// All, oldest first, as they were at one moment.
pub fn snapshot(directory: &Path) -> Vec<LogFile> {
    loop {
        let before = list(directory);
        let opened: Option<Vec<LogFile>> = before
            .iter()
            .map(|(name, inode)| {
                let file = File::open(directory.join(name)).ok()?;
                let is_it = file.metadata().is_ok_and(|found| found.ino() == *inode);
                is_it.then_some(LogFile { inode: *inode, file })
            })
            .collect();
        match opened {
            Some(all) if list(directory) == before => return all,
            // They were renamed meanwhile; each time the shim has written a whole file.
            _ => {}
        }
    }
}

/// Names and inodes, oldest first: `log.2`, `log.1`, `log`.
fn list(directory: &Path) -> Vec<(String, u64)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<(u32, String, u64)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let number = match name.strip_prefix("log")? {
                "" => 0,
                rest => rest.strip_prefix('.')?.parse().ok()?,
            };
            let inode = fs::symlink_metadata(entry.path()).ok()?.ino();
            Some((number, name, inode))
        })
        .collect();
    found.sort_unstable_by_key(|(number, ..)| std::cmp::Reverse(*number));
    found.into_iter().map(|(_, name, inode)| (name, inode)).collect()
}
