//! Sets of capabilities in words.

use std::collections::BTreeSet;
use std::fs;

/// Every one that the kernel knows. capabilities(7), /proc/sys/kernel/cap_last_cap
pub fn all() -> u64 {
    let last = fs::read_to_string("/proc/sys/kernel/cap_last_cap").ok();
    match last.and_then(|last| last.trim().parse::<u32>().ok()) {
        Some(last @ 0..63) => (1 << (last + 1)) - 1,
        _ => caps::all().iter().fold(0, |bits, capability| bits | capability.bitmask()),
    }
}

/// Their names in order, without `CAP_`; those that are newer than we by number.
pub fn names(bits: u64) -> Vec<String> {
    let known = caps::all();
    let name = |bit: u32| {
        let capability = known.iter().find(|capability| capability.bitmask() == 1 << bit);
        capability.map_or(bit.to_string(), |capability| {
            capability.to_string().trim_start_matches("CAP_").to_ascii_lowercase()
        })
    };
    let names: BTreeSet<String> = (0..64).filter(|bit| bits & (1 << bit) != 0).map(name).collect();
    names.into_iter().collect()
}

/// `chown,kill`, or `all`, `all but sys_admin`, `none`.
pub fn capabilities(bits: u64) -> String {
    let all = all();
    let missing = names(all & !bits);
    match (bits & all, missing.len()) {
        (0, _) => "none".into(),
        (_, 0) => "all".into(),
        (_, 1..=6) => format!("all but {}", missing.join(",")),
        _ => names(bits).join(","),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_said_shortly() {
        assert_eq!(capabilities(0), "none");
        assert_eq!(capabilities(all()), "all");
        assert_eq!(capabilities(all() & !(1 << 21)), "all but sys_admin");
        assert_eq!(capabilities(3), "chown,dac_override");
        assert_eq!(names(1 << 63), ["63"]);
    }
}
