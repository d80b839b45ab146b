//! Copying a tree from descriptor to descriptor: no path is walked twice, no link is followed.

use std::ffi::{CStr, CString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat, mkdirat};
use nix::unistd::{UnlinkatFlags, fchown, fchownat, symlinkat, unlinkat};

/// How deep directories may be in each other: each takes two descriptors.
const DEEPEST: usize = 400;

/// A copy that is being made.
pub struct Copy {
    /// To whom what is made is given; `None`: us.
    pub owner: Option<(u32, u32)>,
    /// What is neither file, directory nor link.
    pub left_out: Vec<String>,
}

/// What failed, and where.
pub struct Failure {
    path: String,
    errno: Errno,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.errno)
    }
}

/// Whether this is a directory.
pub fn is_directory(fd: &OwnedFd) -> Result<bool, Errno> {
    Ok(kind(fd)?.0 == SFlag::S_IFDIR)
}

/// Kind and permissions. No set-id bit goes along: what is a program of somebody's inside would
/// be one of ours outside.
fn kind(fd: &OwnedFd) -> Result<(SFlag, Mode), Errno> {
    let mode = fstat(fd)?.st_mode;
    let kind = SFlag::from_bits_truncate(mode) & SFlag::S_IFMT;
    Ok((kind, Mode::from_bits_truncate(mode & 0o777)))
}

impl Copy {
    /// Copies what `source` is, an O_PATH descriptor, to `name` in `directory`.
    pub fn entry(
        &mut self,
        source: &OwnedFd,
        directory: &OwnedFd,
        name: &CStr,
        path: &str,
    ) -> Result<(), Failure> {
        self.any(source, directory.as_fd(), name, path, 0)
    }

    /// Copies what is in the directory `source`.
    pub fn content(
        &mut self,
        source: &OwnedFd,
        directory: &OwnedFd,
        path: &str,
    ) -> Result<(), Failure> {
        self.all_in(source, directory.as_fd(), path, 0)
    }

    fn any(
        &mut self,
        source: &OwnedFd,
        directory: BorrowedFd<'_>,
        name: &CStr,
        path: &str,
        depth: usize,
    ) -> Result<(), Failure> {
        let at = |errno| Failure { path: path.into(), errno };
        let (kind, mode) = kind(source).map_err(at)?;
        match kind {
            SFlag::S_IFREG => self.file(source, directory, name, mode).map_err(at),
            SFlag::S_IFLNK => self.link(source, directory, name).map_err(at),
            SFlag::S_IFDIR if depth >= DEEPEST => Err(at(Errno::ENAMETOOLONG)),
            SFlag::S_IFDIR => {
                let made = make_directory(directory, name).map_err(at)?;
                self.all_in(source, made.as_fd(), path, depth)?;
                // Last: it may forbid writing.
                self.give(&made).and_then(|()| fchmod(&made, mode)).map_err(at)
            }
            _ => {
                self.left_out.push(path.into());
                Ok(())
            }
        }
    }

    fn all_in(
        &mut self,
        source: &OwnedFd,
        directory: BorrowedFd<'_>,
        path: &str,
        depth: usize,
    ) -> Result<(), Failure> {
        let at = |errno| Failure { path: path.into(), errno };
        for name in names(source).map_err(at)? {
            let below = format!("{}/{}", path.trim_end_matches('/'), name.to_string_lossy());
            let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            match openat(source, name.as_c_str(), flags, Mode::empty()) {
                Ok(entry) => self.any(&entry, directory, &name, &below, depth + 1)?,
                // Removed meanwhile.
                Err(Errno::ENOENT) => {}
                Err(errno) => return Err(Failure { path: below, errno }),
            }
        }
        Ok(())
    }

    fn file(
        &self,
        source: &OwnedFd,
        directory: BorrowedFd<'_>,
        name: &CStr,
        mode: Mode,
    ) -> Result<(), Errno> {
        // The same file, whose kind is known; a name might be another's by now.
        let path = format!("/proc/self/fd/{}", source.as_raw_fd());
        let mut from = File::open(path).map_err(errno)?;
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let flags = flags | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
        let open = || openat(directory, name, flags, Mode::from_bits_truncate(0o600));
        let to = match open() {
            // A link, a pipe nobody reads, a program that runs: a new file takes its place.
            Err(Errno::ELOOP | Errno::ENXIO | Errno::ETXTBSY) => {
                unlinkat(directory, name, UnlinkatFlags::NoRemoveDir)?;
                openat(directory, name, flags | OFlag::O_EXCL, Mode::from_bits_truncate(0o600))?
            }
            done => done?,
        };
        if kind(&to)?.0 != SFlag::S_IFREG {
            return Err(Errno::EEXIST);
        }
        nix::unistd::ftruncate(&to, 0)?;
        let mut to = File::from(to);
        io::copy(&mut from, &mut to).map_err(errno)?;
        let to = OwnedFd::from(to);
        self.give(&to)?;
        fchmod(&to, mode)
    }

    fn link(&self, source: &OwnedFd, directory: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
        let text = readlinkat(source, c"")?;
        let make = || symlinkat(text.as_os_str(), directory, name);
        match make() {
            Err(Errno::EEXIST) => {
                unlinkat(directory, name, UnlinkatFlags::NoRemoveDir)?;
                make()?;
            }
            done => done?,
        }
        match self.owner {
            Some((uid, gid)) => {
                let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
                fchownat(directory, name, Some(uid.into()), Some(gid.into()), flags)
            }
            None => Ok(()),
        }
    }

    fn give(&self, to: &OwnedFd) -> Result<(), Errno> {
        match self.owner {
            Some((uid, gid)) => fchown(to, Some(uid.into()), Some(gid.into())),
            None => Ok(()),
        }
    }
}

fn make_directory(directory: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    match mkdirat(directory, name, Mode::S_IRWXU) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno),
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(directory, name, flags, Mode::empty())
}

fn names(directory: &OwnedFd) -> Result<Vec<CString>, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut entries = Dir::openat(directory, ".", flags, Mode::empty())?;
    let mut found = Vec::new();
    for entry in entries.iter() {
        let name = entry?.file_name().to_owned();
        if name.as_c_str() != c"." && name.as_c_str() != c".." {
            found.push(name);
        }
    }
    Ok(found)
}

fn errno(error: io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}
