//! Root and an unprivileged user.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::skip;

/// Who runs nsctl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// uid 0 with the capabilities of the test process.
    Root,
    /// A user without any right.
    User,
}

/// Runs the test as root and as a user; who cannot be had here is skipped.
pub fn as_each(test: impl Fn(Who)) {
    if nix::unistd::geteuid().is_root() {
        test(Who::Root);
    } else {
        skip("as root: the tests run as a user");
    }
    test(Who::User);
}

/// The unprivileged user: NSCTL_TEST_USER, else the first one with a range in
/// /etc/subuid, else a bare number.
#[derive(Debug, Clone)]
pub struct Account {
    pub name: Option<String>,
    pub uid: u32,
    pub gid: u32,
}

impl Who {
    /// The ids that the host sees.
    pub fn uid(self) -> u32 {
        match self {
            Who::Root => 0,
            Who::User => account().uid,
        }
    }

    pub fn gid(self) -> u32 {
        match self {
            Who::Root => 0,
            Who::User => account().gid,
        }
    }

    /// The login name, if there is one.
    pub fn name(self) -> Option<String> {
        match self {
            Who::Root => Some("root".into()),
            Who::User => account().name.clone(),
        }
    }

    /// Makes `command` run as this user.
    pub fn apply(self, command: &mut Command) {
        use std::os::unix::process::CommandExt;
        if self == Who::User && nix::unistd::geteuid().is_root() {
            // As root, setting a uid also drops the supplementary groups.
            command.uid(self.uid()).gid(self.gid());
        }
    }

    /// A new directory that belongs to this user.
    pub fn directory(self) -> PathBuf {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{self:?}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let path = base().join(name);
        fs::create_dir(&path).unwrap();
        if nix::unistd::geteuid().is_root() {
            chown(&path, Some(self.uid()), Some(self.gid())).unwrap();
        }
        path
    }
}

fn account() -> &'static Account {
    static ACCOUNT: OnceLock<Account> = OnceLock::new();
    ACCOUNT.get_or_init(|| {
        if !nix::unistd::geteuid().is_root() {
            let uid = nix::unistd::geteuid().as_raw();
            return find(|account| account.uid == uid).unwrap_or(Account {
                name: None,
                uid,
                gid: nix::unistd::getegid().as_raw(),
            });
        }
        let asked = std::env::var("NSCTL_TEST_USER").ok();
        let granted = fs::read_to_string("/etc/subuid").unwrap_or_default();
        let has_range = |account: &Account| {
            let name = account.name.clone().unwrap_or_default();
            granted.lines().any(|line| line.starts_with(&format!("{name}:")))
        };
        asked
            .and_then(|name| find(|account| account.name.as_deref() == Some(&name)))
            .or_else(|| find(|account| account.uid >= 1000 && has_range(account)))
            .unwrap_or(Account { name: None, uid: 12345, gid: 12345 })
    })
}

fn find(wanted: impl Fn(&Account) -> bool) -> Option<Account> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let accounts = passwd.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        Some(Account {
            name: Some(fields.first()?.to_string()),
            uid: fields.get(2)?.parse().ok()?,
            gid: fields.get(3)?.parse().ok()?,
        })
    });
    accounts.into_iter().find(|account| wanted(account))
}

/// A directory of this test run that everyone may enter, removed when it ends.
pub fn base() -> &'static Path {
    static BASE: OnceLock<PathBuf> = OnceLock::new();
    extern "C" fn remove() {
        if let Some(path) = BASE.get() {
            let _ = fs::remove_dir_all(path);
        }
    }
    BASE.get_or_init(|| {
        remove_bases_of_the_dead();
        let path = std::env::temp_dir().join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        // SAFETY: the handler touches only a path that nobody changes any more.
        unsafe { libc::atexit(remove) };
        path
    })
}

const PREFIX: &str = "nsctl-tests-";

/// A run that was killed could not remove its own.
fn remove_bases_of_the_dead() {
    for entry in fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Copies a program with this mode. Not by ourselves: a process that another test forks meanwhile
/// has the copy open for writing until its execve, and nobody could execute it (ETXTBSY).
pub fn install(from: impl AsRef<Path>, to: &Path, mode: u32) {
    let copied = Command::new("cp").arg(from.as_ref()).arg(to).status().unwrap();
    assert!(copied.success(), "cp {:?} {to:?}", from.as_ref());
    fs::set_permissions(to, fs::Permissions::from_mode(mode)).unwrap();
}

/// The program under test, where an unprivileged user can execute it.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = base().join("nsctl");
        install(env!("CARGO_BIN_EXE_nsctl"), &path, 0o755);
        path
    })
}
