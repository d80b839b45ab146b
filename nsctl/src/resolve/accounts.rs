//! /etc/passwd and /etc/group, read by ourselves: a static program that asked
//! the C library would load modules of the machine or of a container.

mod root;

use std::fs::File;
use std::io::Read;

use nsshim::spec::{Root, RootSource, Upper};

use self::root::Layer;
use super::numbers;
use crate::error::Error;

/// More than any real account file; a hostile one must not fill the memory (CVE-2026-47262).
const MAX_BYTES: u64 = 1 << 20;

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

/// Whose accounts the workload's names are.
#[derive(Debug)]
pub enum Accounts {
    /// The machine's.
    Host,
    /// Those in a root of the container's own, by its layers, topmost first.
    Root(Vec<Layer>),
    /// Those in an image that is not mounted yet.
    Image,
}

/// One line of /etc/passwd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The login name.
    pub name: String,
    /// The user id.
    pub uid: u32,
    /// The primary group.
    pub gid: u32,
    /// The home directory.
    pub home: String,
}

impl Accounts {
    /// Those of the root that the workload will have.
    pub fn of(root: Option<&Root>) -> Result<Accounts, Error> {
        let Some(root) = root else { return Ok(Accounts::Host) };
        let lowest = match &root.source {
            RootSource::Host => return Ok(Accounts::Host),
            RootSource::Image { .. } => return Ok(Accounts::Image),
            RootSource::Empty => return Ok(Accounts::Root(Vec::new())),
            RootSource::Directory(path) => path,
        };
        let mut layers = Vec::new();
        if let Some(Upper::Kept(kept)) = root.overlay.as_ref().map(|overlay| &overlay.upper) {
            let upper = kept.base.join(&kept.upper);
            // Made with the first start.
            if upper.is_dir() {
                layers.push(Layer::open(&upper)?);
            }
        }
        layers.push(Layer::open(lowest)?);
        for path in root.overlay.iter().flat_map(|overlay| &overlay.lower) {
            layers.push(Layer::open(path)?);
        }
        Ok(Accounts::Root(layers))
    }

    /// Finds an account by name, else by number.
    ///
    /// # Errors
    /// The file cannot be trusted or read. A number is found without it.
    pub fn user(&self, name_or_id: &str) -> Result<Option<Account>, Error> {
        let number = numbers::id(name_or_id).is_some();
        Ok(find_user(&self.text(PASSWD, number)?, name_or_id))
    }

    /// The home directory of a user, where the file can be read and names one.
    pub fn home(&self, uid: u32) -> Option<String> {
        let text = self.text(PASSWD, true).ok()?;
        text.lines().filter_map(account).find(|account| account.uid == uid).map(|found| found.home)
    }

    /// Finds a group's number by name.
    ///
    /// # Errors
    /// As [`Accounts::user`].
    pub fn group(&self, name: &str) -> Result<Option<u32>, Error> {
        let text = self.text(GROUP, false)?;
        Ok(groups(&text).find(|(group, _, _)| *group == name).map(|(_, gid, _)| gid))
    }

    /// The groups that list `user` as a member.
    ///
    /// # Errors
    /// As [`Accounts::user`].
    pub fn groups_of(&self, user: &str) -> Result<Vec<u32>, Error> {
        let text = self.text(GROUP, false)?;
        let lists = |members: &str| members.split(',').any(|member| member == user);
        Ok(groups(&text).filter(|(_, _, members)| lists(members)).map(|(_, gid, _)| gid).collect())
    }

    /// For messages: where a name is looked up.
    pub fn place(&self, file: &str) -> String {
        match self {
            Accounts::Root(layers) => match layers.first() {
                Some(layer) => format!("{}{file}", layer.path().display()),
                None => "an empty root".into(),
            },
            Accounts::Host | Accounts::Image => file.into(),
        }
    }

    fn text(&self, file: &str, number: bool) -> Result<String, Error> {
        let found = match self {
            Accounts::Host => return Ok(read(file)),
            Accounts::Image => Err(Error::new(format!(
                "cannot look into {file} of the image before it is mounted"
            ))
            .try_this("a number instead of the name")),
            Accounts::Root(layers) => {
                let found = layers.iter().map(|layer| layer.read(file, MAX_BYTES));
                found.filter_map(Result::transpose).next().unwrap_or(Ok(String::new()))
            }
        };
        match found {
            Err(error) if number => {
                log::info!("{error}");
                Ok(String::new())
            }
            other => other,
        }
    }
}

fn find_user(passwd: &str, name_or_id: &str) -> Option<Account> {
    let accounts = || passwd.lines().filter_map(account);
    accounts().find(|account| account.name == name_or_id).or_else(|| {
        let uid = numbers::id(name_or_id)?;
        accounts().find(|account| account.uid == uid)
    })
}

fn account(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_string();
    let uid = numbers::id(fields.nth(1)?)?;
    let gid = numbers::id(fields.next()?)?;
    let home = fields.nth(1).unwrap_or_default().to_string();
    Some(Account { name, uid, gid, home })
}

fn groups(text: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let gid = numbers::id(fields.nth(1)?)?;
        Some((name, gid, fields.next().unwrap_or("")))
    })
}

/// A file of the host's. What cannot be read names nobody.
pub(super) fn read(path: &str) -> String {
    let mut text = Vec::new();
    if let Ok(file) = File::open(path) {
        let _ = file.take(MAX_BYTES).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "root:x:0:0:root:/root:/bin/sh\n7:x:1007:1007::/:\nbad:x:-1:0::/:\nshort:x:5:6\n";

    #[test]
    fn a_name_wins_over_a_number() {
        assert_eq!(find_user(TEXT, "7").unwrap().uid, 1007);
        assert_eq!(find_user(TEXT, "0").unwrap().name, "root");
        assert_eq!(find_user(TEXT, "0").unwrap().home, "/root");
        assert_eq!(find_user(TEXT, "short").unwrap().home, "");
        assert_eq!(find_user(TEXT, "bad"), None);
        assert_eq!(find_user(TEXT, "nobody-here"), None);
    }
}
