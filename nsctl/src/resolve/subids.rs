//! /etc/subuid and /etc/subgid: the id ranges that are granted to users. subuid(5)

use nsshim::Host;
use nsshim::spec::{HostId, IdKind, IdMap};

use super::accounts::{self, Account, Accounts};
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

/// The ranges granted to the caller, or an error that says how to grant one.
pub fn granted(kind: IdKind, host: &Host) -> Result<Vec<Range>, Error> {
    let file = kind.grants_file();
    let uid = host.uid.0;
    let (name, ranges) = known(kind, uid);
    if ranges.is_empty() {
        let line = line_to_add(kind, &name);
        return Err(Error::new(format!("cannot map {}s: no range is granted", kind.id()))
            .because(format!("{file} has no entry for {name} (uid {uid})"))
            .named("range-missing")
            .try_this(match host.may_map_any_id() {
                true => format!(
                    "{line}, or name one, which root may: --map-{} 0:100000:65536",
                    words(kind)
                ),
                false => line,
            }));
    }
    Ok(ranges)
}

fn words(kind: IdKind) -> &'static str {
    match kind {
        IdKind::User => "users",
        IdKind::Group => "groups",
    }
}

/// Refuses a line that newuidmap(1) or newgidmap(1) would: all of a line must be
/// granted, or be the caller's own id.
pub fn check_granted(
    kind: IdKind,
    own: HostId,
    caller: HostId,
    lines: &[IdMap],
) -> Result<(), Error> {
    if granted_elsewhere() {
        return Ok(());
    }
    let (name, granted) = known(kind, caller.0);
    let is_own = |line: &IdMap| line.count == 1 && line.outside == own;
    let Some(line) = lines.iter().find(|line| !is_own(line) && !covers(&granted, line)) else {
        return Ok(());
    };
    let shown: Vec<String> = granted
        .iter()
        .map(|range| format!("{} to {}", range.start, range.start + (range.count - 1)))
        .collect();
    let file = kind.grants_file();
    let line_start = line.outside.0;
    Err(Error::new(format!(
        "cannot map {}s: {} to {} are not granted",
        kind.id(),
        line_start,
        line_start + (line.count - 1)
    ))
    .because(match shown.is_empty() {
        true => format!("{file} has no entry for {name} (uid {})", caller.0),
        false => format!("{file} grants {name} {}", shown.join(" and ")),
    })
    .named(if shown.is_empty() { "range-missing" } else { "range-not-granted" })
    .try_this(match shown.is_empty() {
        true => line_to_add(kind, &name),
        false => "ids within that, or the own one".into(),
    }))
}

/// Several entries may continue each other.
fn covers(granted: &[Range], line: &IdMap) -> bool {
    let end = u64::from(line.outside.0) + u64::from(line.count);
    let mut next = u64::from(line.outside.0);
    while next < end {
        let holds = |range: &&Range| {
            let start = u64::from(range.start);
            (start..start + u64::from(range.count)).contains(&next)
        };
        let Some(range) = granted.iter().find(holds) else { return false };
        next = u64::from(range.start) + u64::from(range.count);
    }
    true
}

/// Whether a directory service grants ranges, which only the helpers can ask.
/// nsswitch.conf(5), `subid`
fn granted_elsewhere() -> bool {
    let switch = accounts::read("/etc/nsswitch.conf");
    switch
        .lines()
        .filter_map(|line| line.trim().strip_prefix("subid:"))
        .any(|sources| sources.split_whitespace().any(|source| source != "files"))
}

/// Who a user is in the grants file, and the ranges granted there.
pub fn known(kind: IdKind, uid: u32) -> (String, Vec<Range>) {
    let account = Accounts::Host.user(&uid.to_string()).ok().flatten();
    let ranges = ranges(&accounts::read(kind.grants_file()), uid, account.as_ref());
    (account.map_or(uid.to_string(), |account| account.name), ranges)
}

/// The command that grants a range to an account: one that nobody has, because who shares a
/// range can change the other's files.
pub fn line_to_add(kind: IdKind, account: &str) -> String {
    let file = kind.grants_file();
    let first = first_free(&accounts::read(file));
    format!("echo {account}:{first}:{COUNT} | sudo tee -a {file}")
}

/// As many ids as login.defs(5) grants, from where it begins: SUB_UID_COUNT, SUB_UID_MIN.
const COUNT: u32 = 65536;
const FIRST: u32 = 100_000;

/// Where all ranges that anybody has end.
fn first_free(text: &str) -> u32 {
    let ends = text.lines().filter_map(|line| {
        let mut fields = line.trim().split(':').skip(1);
        let start = numbers::id(fields.next()?)?;
        start.checked_add(numbers::id(fields.next()?)?)
    });
    let free = ends.max().unwrap_or(FIRST).max(FIRST);
    // Ids end at 2^32 - 2; then somebody has to look for a gap.
    if free.checked_add(COUNT).is_some() { free } else { FIRST }
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
    fn a_range_to_add_is_nobodys() {
        assert_eq!(first_free(""), 100_000);
        assert_eq!(first_free("other:1:1\n"), 100_000);
        assert_eq!(first_free("ann:165536:65536\nbob:100000:65536\nbad\nworse:x:1\n"), 231_072);
        assert_eq!(first_free("all:100000:4294867000\n"), 100_000);
    }

    #[test]
    fn entries_by_name_and_by_number_count() {
        let text = "ann:100000:65536\n1000:300000:10\nbob:1:1\nann:bad:1\nann:4294967290:100\n";
        let ann = Account { name: "ann".into(), uid: 1000, gid: 1000, home: String::new() };
        let expected =
            [Range { start: 100_000, count: 65536 }, Range { start: 300_000, count: 10 }];
        assert_eq!(ranges(text, 1000, Some(&ann)), expected);
        assert_eq!(ranges(text, 1001, None), []);
    }

    /// The file is root's, but written by many programs.
    #[test]
    fn no_line_makes_a_range_that_is_none() {
        const PIECES: [&str; 12] = [
            "ann",
            ":",
            ":",
            "\n",
            "0",
            "1",
            "4294967295",
            "4294967296",
            "-1",
            " ",
            "\u{fffd}",
            "\0",
        ];
        let ann = Account { name: "ann".into(), uid: 1, gid: 1, home: String::new() };
        let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..20_000 {
            let mut text = String::from("ann:");
            for _ in 0..12 {
                // xorshift64, Marsaglia.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                text += PIECES[(state % PIECES.len() as u64) as usize];
            }
            for range in ranges(&text, 1, Some(&ann)) {
                assert!(
                    range.count > 0 && range.start.checked_add(range.count).is_some(),
                    "{text:?}"
                );
            }
        }
    }

    #[test]
    fn a_line_may_lie_in_two_ranges_that_touch() {
        let granted = [Range { start: 200, count: 100 }, Range { start: 100, count: 100 }];
        let line = |outside, count| IdMap {
            inside: nsshim::spec::ContainerId(0),
            outside: HostId(outside),
            count,
        };
        assert!(covers(&granted, &line(100, 200)));
        assert!(covers(&granted, &line(150, 100)));
        assert!(!covers(&granted, &line(150, 151)));
        assert!(!covers(&granted, &line(99, 2)));
    }
}
