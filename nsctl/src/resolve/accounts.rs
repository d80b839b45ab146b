//! /etc/passwd and /etc/group, read by ourselves: a static program that asked
//! the C library would load modules of the machine or, later, of a container.

use std::fs::File;
use std::io::Read;

use super::numbers;

/// More than any real account file; a hostile one must not fill the memory.
const MAX_BYTES: u64 = 1 << 20;

/// One line of /etc/passwd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The login name.
    pub name: String,
    /// The user id.
    pub uid: u32,
    /// The primary group.
    pub gid: u32,
}

/// Finds an account by name, else by number.
pub fn user(name_or_id: &str) -> Option<Account> {
    find_user(&read("/etc/passwd"), name_or_id)
}

/// Finds a group's number by name.
pub fn group(name: &str) -> Option<u32> {
    groups(&read("/etc/group")).find(|(group, _, _)| *group == name).map(|(_, gid, _)| gid)
}

/// The groups that list `user` as a member.
pub fn groups_of(user: &str) -> Vec<u32> {
    groups(&read("/etc/group"))
        .filter(|(_, _, members)| members.split(',').any(|member| member == user))
        .map(|(_, gid, _)| gid)
        .collect()
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
    Some(Account { name, uid, gid })
}

fn groups(text: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let gid = numbers::id(fields.nth(1)?)?;
        Some((name, gid, fields.next().unwrap_or("")))
    })
}

/// What cannot be read names nobody.
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

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n7:x:1007:1007::/:\nbad:x:-1:0::/:\n";

    #[test]
    fn a_name_wins_over_a_number() {
        assert_eq!(find_user(PASSWD, "7").unwrap().uid, 1007);
        assert_eq!(find_user(PASSWD, "0").unwrap().name, "root");
        assert_eq!(find_user(PASSWD, "bad"), None);
        assert_eq!(find_user(PASSWD, "nobody-here"), None);
    }
}
