//! `nsctl init-file`: the init that nsctl carries, as a file for images and other runtimes.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::Error;

/// Where to write it.
#[derive(Debug, Args)]
pub struct InitFileArgs {
    /// The file to write, executable for all; - for standard output
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Replace a file that is there
    #[arg(short, long)]
    force: bool,
}

/// For all to execute, whatever the umask says: in an image it is everybody's.
const MODE: u32 = 0o755;

/// Writes it and returns the exit status.
pub fn main(args: &InitFileArgs) -> Result<i32, Error> {
    if args.path.as_os_str() == "-" {
        print()?;
    } else {
        write(&args.path, args.force)?;
    }
    Ok(0)
}

fn print() -> Result<(), Error> {
    let mut out = io::stdout();
    if out.is_terminal() {
        let error = Error::new("cannot write the init to standard output: it is a terminal");
        return Err(error.try_this("nsctl init-file - > FILE"));
    }
    // Through std's buffer, which would look for line ends, but all at once.
    out.write_all(nsinit::IMAGE)
        .and_then(|()| out.flush())
        .map_err(|error| Error::new(format!("cannot write the init to standard output: {error}")))
}

/// All or nothing: whoever looks sees the old file, if there was one, or the whole new one.
fn write(path: &Path, force: bool) -> Result<(), Error> {
    let asked = path.display();
    let failed = |why: String| Error::new(format!("cannot write the init to {asked}: {why}"));
    // The link itself, not what it leads to: that is what would be replaced.
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => {
            let inside = path.join("nsinit");
            return Err(failed("it is a directory".into())
                .try_this(format!("nsctl init-file {}", inside.display())));
        }
        Ok(there) if !there.is_file() && !there.is_symlink() => {
            return Err(failed("it is not a regular file".into()));
        }
        Ok(_) if !force => return Err(exists(failed("it exists already".into()), path)),
        _ => {}
    }
    let Some(name) = path.file_name() else {
        return Err(failed("it names no file".into()));
    };
    let beside = Beside::make(path, name)
        .map_err(|(call, at, error)| failed(format!("{call}({}): {error}", at.display())))?;
    match beside.take_the_name(path, force) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(exists(failed("it exists already".into()), path))
        }
        Err(error) => Err(failed(format!("rename(): {error}"))),
        Ok(()) => Ok(()),
    }
}

fn exists(error: Error, path: &Path) -> Error {
    error.try_this(format!("nsctl init-file --force {}", path.display()))
}

/// The new file beside its place, in the same file system. Removed unless it takes the name.
struct Beside(PathBuf);

impl Beside {
    fn make(path: &Path, name: &OsStr) -> Result<Beside, (&'static str, PathBuf, io::Error)> {
        let mut own = std::ffi::OsString::from(".");
        own.push(name);
        own.push(format!(".{}", std::process::id()));
        let at = path.with_file_name(own);
        // Not through somebody's link: the directory may be everybody's.
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&at);
        let mut file = opened.map_err(|error| ("open", at.clone(), error))?;
        let beside = Beside(at);
        beside.fill(&mut file).map_err(|error| ("write", beside.0.clone(), error))?;
        Ok(beside)
    }

    fn fill(&self, file: &mut File) -> io::Result<()> {
        file.write_all(nsinit::IMAGE)?;
        file.set_permissions(Permissions::from_mode(MODE))?;
        // Or after a crash there may be the name without the contents.
        file.sync_all()
    }

    fn take_the_name(&self, path: &Path, force: bool) -> io::Result<()> {
        if force {
            return fs::rename(&self.0, path);
        }
        match fs::hard_link(&self.0, path) {
            // rename(2) would replace what has come meanwhile, link(2) does not; but not every
            // file system has links.
            Err(error) if error.kind() != ErrorKind::AlreadyExists => fs::rename(&self.0, path),
            done => done,
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // After a rename it is gone already.
        let _ = fs::remove_file(&self.0);
    }
}
