//! The mounts of a mount namespace. proc_pid_mountinfo(5)

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Its number.
    pub id: u64,
    /// The number of the one that it is on.
    pub parent: u64,
    /// Which directory of the file system is mounted.
    pub root: PathBuf,
    /// Where.
    pub target: PathBuf,
    /// Whether nothing can be written through it.
    pub read_only: bool,
    /// Whether mounts on it travel elsewhere.
    pub shared: bool,
    /// The file system's type.
    pub fstype: String,
    /// The file system's options, `rw,cpu,cpuacct`.
    pub options: String,
}

/// Those of our own mount namespace that we can reach; none without /proc.
pub fn here() -> Vec<Mount> {
    parse(&std::fs::read("/proc/self/mountinfo").unwrap_or_default()).collect()
}

/// The one of them that holds a path.
pub fn mount_of<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let holds = mounts.iter().filter(|mount| path.starts_with(&mount.target));
    // Of several on one path the last is on top, and the last of equals is taken.
    holds.max_by_key(|mount| mount.target.as_os_str().len())
}

/// The mounts in the text of a mountinfo; what is no line of it is left out.
pub fn parse(text: &[u8]) -> impl Iterator<Item = Mount> {
    text.split(|&byte| byte == b'\n').filter_map(line)
}

fn line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ');
    let id = number(fields.next()?)?;
    let parent = number(fields.next()?)?;
    let [_device, root, target, flags] = [(); 4].map(|()| fields.next());
    let mut shared = false;
    for field in fields.by_ref().take_while(|field| *field != b"-") {
        shared |= field.starts_with(b"shared:");
    }
    let fstype = fields.next()?;
    let of_file_system = fields.nth(1);
    Some(Mount {
        id,
        parent,
        root: path(root?),
        target: path(target?),
        read_only: is_read_only(flags?) || of_file_system.is_some_and(is_read_only),
        shared,
        fstype: String::from_utf8_lossy(fstype).into_owned(),
        options: String::from_utf8_lossy(of_file_system.unwrap_or_default()).into_owned(),
    })
}

fn number(field: &[u8]) -> Option<u64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

fn is_read_only(options: &[u8]) -> bool {
    options.split(|&byte| byte == b',').any(|option| option == b"ro")
}

/// The kernel writes space, tab, newline, backslash and # as `\040`.
pub fn path(field: &[u8]) -> PathBuf {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, others)) = rest.split_first() {
        let digits = others.get(..3).filter(|_| first == b'\\');
        let code = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|code| u8::from_str_radix(code, 8).ok()) {
            Some(code) => {
                plain.push(code);
                rest = &others[3..];
            }
            None => {
                plain.push(first);
                rest = others;
            }
        }
    }
    PathBuf::from(OsString::from_vec(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read() {
        let text =
            br"36 35 98:0 /a\040b /mnt/x\134y rw,noexec shared:1 master:2 - ext4 /dev/sda rw";
        let mount = line(text).unwrap();
        assert_eq!((mount.id, mount.parent, mount.root.as_path()), (36, 35, Path::new("/a b")));
        assert_eq!(mount.target, Path::new("/mnt/x\\y"));
        assert!(mount.shared && mount.fstype == "ext4");
        assert!(!mount.read_only);
        assert!(line(b"1 2 0:3 / /proc ro - proc proc rw").unwrap().read_only);
        assert!(line(b"1 2 0:3 / /proc rw - proc proc ro").unwrap().read_only);
        assert!(!line(b"1 2 0:3 / /proc rw - proc ro rw").unwrap().read_only);
        for wrong in [&b"36 35 98:0 /"[..], b"", b"x", b"36 35 98:0 / /x rw shared:1"] {
            assert_eq!(line(wrong), None);
        }
    }

    #[test]
    fn the_last_of_the_nearest_holds_a_path() {
        let text = b"1 0 0:1 / / rw - ext4 a rw\n2 1 0:2 / /a rw - ext4 b rw\n\
            3 2 0:3 / /a rw - ext4 c rw\n4 1 0:4 / /a/b rw - ext4 d rw\n";
        let mounts: Vec<Mount> = parse(text).collect();
        let id = |path: &str| mount_of(&mounts, Path::new(path)).map(|mount| mount.id);
        assert_eq!([id("/x"), id("/a/c"), id("/a/b/c"), id("/ab")], [1, 3, 4, 1].map(Some));
        assert_eq!(id("a"), None);
    }

    #[test]
    fn the_kernels_escapes_are_undone() {
        for (field, expected) in
            [("/a", "/a"), (r"/a\040b\134", r"/a b\"), (r"/x\", r"/x\"), (r"/\999", r"/\999")]
        {
            assert_eq!(path(field.as_bytes()), Path::new(expected));
        }
    }
}
