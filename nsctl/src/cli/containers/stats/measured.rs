//! What a container uses, and who counted it: its control group, or we, over its processes.

use std::fs;
use std::time::Instant;

use nix::unistd::{SysconfVar, sysconf};
use nsshim::cgroup::{Group, Version};

use crate::containers::Container;
use crate::error::Error;

/// A number, and the file that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub value: u64,
    pub source: &'static str,
}

/// All that is known.
#[derive(Debug)]
pub struct Measured {
    /// Microseconds of the processors.
    pub cpu_us: Counted,
    /// Bytes in memory.
    pub memory: Counted,
    /// The most at a time.
    pub memory_peak: Option<Counted>,
    pub processes: Counted,
    /// With their threads.
    pub tasks: Counted,
    /// Bytes read from block devices.
    pub read: Option<Counted>,
    /// Bytes written to them.
    pub written: Option<Counted>,
    at: Instant,
}

/// Where the sums over processes come from. proc_pid_stat(5)
const STAT: &str = "/proc/PID/stat";

/// A file of a group: of which version, with which controller, how it is read.
type Source = (Version, &'static str, &'static str, fn(&Group, &str) -> Option<u64>);

const CPU: &[Source] = &[
    // Without the controller cpu, too.
    (Version::V2, "", "cpu.stat", |group, file| group.entry(file, "usage_usec")),
    (Version::V1, "cpuacct", "cpuacct.usage", |group, file| Some(group.number(file)? / 1000)),
];
const MEMORY: &[Source] = &[
    (Version::V2, "", "memory.current", Group::number),
    (Version::V1, "memory", "memory.usage_in_bytes", Group::number),
];
const PEAK: &[Source] = &[
    // Linux 5.19
    (Version::V2, "", "memory.peak", Group::number),
    (Version::V1, "memory", "memory.max_usage_in_bytes", Group::number),
];
const TASKS: &[Source] = &[
    (Version::V2, "", "pids.current", Group::number),
    (Version::V1, "pids", "pids.current", Group::number),
];
const READ: &[Source] = &[(Version::V2, "", "io.stat", |group, file| io(group, file, "rbytes="))];
const WRITTEN: &[Source] =
    &[(Version::V2, "", "io.stat", |group, file| io(group, file, "wbytes="))];

fn counted(groups: &[Group], sources: &[Source]) -> Option<Counted> {
    sources.iter().find_map(|(version, controller, file, read)| {
        let fits = |group: &&Group| {
            group.version == *version && (controller.is_empty() || group.has(controller))
        };
        let value = groups.iter().filter(fits).find_map(|group| read(group, file))?;
        Some(Counted { value, source: file })
    })
}

/// Over all devices: lines of `8:0 rbytes=1 wbytes=2 …`.
fn io(group: &Group, file: &str, key: &str) -> Option<u64> {
    let text = group.read(file).ok()?;
    let words = text.split_whitespace().filter_map(|word| word.strip_prefix(key));
    Some(words.filter_map(|number| number.parse::<u64>().ok()).sum())
}

impl Measured {
    /// # Errors
    /// Its processes cannot be told.
    pub fn of(container: &Container) -> Result<Self, Error> {
        let groups = container.groups();
        let at = Instant::now();
        let pids = container.processes(&container.state)?;
        let own = |value, source| Counted { value, source };
        let listed = if groups.is_empty() { "/proc/PID/ns/pid" } else { "cgroup.procs" };
        let mut measured = Measured {
            cpu_us: own(0, STAT),
            memory: own(0, STAT),
            memory_peak: counted(&groups, PEAK),
            processes: own(pids.len() as u64, listed),
            tasks: own(0, STAT),
            read: counted(&groups, READ),
            written: counted(&groups, WRITTEN),
            at,
        };
        let by_groups = [counted(&groups, CPU), counted(&groups, MEMORY), counted(&groups, TASKS)];
        if by_groups.contains(&None) {
            measured.add_up(&pids);
        }
        let [cpu, memory, tasks] = by_groups;
        measured.cpu_us = cpu.unwrap_or(measured.cpu_us);
        measured.memory = memory.unwrap_or(measured.memory);
        measured.tasks = tasks.unwrap_or(measured.tasks);
        Ok(measured)
    }

