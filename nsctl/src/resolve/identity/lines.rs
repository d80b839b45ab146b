//! The lines of an id map: from a word or three numbers, and whether they can stand together.

use nsshim::Host;
use nsshim::spec::{ContainerId, HostId, IdKind, IdMap};

use crate::error::{Error, shown};
use crate::resolve::subids::Range;
use crate::resolve::{accounts, numbers, subids};

pub(super) fn identity(start: u32, count: u32) -> IdMap {
    IdMap { inside: ContainerId(start), outside: HostId(start), count }
}

/// The range from inside 0 on, around the id that is taken already.
pub(super) fn stack(range: Option<Range>, held: Option<IdMap>) -> Vec<IdMap> {
    let Some(range) = range else { return Vec::new() };
    let line = |inside: u32, offset: u32, count: u32| IdMap {
        inside: ContainerId(inside),
        outside: HostId(range.start + offset),
        count,
    };
    let hole = held.map(|line| line.inside.0).filter(|&inside| inside < range.count);
    match hole {
        None => vec![line(0, 0, range.count)],
        Some(hole) => [line(0, 0, hole), line(hole + 1, hole, range.count - hole)]
            .into_iter()
            .filter(|line| line.count > 0)
            .collect(),
    }
}

/// Every id that the caller can map, as it is.
pub(super) fn every_id(
    kind: IdKind,
    host: &Host,
    own: HostId,
    held: Option<IdMap>,
) -> Result<Vec<IdMap>, Error> {
    if !host.may_map_any_id() {
        let granted = subids::granted(kind, host)?;
        let own = held.is_none().then(|| identity(own.0, 1));
        let granted = granted.iter().map(|range| identity(range.start, range.count));
        return Ok(own.into_iter().chain(granted).collect());
    }
    let map = accounts::read(&format!("/proc/self/{}", kind.map_file()));
    let mut lines = Vec::new();
    for line in map.lines() {
        let mut fields = line.split_whitespace().filter_map(numbers::id_or_all);
        let (Some(start), Some(_), Some(count)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        lines.extend(without(identity(start, count), held));
    }
    Ok(lines)
}

/// A line with the held id cut out of it, inside and outside.
fn without(line: IdMap, held: Option<IdMap>) -> Vec<IdMap> {
    let mut holes: Vec<u32> =
        held.iter().flat_map(|held| [held.inside.0, held.outside.0]).collect();
    holes.sort_unstable();
    holes.dedup();
    let end = line.inside.0.saturating_add(line.count);
    let mut start = line.inside.0;
    let mut pieces = Vec::new();
    for hole in holes.into_iter().filter(|hole| (line.inside.0..end).contains(hole)).chain([end]) {
        if hole > start {
            pieces.push(identity(start, hole - start));
        }
        start = hole.saturating_add(1);
    }
    pieces
}

pub(super) fn explicit(kind: IdKind, text: &str) -> Result<IdMap, Error> {
    let wrong = |why: &str| {
        Error::new(format!("cannot read the {} map {}: {why}", kind.id(), shown(text)))
            .try_this("INSIDE:OUTSIDE:COUNT, auto, subids, all or none")
    };
    let fields: Vec<&str> = text.split(':').collect();
    let [inside, outside, count] = fields[..] else {
        return Err(wrong("it has not three fields"));
    };
    let number = |field: &str| {
        numbers::id(field).ok_or_else(|| wrong(&format!("{field:?} is no number below 4294967295")))
    };
    let (inside, outside, count) = (number(inside)?, number(outside)?, number(count)?);
    if count == 0 {
        return Err(wrong("it maps no id"));
    }
    if inside.checked_add(count).is_none() || outside.checked_add(count).is_none() {
        return Err(wrong("it goes past the largest id"));
    }
    Ok(IdMap { inside: ContainerId(inside), outside: HostId(outside), count })
}

/// The kernel says only EINVAL for these.
pub(super) fn check(kind: IdKind, lines: &[IdMap]) -> Result<(), Error> {
    // 340 lines since Linux 4.15, user_namespaces(7).
    if lines.len() > 340 {
        return Err(Error::new(format!("cannot map {}s: more than 340 lines", kind.id())));
    }
    let overlap = |a: u32, b: u32, a_count: u32, b_count: u32| {
        u64::from(a) < u64::from(b) + u64::from(b_count)
            && u64::from(b) < u64::from(a) + u64::from(a_count)
    };
    for (index, a) in lines.iter().enumerate() {
        for b in &lines[index + 1..] {
            let side = if overlap(a.inside.0, b.inside.0, a.count, b.count) {
                "inside"
            } else if overlap(a.outside.0, b.outside.0, a.count, b.count) {
                "outside"
            } else {
                continue;
            };
            return Err(Error::new(format!(
                "cannot map {}s: \"{a}\" and \"{b}\" overlap {side}",
                kind.id()
            ))
            .try_this("lines of INSIDE:OUTSIDE:COUNT that share no id"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(inside: u32, outside: u32, count: u32) -> IdMap {
        IdMap { inside: ContainerId(inside), outside: HostId(outside), count }
    }

    #[test]
    fn a_range_is_laid_around_the_callers_id() {
        let range = Some(Range { start: 100_000, count: 65536 });
        assert_eq!(stack(range, None), [line(0, 100_000, 65536)]);
        assert_eq!(stack(range, Some(line(0, 1000, 1))), [line(1, 100_000, 65536)]);
        assert_eq!(
            stack(range, Some(line(1000, 1000, 1))),
            [line(0, 100_000, 1000), line(1001, 101_000, 64536)]
        );
    }

    #[test]
    fn all_ids_leave_the_held_one_out() {
        let all = line(0, 0, 4_294_967_295);
        assert_eq!(
            without(all, Some(line(0, 1000, 1))),
            [line(1, 1, 999), line(1001, 1001, 4_294_966_294)]
        );
        assert_eq!(without(all, None), [all]);
    }

    #[test]
    fn maps_that_contradict_themselves_are_refused() {
        for wrong in ["1:2", "a:1:1", "0:0:0", "4294967294:0:2", "0:1:1:1", "-1:0:1"] {
            assert!(explicit(IdKind::User, wrong).is_err(), "{wrong}");
        }
        assert!(check(IdKind::User, &[line(0, 0, 10), line(9, 20, 1)]).is_err());
        assert!(check(IdKind::User, &[line(0, 0, 10), line(10, 9, 1)]).is_err());
        assert!(check(IdKind::User, &[line(0, 0, 10), line(10, 10, 1)]).is_ok());
    }
}
