//! Finding the workload's program before its filter is loaded, which may allow nothing but execve.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::unistd::{AccessFlags, eaccess};
use nsinit::exec::{DEFAULT_PATH, Failure};

/// A name with a slash for the program, found in the PATH of `env` as a shell finds it.
///
/// # Errors
/// `ENOENT` when there is none, `EACCES` when there is, but may not be executed.
pub(crate) fn find(name: &CStr, env: &[CString]) -> Result<CString, Failure> {
    let bytes = name.to_bytes();
    if bytes.contains(&b'/') {
        return Ok(name.into());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_as_a_shell_finds_it() {
        let env = |path: &str| [CString::new(format!("PATH={path}")).unwrap()];
        let found = |name: &CStr, path: &str| find(name, &env(path));
        assert_eq!(found(c"sh", "/nowhere:/etc:/bin"), Ok(c"/bin/sh".into()));
        assert_eq!(found(c"./sh", "/bin"), Ok(c"./sh".into()));
        assert_eq!(find(c"sh", &[]), Ok(find(c"sh", &env("/usr/bin")).unwrap()));
        let missing = Failure { errno: libc::ENOENT, found: false };
        assert_eq!(found(c"no-such", "/bin:/etc/passwd"), Err(missing));
        assert_eq!(found(c"", "/bin"), Err(missing));
        // A directory, and a file that is no program.
        assert_eq!(found(c"etc", "/"), Err(missing));
        let closed = Failure { errno: libc::EACCES, found: true };
        assert_eq!(found(c"passwd", "/etc:/nowhere"), Err(closed));
        // The working directory of the tests is this crate's.
        assert_eq!(found(c"Cargo.toml", ":/nowhere"), Err(closed));
    }
}
