//! What a container used until its end.

use std::fmt::Write;

/// What its first process used, and all that ended in it: an init waits for them, and so does
/// the kernel when it ends a pid namespace. What was orphaned without a pid namespace of its own
/// is missing.
///
/// getrusage(2)
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Microseconds of the processor, outside of the kernel.
    pub user_us: u64,
    /// Microseconds of the processor, in the kernel.
    pub system_us: u64,
    /// The most memory that one of the processes had at a time, in KiB.
    pub max_rss_kib: u64,
    /// Page faults that needed no reading.
    pub minor_faults: u64,
    /// Page faults that waited for a disk.
    pub major_faults: u64,
    /// How often a process waited for something.
    pub voluntary_switches: u64,
    /// How often a process had to make room for another.
    pub involuntary_switches: u64,
}

impl Usage {
    pub(crate) fn of(usage: &libc::rusage) -> Self {
        let count = |number: libc::c_long| u64::try_from(number).unwrap_or_default();
        let us = |time: libc::timeval| count(time.tv_sec) * 1_000_000 + count(time.tv_usec);
        Usage {
            user_us: us(usage.ru_utime),
            system_us: us(usage.ru_stime),
            max_rss_kib: count(usage.ru_maxrss),
            minor_faults: count(usage.ru_minflt),
            major_faults: count(usage.ru_majflt),
            voluntary_switches: count(usage.ru_nvcsw),
            involuntary_switches: count(usage.ru_nivcsw),
        }
    }

    /// As a JSON object.
    pub(crate) fn json(&self) -> String {
        let fields = [
            ("user_us", self.user_us),
            ("system_us", self.system_us),
            ("max_rss_kib", self.max_rss_kib),
            ("minor_faults", self.minor_faults),
            ("major_faults", self.major_faults),
            ("voluntary_switches", self.voluntary_switches),
            ("involuntary_switches", self.involuntary_switches),
        ];
        let mut text = String::new();
        for (name, number) in fields {
            let comma = if text.is_empty() { '{' } else { ',' };
            let _ = write!(text, "{comma}\"{name}\":{number}");
        }
        text + "}"
    }
}
