//! What of the kernel's files a container does not see, or may not write to. Tables and no more:
//! the benchmark asks other programs for the same.

/// Files hidden as docker hides them: they tell about, or act on, the whole machine.
pub const MASKED_FILES: [&str; 7] = [
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/timer_list",
    "/proc/timer_stats",
];

/// Directories hidden likewise. A table of their own, because finding out by a
/// failed bind costs 70 µs each: the kernel waits for an RCU grace period.
pub const MASKED_DIRECTORIES: [&str; 5] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/scsi",
    // Power readings tell what others compute (CVE-2020-8694).
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// Read-only as in docker. A real root would otherwise set the host's sysctls.
pub const READ_ONLY: [&str; 5] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
