//! /etc/subuid and /etc/subgid: the id ranges that are granted to users. subuid(5)

use nsshim::spec::IdKind;

use super::accounts::{self, Account};
use super::numbers;
use crate::error::Error;

/// A granted range of the host's ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first id.
    pub start: u32,
    /// How many.
    pub count: u32,
}

/// The ranges granted to a user, or an error that says how to grant one.
pub fn granted(kind: IdKind, uid: u32) -> Result<Vec<Range>, Error> {
    let file = kind.grants_file();
    let account = accounts::user(&uid.to_string());
    let ranges = ranges(&accounts::read(file), uid, account.as_ref());
    if ranges.is_empty() {
        let name = account.map_or(uid.to_string(), |account| account.name);
        return Err(Error::new(format!("cannot map {}s: no range is granted", kind.id()))
            .because(format!("{file} has no entry for {name} (uid {uid})"))
            .try_this(format!("echo {name}:100000:65536 | sudo tee -a {file}")));
    }
    Ok(ranges)
}

/// Entries are by name or by number, and there may be several.
fn ranges(text: &str, uid: u32, account: Option<&Account>) -> Vec<Range> {
    let is_own = |owner: &str| {
        numbers::id(owner) == Some(uid) || account.is_some_and(|account| account.name == owner)
    };
    text.lines()
        .filter_map(|line| {
            let mut fields = line.trim().split(':');
            let owner = fields.next()?;
            let start = numbers::id(fields.next()?)?;
            let count = numbers::id(fields.next()?)?;
            let fits = count > 0 && start.checked_add(count).is_some();
            (is_own(owner) && fits).then_some(Range { start, count })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_by_name_and_by_number_count() {
        let text = "ann:100000:65536\n1000:300000:10\nbob:1:1\nann:bad:1\nann:4294967290:100\n";
        let ann = Account { name: "ann".into(), uid: 1000, gid: 1000 };
        let expected =
            [Range { start: 100_000, count: 65536 }, Range { start: 300_000, count: 10 }];
        assert_eq!(ranges(text, 1000, Some(&ann)), expected);
        assert_eq!(ranges(text, 1001, None), []);
    }
}
