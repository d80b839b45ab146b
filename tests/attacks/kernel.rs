//! Files of the kernel's that act on the whole machine, and ways back to dropped rights.

use std::fs;

use super::victim::Victim;
use crate::common::as_each;

/// Each of them has been somebody's way to run a program as the host's root.
const SWITCHES: [&str; 11] = [
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hotplug",
    "/proc/sys/kernel/pid_max",
    "/proc/sys/fs/binfmt_misc/register",
    "/proc/sys/vm/panic_on_oom",
    "/proc/sysrq-trigger",
    "/sys/kernel/uevent_helper",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/power/state",
    "/sys/fs/cgroup/release_agent",
];

#[test]
fn nothing_that_acts_on_the_machine_can_be_written() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let before: Vec<_> = SWITCHES.map(|path| fs::read(path).ok()).into();
        // Without `>`'s own O_CREAT an absent file is told from one that is denied.
        for options in
            [&[][..], &["--overlay"], &["--cap-add", "ALL"], &["--net", "host"], &["--ipc", "host"]]
        {
            for path in SWITCHES {
                let ran = victim
                    .run(options, &format!("[ -e {path} ] || exit 0; exec 3<>{path} && echo open"));
                assert_eq!(ran.stdout, "", "{options:?} {path}: {ran:?}");
            }
        }
        // A read-only mount can be made writable only with a right that is not given.
        let again = "for d in /proc/sys /proc /sys /proc/sysrq-trigger /; do
            mount -o remount,rw,bind $d 2>/dev/null && echo $d; umount $d 2>/dev/null && echo $d; done; true";
        assert_eq!(victim.run(&[], again).success(), "");
        let after: Vec<_> = SWITCHES.map(|path| fs::read(path).ok()).into();
        assert_eq!(before, after);
    });
}

/// A control group's release agent is a program that the host runs.
#[test]
fn cve_2022_0492_cve_2022_0185_no_namespace_inside_gives_the_right_to_mount() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        for flags in ["-U", "-Ur", "-Urm", "-UrmC", "-m", "-C", "-n", "-p"] {
            let ran = victim.command(&[], &["busybox", "unshare", flags, "true"]);
            assert_ne!(ran.code, Some(0), "{flags}: {ran:?}");
        }
        for fstype in ["tmpfs", "proc", "sysfs", "cgroup", "cgroup2", "overlay", "debugfs"] {
            let ran = victim.command(&[], &["mount", "-t", fstype, "none", "/tmp"]);
            assert_ne!(ran.code, Some(0), "{fstype}: {ran:?}");
        }
    });
}

#[test]
fn cve_2023_25809_control_groups_are_read_only() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        for options in [&[][..], &["--net", "host"]] {
            let script = "mkdir /sys/fs/cgroup/x 2>/dev/null && echo made; \
                          for f in /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs; do \
                          [ -e $f ] && { echo 1 >$f; } 2>/dev/null && echo wrote $f; done; true";
            assert_eq!(victim.run(options, script).success(), "", "{options:?}");
        }
    });
}

/// Only sockets with a path can be kept from a container with the host's network.
#[test]
fn cve_2020_15257_there_is_no_abstract_socket() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let shown = victim.run(&["--net", "host"], "grep -c '@.*nsctl' /proc/net/unix; true");
        assert_eq!(shown.success(), "0");
    });
}
