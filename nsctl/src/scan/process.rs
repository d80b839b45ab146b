//! What namespaces alone do not tell about one process: mounts, rights, clocks, root.

use std::collections::BTreeSet;
use std::fs;

use super::{Facts, capabilities};

/// What there is to compare, each as lines of a set.
#[derive(Debug, Default)]
pub struct Sight {
    /// Mount points with their file systems.
    pub mounts: BTreeSet<String>,
    /// Network interfaces.
    pub interfaces: BTreeSet<String>,
    /// Network addresses.
    pub addresses: BTreeSet<String>,
    /// Lines of uid_map and gid_map.
    pub maps: BTreeSet<String>,
    /// Capability sets and the like.
    pub rights: BTreeSet<String>,
    /// Clock offsets.
    pub clocks: BTreeSet<String>,
    /// Cgroup paths.
    pub cgroups: BTreeSet<String>,
    /// The root directory.
    pub root: BTreeSet<String>,
}

impl Sight {
    /// Reads what may be read.
    pub fn of(facts: &Facts, pid: i32) -> Sight {
        let text = |file: &str| facts.whole_text(pid, file).unwrap_or_default();
        let map = |file: &str, kind: &str| {
            facts.id_map(pid, file).map(|map| format!("{kind} {map}")).into_iter()
        };
        let root = fs::read_link(format!("/proc/{pid}/root"));
        let link = |path: std::path::PathBuf| path.display().to_string();
        Sight {
            mounts: text("mountinfo").lines().filter_map(mount).collect(),
            interfaces: text("net/dev").lines().filter_map(interface).collect(),
            addresses: addresses(&text("net/fib_trie"), &text("net/if_inet6")),
            maps: map("uid_map", "users").chain(map("gid_map", "groups")).collect(),
            rights: text("status").lines().filter_map(right).collect(),
            clocks: text("timens_offsets").lines().map(blanks).collect(),
            cgroups: text("cgroup").lines().map(String::from).collect(),
            root: root.into_iter().map(link).collect(),
        }
    }
}

/// The addresses of the network that a process is in, those of loopback interfaces left out.
pub fn network_addresses(facts: &Facts, pid: i32) -> Vec<String> {
    let text = |file: &str| facts.whole_text(pid, file).unwrap_or_default();
    without_loopback(&addresses(&text("net/fib_trie"), &text("net/if_inet6")))
}

/// Those by which others can be reached.
pub fn without_loopback(all: &BTreeSet<String>) -> Vec<String> {
    let is_loopback =
        |text: &&String| text.parse::<std::net::IpAddr>().is_ok_and(|one| one.is_loopback());
    all.iter().filter(|address| !is_loopback(address)).cloned().collect()
}

fn blanks(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `/proc proc rw,nosuid`
fn mount(line: &str) -> Option<String> {
    let (front, back) = line.split_once(" - ")?;
    let front: Vec<&str> = front.split(' ').collect();
    let back: Vec<&str> = back.split(' ').collect();
    Some(format!("{} {} {} {}", front.get(4)?, back.first()?, back.get(1)?, front.get(5)?))
}

pub(super) fn interface(line: &str) -> Option<String> {
    let (name, counters) = line.split_once(':')?;
    // The titles have bars.
    (!counters.contains('|')).then(|| name.trim().to_string())
}

pub(super) fn addresses(trie: &str, inet6: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut last = "";
    for line in trie.lines() {
        if let Some(address) = line.trim_start().strip_prefix("|-- ") {
            last = address;
        } else if line.contains("/32 host LOCAL") {
            found.insert(last.to_string());
        }
    }
    for line in inet6.lines() {
        let Some(hex) = line.get(..32) else { continue };
        let Ok(bits) = u128::from_str_radix(hex, 16) else { continue };
        found.insert(std::net::Ipv6Addr::from(bits).to_string());
    }
    found
}

/// The lines of proc_pid_status(5) that say what a process may do.
fn right(line: &str) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    let value = value.trim();
    let named = ["CapEff", "CapBnd", "CapAmb"].contains(&name);
    match name {
        _ if named => {
            Some(format!("{name} {}", capabilities(u64::from_str_radix(value, 16).ok()?)))
        }
        "NoNewPrivs" | "Seccomp" => Some(format!("{name} {value}")),
        "Uid" | "Gid" | "Groups" => Some(format!("{name} {}", blanks(value))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_proc_are_understood() {
        let line = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        assert_eq!(mount(line).as_deref(), Some("/mnt2 ext3 /dev/root rw,noatime"));
        assert_eq!(interface("    lo:  1 2 3").as_deref(), Some("lo"));
        assert_eq!(interface(" face |bytes    packets: errs|"), None);
        let trie = "  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.1\n        /32 host LOCAL\n";
        let inet6 = "00000000000000000000000000000001 01 80 10 80       lo\n";
        assert_eq!(addresses(trie, inet6).into_iter().collect::<Vec<_>>(), ["127.0.0.1", "::1"]);
        assert_eq!(
            right("CapEff:\t0000000000000003").as_deref(),
            Some("CapEff chown,dac_override")
        );
        assert_eq!(right("CapEff:\t0000000000000000").as_deref(), Some("CapEff none"));
        assert_eq!(right("Name:\tx"), None);
    }
}