    /// Those that live and those they waited for; pages that they share are counted for each.
    fn add_up(&mut self, pids: &[i32]) {
        let (mut ticks, mut pages) = (0, 0);
        for pid in pids {
            let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            // From the third field on: the name may hold anything.
            let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
            let fields: Vec<u64> =
                rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
            let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0);
            ticks += (14..=17).map(field).sum::<u64>();
            self.tasks.value += field(20);
            pages += field(24);
        }
        self.cpu_us.value = ticks * 1_000_000 / constant(SysconfVar::CLK_TCK, 100);
        self.memory.value = pages * constant(SysconfVar::PAGE_SIZE, 4096);
    }

    /// In hundredths of one processor.
    pub fn percent(&self, before: &Measured) -> f64 {
        let used = self.cpu_us.value.saturating_sub(before.cpu_us.value) as f64 / 1e6;
        let time = self.at.saturating_duration_since(before.at).as_secs_f64();
        if time > 0.0 { 100.0 * used / time } else { 0.0 }
    }
}

fn constant(which: SysconfVar, usual: u64) -> u64 {
    sysconf(which).ok().flatten().and_then(|value| u64::try_from(value).ok()).unwrap_or(usual)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A group of version 2 with these files; of version 1 when it has controllers.
    fn group(name: &str, controllers: &[&str], files: &[(&str, &str)]) -> Group {
        let path = std::env::temp_dir().join(format!("nsctl-stats-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        files.iter().for_each(|(file, text)| fs::write(path.join(file), text).unwrap());
        let version = if controllers.is_empty() { Version::V2 } else { Version::V1 };
        let controllers = controllers.iter().map(ToString::to_string).collect();
        Group::at(version, controllers, Path::new(&path)).unwrap()
    }

    #[test]
    fn each_number_is_the_groups_where_the_group_counts_it() {
        let unified = [
            ("cpu.stat", "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\n"),
            ("memory.current", "4096\n"),
            ("memory.peak", "8192\n"),
            ("pids.current", "3\n"),
            (
                "io.stat",
                "8:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n\
              8:16 rbytes=5 wbytes=7 rios=1 wios=1\n",
            ),
        ];
        let groups = [group("v2", &[], &unified)];
        let found = |sources| counted(&groups, sources).map(|one| (one.value, one.source));
        assert_eq!(found(CPU), Some((1500, "cpu.stat")));
        assert_eq!(found(MEMORY), Some((4096, "memory.current")));
        assert_eq!(found(PEAK), Some((8192, "memory.peak")));
        assert_eq!(found(TASKS), Some((3, "pids.current")));
        assert_eq!(found(READ), Some((15, "io.stat")));
        assert_eq!(found(WRITTEN), Some((27, "io.stat")));
        fs::remove_dir_all(groups[0].path()).unwrap();
    }

    #[test]
    fn what_the_unified_hierarchy_lacks_is_taken_from_the_others() {
        let groups = [
            group("hybrid", &[], &[("cpu.stat", "usage_usec 7\n")]),
            group("cpuacct", &["cpu", "cpuacct"], &[("cpuacct.usage", "9000\n")]),
            group("memory", &["memory"], &[("memory.usage_in_bytes", "123\n")]),
        ];
        let found = |sources| counted(&groups, sources).map(|one| (one.value, one.source));
        assert_eq!(found(CPU), Some((7, "cpu.stat")));
        assert_eq!(found(MEMORY), Some((123, "memory.usage_in_bytes")));
        assert_eq!(found(PEAK), None);
        let old = counted(&groups[1..], CPU).map(|one| (one.value, one.source));
        assert_eq!(old, Some((9, "cpuacct.usage")));
        groups.iter().for_each(|group| fs::remove_dir_all(group.path()).unwrap());
    }
}
