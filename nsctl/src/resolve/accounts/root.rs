//! A file in a root that may be hostile: the lookup cannot leave the root, nothing but a
//! regular file is opened, and no more of it is read than an honest one has.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;

use super::super::paths;
use crate::error::Error;

/// One directory of which a root is made.
#[derive(Debug)]
pub struct Layer {
    path: PathBuf,
    directory: OwnedFd,
}

impl Layer {
    /// Takes hold of it.
    pub fn open(path: &Path) -> Result<Layer, Error> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = open(path, flags, Mode::empty())
            .map_err(|errno| paths::explain("the root file system", path, &errno.into()))?;
        Ok(Layer { path: path.into(), directory })
    }

    /// Where it is on the host.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a file as a process with this root would find it; `None` where there is none.
    ///
    /// # Errors
    /// It is no regular file, longer than `limit` bytes, or not for the caller.
    pub fn read(&self, file: &str, limit: u64) -> Result<Option<String>, Error> {
        let refused = |why: &str| {
            Error::new(format!("cannot read {file} of {}: {why}", paths::shown(&self.path)))
                .try_this("a number instead of the name, or an honest file there")
        };
        // CVE-2018-15664: no symbolic link leads out. O_PATH first: to open a device is to
        // act on it, and a pipe would wait for a writer.
        let how = OpenHow::new()
            .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        let found = match openat2(&self.directory, file, how) {
            Ok(found) => File::from(found),
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
            Err(errno) => return Err(refused(errno.desc())),
        };
        let metadata = found.metadata().map_err(|error| refused(&error.to_string()))?;
        // A layer's mark that the file below is deleted; overlayfs(5).
        if metadata.file_type().is_char_device() && metadata.rdev() == 0 {
            return Ok(Some(String::new()));
        }
        if !metadata.is_file() {
            return Err(refused("it is no regular file"));
        }
        if metadata.len() > limit {
            return Err(refused(&format!("it has {} bytes, more than {limit}", metadata.len())));
        }
        // The same file, whatever its name is now.
        let mut text = Vec::new();
        File::open(format!("/proc/self/fd/{}", found.as_raw_fd()))
            .and_then(|file| file.take(limit).read_to_end(&mut text))
            .map_err(|error| refused(&error.to_string()))?;
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn cve_2018_15664_and_2026_47262_a_hostile_account_file_is_refused_or_not_there() {
        let root = std::env::temp_dir().join(format!("nsctl-accounts-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("etc")).unwrap();
        let file = root.join("etc/passwd");
        let read = || Layer::open(&root).unwrap().read("/etc/passwd", 100);

        assert_eq!(read(), Ok(None));
        fs::write(&file, "honest").unwrap();
        assert_eq!(read(), Ok(Some("honest".into())));
        File::create(&file).unwrap().set_len(1 << 30).unwrap();
        assert!(read().unwrap_err().message.contains("1073741824 bytes"));
        let replace = |target: &str| {
            fs::remove_file(&file).unwrap();
            symlink(target, &file).unwrap();
        };
        // Out of the root there is nothing.
        for target in ["/etc/passwd-", "../../../../etc/hostname", "/dev/zero", "/proc/self/fd/0"] {
            replace(target);
            assert_eq!(read(), Ok(None), "{target}");
        }
        replace("passwd");
        assert!(read().is_err());
        fs::remove_file(&file).unwrap();
        nix::unistd::mkfifo(&file, Mode::S_IRWXU).unwrap();
        assert!(read().unwrap_err().message.contains("no regular file"));
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(read().unwrap_err().message.contains("no regular file"));
        fs::remove_dir_all(root.join("etc")).unwrap();
        fs::write(root.join("real"), "through a link").unwrap();
        symlink("/", root.join("etc")).unwrap();
        symlink("real", root.join("passwd")).unwrap();
        assert_eq!(read(), Ok(Some("through a link".into())));
        fs::remove_dir_all(&root).unwrap();
    }
}
