//! Finding the workload's program before its filter is loaded, which may allow nothing but execve.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::stat::stat;
use nix::unistd::{AccessFlags, eaccess};
use nsinit::exec::{DEFAULT_PATH, Failure};

/// A name with a slash for the program, found in the PATH of `env` as a shell finds it.
///
/// # Errors
/// `ENOENT` when there is none, `EACCES` when there is, but may not be executed; of a name with a
/// slash what execve(2) would say.
pub(crate) fn find(name: &CStr, env: &[CString]) -> Result<CString, Failure> {
    let bytes = name.to_bytes();
    if bytes.contains(&b'/') {
        return check(name).map(|()| name.into());
    }
    let path = env.iter().find_map(|variable| variable.to_bytes().strip_prefix(b"PATH="));
    let mut failure = Failure { errno: libc::ENOENT, found: false };
    if bytes.is_empty() {
        return Err(failure);
    }
    for directory in path.unwrap_or(DEFAULT_PATH).split(|&byte| byte == b':') {
        // An empty element is the working directory.
        let directory = if directory.is_empty() { b"." } else { directory };
        let file = [directory, b"/", bytes].concat();
        let path = Path::new(OsStr::from_bytes(&file));
        if !path.is_file() {
            continue;
        }
        match eaccess(path, AccessFlags::X_OK) {
            // PATH came as a C string.
            Ok(()) => return CString::new(file).map_err(|_| failure),
            Err(errno) if !failure.found => {
                failure = Failure { errno: errno as i32, found: true };
            }
            Err(_) => {}
        }
    }
    Err(failure)
}

/// Whether the file may be executed, as far as that does not depend on what is in it.
fn check(name: &CStr) -> Result<(), Failure> {
    let failed = |errno: Errno| Failure { errno: errno as i32, found: errno != Errno::ENOENT };
    let mode = stat(name).map_err(failed)?.st_mode;
    if mode & libc::S_IFMT != libc::S_IFREG {
        return Err(failed(Errno::EACCES));
    }
    eaccess(name, AccessFlags::X_OK).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_as_a_shell_finds_it() {
        let env = |path: &str| [CString::new(format!("PATH={path}")).unwrap()];
        let found = |name: &CStr, path: &str| find(name, &env(path));
        assert_eq!(found(c"sh", "/nowhere:/etc:/bin"), Ok(c"/bin/sh".into()));
        assert_eq!(found(c"/bin/sh", "/nowhere"), Ok(c"/bin/sh".into()));
        assert_eq!(find(c"sh", &[]), Ok(find(c"sh", &env("/usr/bin")).unwrap()));
        let missing = Failure { errno: libc::ENOENT, found: false };
        assert_eq!(found(c"no-such", "/bin:/etc/passwd"), Err(missing));
        assert_eq!(found(c"", "/bin"), Err(missing));
        // A directory, and a file that is no program.
        assert_eq!(found(c"etc", "/"), Err(missing));
        let closed = Failure { errno: libc::EACCES, found: true };
        assert_eq!(found(c"passwd", "/etc:/nowhere"), Err(closed));
        assert_eq!(found(c"./sh", "/bin"), Err(missing));
        assert_eq!(found(c"/etc/", "/bin"), Err(closed));
        assert_eq!(found(c"/dev/null", "/bin"), Err(closed));
        let below_a_file = Failure { errno: libc::ENOTDIR, found: true };
        assert_eq!(found(c"/etc/passwd/sh", "/bin"), Err(below_a_file));
        // The working directory of the tests is this crate's.
        assert_eq!(found(c"Cargo.toml", ":/nowhere"), Err(closed));
    }
}
