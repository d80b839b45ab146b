//! Paths of the host that were typed: made absolute, looked at, named in messages.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The path from `/` on; a relative one starts at the current directory.
pub fn absolute(what: &str, path: &Path) -> Result<PathBuf, Error> {
    if path.as_os_str().is_empty() {
        return Err(Error::new(format!("{what} is an empty path"))
            .try_this("a path, or leave the option out"));
    }
    std::path::absolute(path).map_err(|error| {
        Error::new(format!("cannot find {}: the current directory is gone: {error}", shown(path)))
            .try_this("a path that begins with /")
    })
}

/// Looks at a file or directory that must exist, following symbolic links.
pub fn look(what: &str, path: &Path) -> Result<Metadata, Error> {
    fs::metadata(path).map_err(|error| explain(what, path, &error))
}

/// Looks at a directory that must exist.
pub fn look_directory(what: &str, path: &Path) -> Result<Metadata, Error> {
    let found = look(what, path)?;
    if !found.is_dir() {
        return Err(Error::new(format!("{what} {} is not a directory", shown(path)))
            .try_this("a directory"));
    }
    Ok(found)
}

/// Why a path cannot be used, with the component that is in the way.
pub fn explain(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let refused = Error::new(format!("cannot use {what} {}: {error}", shown(path)));
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            let obstacle = path.ancestors().find(|part| fs::symlink_metadata(part).is_ok());
            let Some(found) = obstacle else { return refused };
            if let Ok(target) = fs::read_link(found)
                && fs::metadata(found).is_err()
            {
                return refused
                    .because(format!(
                        "{} is a symbolic link to {}, which is not there",
                        shown(found),
                        shown(&target)
                    ))
                    .try_this("a path that exists");
            }
            if !found.is_dir() {
                return refused
                    .because(format!("{} is not a directory", shown(found)))
                    .named("path-not-directory")
                    .try_this("a path that exists");
            }
            let missing = path.ancestors().take_while(|part| *part != found).last();
            refused
                .because(format!("there is no {}", shown(missing.unwrap_or(path))))
                .named("path-missing")
                .try_this(format!("a path that exists, or first: mkdir -p {}", quoted(path)))
        }
        ErrorKind::PermissionDenied => {
            let closed = path.ancestors().skip(1).find(|part| fs::metadata(part).is_ok());
            let closed = closed.unwrap_or(Path::new("/"));
            refused
                .because(format!("the caller may not search {}", shown(closed)))
                .named("path-closed")
                .try_this("a path that the caller can reach")
        }
        _ => refused.try_this("a path that exists"),
    }
}

/// For a message.
pub fn shown(path: &Path) -> String {
    const MOST: usize = 300;
    let text = path.to_string_lossy();
    match text.char_indices().nth(MOST) {
        None if text.is_empty() => "\"\"".into(),
        None => text.into_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// For a command line that can be pasted into a shell.
pub fn quoted(path: &Path) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+,@%".contains(byte);
    let text = path.to_string_lossy();
    match !text.is_empty() && path.as_os_str().as_bytes().iter().all(plain) {
        true => text.into_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_in_the_way_is_named() {
        let told = |path: &str| look("the source", Path::new(path)).unwrap_err().to_string();
        let text = told("/usr/no such/thing");
        assert!(text.contains("there is no /usr/no such\n"), "{text}");
        assert!(text.contains("mkdir -p '/usr/no such/thing'"), "{text}");
        assert!(told("/etc/passwd/x").contains("/etc/passwd is not a directory"));
        assert!(absolute("the source", Path::new("")).is_err());
        assert!(absolute("the source", Path::new("x")).unwrap().is_absolute());
    }

    #[test]
    fn words_for_a_shell_are_quoted() {
        assert_eq!(quoted(Path::new("/a/b-c.d")), "/a/b-c.d");
        assert_eq!(quoted(Path::new("/it's $x")), r"'/it'\''s $x'");
        assert_eq!(quoted(Path::new("")), "''");
    }
}
