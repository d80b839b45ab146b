//! What a cause is found in: files of this machine, below a root that a test may choose.

use std::fs;
use std::path::{Path, PathBuf};

/// The machine as its files show it.
#[derive(Debug, Clone)]
pub struct Machine {
    root: PathBuf,
}

impl Machine {
    /// The one we run on.
    pub fn here() -> Self {
        Machine { root: "/".into() }
    }

    /// One made of files in a directory.
    #[cfg(test)]
    pub fn at(root: &Path) -> Self {
        Machine { root: root.into() }
    }

    /// An absolute path on this machine.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path.as_ref().strip_prefix("/").unwrap_or(path.as_ref()))
    }

    /// A file's text; what is not UTF-8 is shown as such.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read(self.path(path)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The number in a file such as a sysctl's.
    pub fn number(&self, path: &str) -> Option<i64> {
        self.read(path)?.trim().parse().ok()
    }

    /// Where a symbolic link points to, as text: `user:[4026531837]`.
    pub fn link(&self, path: &str) -> Option<String> {
        fs::read_link(self.path(path)).ok().map(|target| target.to_string_lossy().into_owned())
    }

    /// A field of /proc/self/status, `Seccomp`.
    pub fn status(&self, field: &str) -> Option<String> {
        let text = self.read("/proc/self/status")?;
        let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.map(|value| value.trim().to_string())
    }

    /// The mounts of our mount namespace that we can reach.
    pub fn mounts(&self) -> Option<Vec<Mount>> {
        Some(self.read("/proc/self/mountinfo")?.lines().filter_map(Mount::parse).collect())
    }

    /// The mount that holds a path.
    pub fn mount_of(&self, path: &Path) -> Option<Mount> {
        let covers = |mount: &Mount| path.starts_with(&mount.target);
        // Of several on one path the last is on top.
        self.mounts()?
            .into_iter()
            .filter(covers)
            .enumerate()
            .max_by_key(|(index, mount)| (mount.target.as_os_str().len(), *index))
            .map(|(_, mount)| mount)
    }

    /// The kernel's version: `(6, 18)`.
    pub fn kernel(&self) -> Option<(u32, u32)> {
        let release = self.read("/proc/sys/kernel/osrelease")?;
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }
}

/// One line of /proc/PID/mountinfo, proc_pid_mountinfo(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub id: u32,
    pub parent: u32,
    /// Which directory of the file system is mounted.
    pub root: String,
    pub target: PathBuf,
    /// Whether nothing can be written through it.
    pub read_only: bool,
    /// Whether mounts on it travel elsewhere.
    pub shared: bool,
    pub fstype: String,
}

impl Mount {
    fn parse(line: &str) -> Option<Mount> {
        let (mine, of_superblock) = line.split_once(" - ")?;
        let fields: Vec<&str> = mine.split(' ').collect();
        let [id, parent, _device, root, target, flags, optional @ ..] = &fields[..] else {
            return None;
        };
        Some(Mount {
            id: id.parse().ok()?,
            parent: parent.parse().ok()?,
            root: unescape(root),
            target: unescape(target).into(),
            read_only: is_read_only(flags)
                || of_superblock.split(' ').nth(2).is_some_and(is_read_only),
            shared: optional.iter().any(|field| field.starts_with("shared:")),
            fstype: of_superblock.split(' ').next()?.to_string(),
        })
    }
}

fn is_read_only(options: &str) -> bool {
    options.split(',').any(|option| option == "ro")
}

/// The kernel writes space, tab, newline and backslash as `\040`.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out += before;
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                out.push(char::from(code));
                rest = &after[3..];
            }
            None => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_mountinfo_is_read() {
        let line = r"36 35 98:0 /a\040b /mnt/x\134y rw,noexec shared:1 master:2 - ext4 /dev/sda rw";
        let mount = Mount::parse(line).unwrap();
        assert_eq!((mount.id, mount.parent, mount.root.as_str()), (36, 35, "/a b"));
        assert_eq!(mount.target, Path::new("/mnt/x\\y"));
        assert!(mount.shared && mount.fstype == "ext4");
        assert!(!mount.read_only);
        assert!(Mount::parse("1 2 0:3 / /proc ro - proc proc rw").unwrap().read_only);
        assert!(Mount::parse("1 2 0:3 / /proc rw - proc proc ro").unwrap().read_only);
        assert_eq!(Mount::parse("36 35 98:0 /"), None);
    }
}
