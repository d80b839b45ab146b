//! A small root file system, made of one static program.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use super::skip;
use super::who::{Who, install};

const PROGRAMS: [&str; 27] = [
    "cat", "chmod", "cp", "dd", "df", "echo", "env", "find", "grep", "head", "hostname", "id",
    "ln", "ls", "mkdir", "mount", "mv", "printf", "readlink", "rm", "sh", "sleep", "sort", "stat",
    "touch", "true", "umount",
];

/// A root that belongs to `who`: programs in /bin, accounts in /etc, an empty /tmp. It has no
/// /proc, /dev or /sys. `None`, said aloud, where there is no static busybox.
pub fn busybox_root(who: Who) -> Option<PathBuf> {
    let busybox = static_busybox()?;
    let root = who.directory().join("root");
    for directory in ["bin", "etc", "tmp"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    install(busybox, &root.join("bin/busybox"), 0o755);
    for program in PROGRAMS {
        symlink("busybox", root.join("bin").join(program)).unwrap();
    }
    fs::write(root.join("etc/passwd"), PASSWD).unwrap();
    fs::write(root.join("etc/group"), "root:x:0:\nbirds:x:0:robin\nstaff:x:50:\n").unwrap();
    for path in ["", "bin", "bin/busybox", "etc", "etc/passwd", "etc/group", "tmp"] {
        let path = root.join(path);
        if nix::unistd::geteuid().is_root() {
            chown(&path, Some(who.uid()), Some(who.gid())).unwrap();
        }
        let mode = if path.is_dir() || path.ends_with("busybox") { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    Some(root)
}

/// A busybox that needs nothing in its root. `None`, said aloud, where there is none.
pub fn static_busybox() -> Option<&'static str> {
    let found = ["/usr/bin/busybox", "/bin/busybox"].into_iter().find(|path| is_static(path));
    if found.is_none() {
        skip("no static busybox is installed (apt install busybox-static)");
    }
    found
}

/// `robin` is user 0, so that everybody can become it.
const PASSWD: &str = "root:x:0:0:root:/home/root:/bin/sh\nrobin:x:0:0::/nest:/bin/sh\n";

fn is_static(path: &str) -> bool {
    let bytes = fs::read(Path::new(path)).unwrap_or_default();
    !bytes.is_empty() && !bytes.windows(4).any(|part| part == b"/ld-")
}

/// A file of `who`'s with this content.
pub fn write_as(who: Who, path: impl AsRef<Path>, content: &str) {
    fs::write(&path, content).unwrap();
    if nix::unistd::geteuid().is_root() {
        chown(&path, Some(who.uid()), Some(who.gid())).unwrap();
    }
}

/// All that is in a directory, as lines of `KIND PATH SIZE`.
pub fn tree(directory: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let entries = match fs::read_dir(directory) {
        // The kernel closes what an overlay works in; only root looks into it.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return vec![format!("closed {}", directory.display())];
        }
        entries => entries.unwrap(),
    };
    for entry in entries.flatten() {
        let found = entry.metadata().unwrap();
        lines.push(format!("{:?} {} {}", found.file_type(), entry.path().display(), found.len()));
        if found.is_dir() {
            lines.extend(tree(&entry.path()));
        }
    }
    lines.sort();
    lines
}
