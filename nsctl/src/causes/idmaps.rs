//! Why ids cannot be mapped: the grants, the parent's own map.
//!
//! Whether the helpers can work is looked at before they are needed; see `resolve`.

use nsshim::Failure;
use nsshim::spec::IdKind;

use super::namespaces::{covers, mapped};
use super::{Cause, Scene};
use crate::error::Finding;
use crate::resolve::subids;

pub const CAUSES: &[Cause] = &[
    Cause { name: "idmap-range-not-granted", explains: is_helper, look: range_not_granted },
    Cause {
        name: "idmap-range-not-here",
        explains: |failure| failure.call.starts_with("write(") && failure.call.contains("id_map\""),
        look: range_not_here,
    },
];

fn kind_of(failure: &Failure) -> Option<IdKind> {
    [IdKind::User, IdKind::Group].into_iter().find(|kind| {
        failure.call.starts_with(kind.helper()) || failure.call.contains(kind.map_file())
    })
}

fn is_helper(failure: &Failure) -> bool {
    let word = failure.call.split(' ').next().unwrap_or_default();
    word == "newuidmap" || word == "newgidmap"
}

/// The triples of numbers after the pid: inside, outside, count.
fn asked_ranges(call: &str) -> Vec<(u32, u32)> {
    let numbers: Vec<u32> = call.split(' ').skip(2).filter_map(|word| word.parse().ok()).collect();
    numbers.chunks_exact(3).map(|line| (line[1], line[2])).collect()
}

fn range_not_granted(scene: &Scene<'_>) -> Option<Finding> {
    let kind = kind_of(scene.failure)?;
    let host = &scene.asked.host;
    let own = match kind {
        IdKind::User => host.uid.0,
        IdKind::Group => host.gid.0,
    };
    let file = kind.grants_file();
    let (account, granted) = subids::known(kind, host.uid.0);
    let fits = |first: u32, count: u32| {
        (first == own && count == 1)
            || granted.iter().any(|range| {
                first >= range.start
                    && u64::from(first) + u64::from(count)
                        <= u64::from(range.start) + u64::from(range.count)
            })
    };
    let (first, count) = asked_ranges(&scene.failure.call)
        .into_iter()
        .find(|&(first, count)| !fits(first, count))?;
    let id = kind.id();
    let last = u64::from(first) + u64::from(count) - 1;
    let what = match count {
        1 => format!("{id} {first} is"),
        _ => format!("{id}s {first} to {last} ({count}) are"),
    };
    Some(match &granted[..] {
        [] => Finding::new(format!("{file} has no entry for {account} (uid {})", host.uid.0))
            .try_this(subids::line_to_add(kind, &account)),
        _ => {
            let ranges: Vec<String> = granted
                .iter()
                .map(|range| {
                    let last = u64::from(range.start) + u64::from(range.count) - 1;
                    format!("{} to {last} ({})", range.start, range.count)
                })
                .collect();
            let ranges = ranges.join(", ");
            Finding::new(format!(
                "{what} not granted to {account}; granted by {file}: {ranges}, and the own {id} \
                 {own}"
            ))
            .try_this("a range within those")
        }
    })
}

/// A user namespace can map only ids that its parent has.
fn range_not_here(scene: &Scene<'_>) -> Option<Finding> {
    let kind = kind_of(scene.failure)?;
    let text = scene.machine.read(&format!("/proc/self/{}", kind.map_file()))?;
    let have = mapped(&text);
    // In the call the text of the map is quoted: "0 5000 10\n1 6000 1\n".
    let (_, quoted) = scene.failure.call.rsplit_once(", \"")?;
    let lines = quoted.trim_end_matches("\")").split("\\n");
    let asked = lines.filter_map(|line| {
        let fields: Vec<u32> = line.split(' ').filter_map(|field| field.parse().ok()).collect();
        match fields[..] {
            [_, outside, count] if count > 0 => Some((outside, outside + (count - 1))),
            _ => None,
        }
    });
    let (first, last) =
        asked.into_iter().find(|&(first, last)| !(covers(&have, first) && covers(&have, last)))?;
    let id = kind.id();
    let have: Vec<String> = have
        .iter()
        .map(|&(first, count)| format!("{first} to {}", u64::from(first) + u64::from(count) - 1))
        .collect();
    let have = if have.is_empty() { "none".into() } else { have.join(", ") };
    Some(
        Finding::new(format!(
            "{id}s {first} to {last} do not all exist in the user namespace that nsctl runs in; \
             /proc/self/{} has {have}",
            kind.map_file()
        ))
        .try_this(format!("a map to {id}s that exist here, or start nsctl further out")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_are_read_from_the_helpers_words() {
        let call = "newuidmap 4711 0 1000 1 1 100000 65536";
        assert_eq!(asked_ranges(call), [(1000, 1), (100_000, 65536)]);
    }
}
