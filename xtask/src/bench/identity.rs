//! Whom a measurement is made as.

use super::arena::Home;
use crate::Result;
use nix::unistd::{getegid, geteuid};
use std::fmt;
use std::process::Command;

/// A range that /etc/subuid or /etc/subgid grants.
#[derive(Clone, Copy)]
pub struct Range {
    pub first: u32,
    pub count: u32,
}

pub struct Identity {
    pub uid: u32,
    pub gid: u32,
    /// No name: nothing in /etc/passwd has this uid.
    pub name: Option<String>,
    pub subuid: Option<Range>,
    pub subgid: Option<Range>,
    /// Whether it takes setpriv(1) to become this identity.
    borrowed: bool,
}

/// One line of /etc/passwd.
struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

impl Identity {
    /// Who we are.
    pub fn current() -> Result<Identity> {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let name = accounts()?.into_iter().find(|a| a.uid == uid).map(|a| a.name);
        Identity::new(uid, gid, name, false)
    }

    /// The ordinary user that was asked for; else the first one with a range
    /// of subordinate ids; else uid 1000, whom a kernel lets do the same
    /// whether an account has that number or not.
    pub fn ordinary(wanted: Option<&str>) -> Result<Identity> {
        let accounts = accounts()?;
        let account = match wanted {
            Some(who) => accounts.into_iter().find(|a| a.name == who || a.uid.to_string() == who),
            None => accounts
                .into_iter()
                .filter(|a| (1000..65534).contains(&a.uid))
                .find(|a| range("/etc/subuid", &a.name, a.uid).is_some()),
        };
        match (account, wanted) {
            (Some(a), _) => Identity::new(a.uid, a.gid, Some(a.name), true),
            (None, None) => Identity::new(1000, 1000, None, true),
            (None, Some(who)) => {
                let uid = who.parse().map_err(|_| format!("no user named {who}"))?;
                Identity::new(uid, uid, None, true)
            }
        }
    }

    fn new(uid: u32, gid: u32, name: Option<String>, borrowed: bool) -> Result<Identity> {
        if borrowed && uid == 0 {
            return Err("root is not an ordinary user".into());
        }
        let login = name.as_deref().unwrap_or_default();
        let (subuid, subgid) = (range("/etc/subuid", login, uid), range("/etc/subgid", login, uid));
        Ok(Identity { uid, gid, name, subuid, subgid, borrowed })
    }

    pub fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// The word for this identity in results.
    pub fn kind(&self) -> &'static str {
        if self.is_root() { "root" } else { "user" }
    }

    /// A command that runs `argv` as this identity with an environment of its own.
    pub fn command(&self, argv: &[impl AsRef<str>], home: &Home) -> Command {
        let mut words = Vec::new();
        if self.borrowed {
            let groups = if self.name.is_some() { "--init-groups" } else { "--clear-groups" };
            words.extend([
                "setpriv".into(),
                format!("--reuid={}", self.uid),
                format!("--regid={}", self.gid),
                groups.into(),
                "--".into(),
            ]);
        }
        words.extend(argv.iter().map(|word| word.as_ref().to_string()));
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", &home.0)
            .env("XDG_RUNTIME_DIR", &home.0)
            .env("USER", self.name.as_deref().unwrap_or("nobody"));
        command
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} (uid {})", self.uid),
            None => write!(f, "uid {} (no such account)", self.uid),
        }
    }
}

// Not getpwnam(3): in a static program it would load the host's NSS modules.
fn accounts() -> Result<Vec<Account>> {
    let account = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_string();
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { name, uid, gid })
    };
    Ok(std::fs::read_to_string("/etc/passwd")?.lines().filter_map(account).collect())
}

/// The first range granted in `file` to a user, by name or by number.
fn range(file: &str, name: &str, uid: u32) -> Option<Range> {
    std::fs::read_to_string(file).ok()?.lines().find_map(|line| {
        let (who, range) = line.split_once(':')?;
        let (first, count) = range.split_once(':')?;
        let ours = !who.is_empty() && (who == name || who == uid.to_string());
        ours.then_some(Range { first: first.parse().ok()?, count: count.trim().parse().ok()? })
    })
}
