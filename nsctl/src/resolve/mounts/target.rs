//! Where something is placed inside.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use nsshim::spec::COVERABLE;

/// PATH_MAX and NAME_MAX, include/uapi/linux/limits.h; the first with its zero byte.
const MAX_PATH: usize = 4096;
const MAX_NAME: usize = 255;

/// Reads a path inside: absolute, without `..`, not `/` itself, and nothing that the
/// kernel would find too long.
///
/// # Errors
/// What is wrong with it.
pub fn parse(bytes: &[u8]) -> Result<PathBuf, String> {
    let path = Path::new(OsStr::from_bytes(bytes));
    let shown = super::super::paths::shown(path);
    if bytes.is_empty() {
        return Err("the place inside is missing".into());
    }
    if !path.is_absolute() {
        return Err(format!("the place inside, {shown}, does not begin with /"));
    }
    if bytes.contains(&0) {
        return Err(format!("the place inside, {shown}, holds a zero byte"));
    }
    let mut plain = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) if name.len() > MAX_NAME => {
                return Err(format!("a name in it is longer than {MAX_NAME} bytes"));
            }
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => {
                return Err(format!("the place inside, {shown}, goes up by .."));
            }
            _ => {}
        }
    }
    if plain == Path::new("/") {
        return Err("the place inside is the root itself, which --rootfs chooses".into());
    }
    if plain.as_os_str().len() >= MAX_PATH {
        return Err(format!("the place inside has {MAX_PATH} bytes or more"));
    }
    Ok(plain)
}

/// Refuses to cover a part of /proc.
///
/// # Errors
/// What can be covered.
pub fn check_proc(path: &Path) -> Result<(), String> {
    if !path.starts_with("/proc") || COVERABLE.iter().any(|known| path == Path::new(known)) {
        return Ok(());
    }
    let shown = super::super::paths::shown(path);
    Err(format!(
        "{shown} must stay what the kernel says; of /proc only {} can be covered",
        COVERABLE.map(|path| path.trim_start_matches("/proc/")).join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_place_is_absolute_and_plain() {
        for (text, expected) in
            [("/a", "/a"), ("//a//b/", "/a/b"), ("/a/./b", "/a/b"), ("/a b:c", "/a b:c")]
        {
            assert_eq!(parse(text.as_bytes()).unwrap(), Path::new(expected));
        }
        let long = format!("/{}", "x".repeat(256));
        let deep = "/xxx".repeat(1024);
        for wrong in ["", "a", "/", "//", "/.", "..", "/..", "/a/../b", "/a\0b", &long, &deep] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(parse("/xxx".repeat(1023).as_bytes()).is_ok());
    }

    #[test]
    fn cve_2019_16884_proc_is_the_kernels() {
        for wrong in ["/proc", "/proc/self", "/proc/sys/kernel/core_pattern", "/proc/meminfo/x"] {
            assert!(check_proc(Path::new(wrong)).is_err(), "{wrong}");
        }
        for right in ["/proc/meminfo", "/process", "/a/proc/self"] {
            assert!(check_proc(Path::new(right)).is_ok(), "{right}");
        }
    }

    #[test]
    fn what_is_accepted_stays_below_the_root() {
        for sample in samples() {
            let Ok(path) = parse(&sample) else { continue };
            assert!(path.is_absolute() && path != Path::new("/"));
            assert!(path.components().all(|part| part != Component::ParentDir));
            assert_eq!(parse(path.as_os_str().as_bytes()).unwrap(), path);
        }
    }
}
