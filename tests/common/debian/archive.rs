//! The archive of a Debian root, and how debootstrap makes it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{have, skip};

/// The archive; made when there is none yet.
pub fn archive() -> Option<PathBuf> {
    let suite = os_release("VERSION_CODENAME").unwrap_or_default();
    let archive = cache()?.join(format!("{suite}-minbase.tar"));
    // One process of the tests makes it, the others wait.
    let lock = File::create(archive.with_extension("lock"));
    if let Ok(lock) = &lock {
        lock.lock().unwrap();
    }
    if archive.exists() {
        return Some(archive);
    }
    if !nix::unistd::geteuid().is_root() {
        skip("a Debian root is made by root; the tests run as a user");
        return None;
    }
    if !have("debootstrap") {
        return None;
    }
    let Some(mirror) = mirror(&suite) else {
        skip("apt names no mirror for this release");
        return None;
    };
    match bootstrap(&suite, &mirror, &archive) {
        Ok(()) => Some(archive),
        Err(reason) => {
            skip(&format!("debootstrap: {reason}"));
            None
        }
    }
}

/// Outlives the run of the tests, and `cargo clean`.
fn cache() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let path = cache?.join("nsctl-tests");
    match fs::create_dir_all(&path) {
        Ok(()) => Some(path),
        Err(error) => {
            skip(&format!("{}: {error}", path.display()));
            None
        }
    }
}

fn os_release(key: &str) -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim_matches('"').to_string())
}

/// Where the machine's own packages come from.
fn mirror(suite: &str) -> Option<String> {
    let format = "$(REPO_URI) $(CODENAME) $(COMPONENT)";
    let targets =
        Command::new("apt-get").args(["indextargets", "--format", format]).output().ok()?;
    let targets = String::from_utf8_lossy(&targets.stdout).into_owned();
    let main = format!(" {suite} main");
    targets.lines().find_map(|line| line.strip_suffix(&main)).map(Into::into)
}

fn bootstrap(suite: &str, mirror: &str, archive: &Path) -> Result<(), String> {
    let tree = archive.with_extension("new");
    let log = archive.with_extension("log");
    let _ = fs::remove_dir_all(&tree);
    // What it mounts is nobody else's, and gone when it is killed.
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "timeout", "--kill-after=5", "240", "debootstrap", "--variant=minbase"])
        .arg(suite)
        .arg(&tree)
        .arg(mirror)
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null());
    if let Some(proxy) = proxy() {
        command.env("http_proxy", proxy);
    }
    let output = |file: &File| Stdio::from(file.try_clone().unwrap());
    let said = File::create(&log).map_err(|error| error.to_string())?;
    command.stdout(output(&said)).stderr(output(&said));
    let made = command.status().map_err(|error| error.to_string())?;
    let mut result = Err(String::new());
    if made.success() {
        // Device nodes can only be unpacked by root on the host, and are not for us.
        let partial = archive.with_extension("part");
        let mut tar = Command::new("tar");
        tar.args(["--numeric-owner", "--exclude=./dev/*"]);
        tar.arg("--exclude=./var/cache/apt/archives/*.deb");
        tar.arg("-cf").arg(&partial).arg("-C").arg(&tree).arg(".");
        if tar.status().is_ok_and(|status| status.success()) {
            result = fs::rename(&partial, archive).map_err(|error| error.to_string());
        }
    } else {
        let mut text = String::new();
        let _ = File::open(&log).and_then(|mut log| log.read_to_string(&mut text));
        let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        result = Err(format!("{made}: {last}"));
    }
    let _ = fs::remove_dir_all(&tree);
    result
}

/// apt's, where it has one.
fn proxy() -> Option<String> {
    let output = Command::new("apt-config").args(["dump", "Acquire::http::Proxy"]).output().ok()?;
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = line.trim().strip_prefix("Acquire::http::Proxy ")?;
    Some(value.trim_end_matches(';').trim_matches('"').to_string())
        .filter(|proxy| !proxy.is_empty())
}
