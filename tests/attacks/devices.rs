//! Devices and set-user-ID programs that a root brings along, or that are made inside.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::victim::Victim;
use crate::common::{Who, as_each, skip};

/// There is no device filter of control groups here, so no node may work that was made inside.
#[test]
fn a_device_made_inside_does_not_open() {
    if !nix::unistd::geteuid().is_root() {
        return skip("as root: nobody else can make devices");
    }
    let Some(victim) = Victim::new(Who::Root) else { return };
    let volume = Who::Root.directory();
    let volume = format!("{}:/volume", volume.display());
    for options in [
        &["--cap-add", "MKNOD"][..],
        &["--cap-add", "MKNOD", "--overlay"],
        // With stand-ins for directories.
        &["--cap-add", "MKNOD", "--tmpfs", "/missing/a", "-v", &volume, "--symlink", "/etc/x=y"],
        &["--cap-add", "MKNOD", "--cap-add", "SYS_ADMIN", "--tmpfs", "/missing/a"],
    ] {
        // A zero device of one's own, in all directories that take one.
        let script = "for d in / /bin /etc /tmp /dev /dev/shm /missing /missing/a /volume; do
            busybox mknod $d/node c 1 5 2>/dev/null && head -c 1 $d/node >/dev/null 2>&1 && echo works in $d
            rm -f $d/node; done; head -c 1 /dev/zero | wc -c";
        let ran = victim.run(options, script);
        assert_eq!(ran.stdout, "1\n", "{options:?}: {ran:?}");
    }
}

#[test]
fn a_device_of_the_root_does_not_open() {
    if !nix::unistd::geteuid().is_root() {
        return skip("as root: nobody else can make devices");
    }
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let node = victim.at("zero");
        let kind = nix::sys::stat::SFlag::S_IFCHR;
        let mode = nix::sys::stat::Mode::from_bits_truncate(0o666);
        nix::sys::stat::mknod(&node, kind, mode, nix::sys::stat::makedev(1, 5)).unwrap();
        fs::set_permissions(&node, fs::Permissions::from_mode(0o666)).unwrap();
        for options in [&[][..], &["--overlay"], &["--read-only"], &["--tmpfs", "/missing"]] {
            let ran = victim.run(options, "head -c 1 /zero");
            assert!(ran.stderr.contains("Permission denied"), "{options:?}: {ran:?}");
        }
    });
}

#[test]
fn a_set_user_id_program_of_the_root_gives_nothing() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let options: &[&str] = match who {
            Who::Root => &["--user", "1000:1000"],
            // Another id inside needs a range.
            Who::User if who.name().is_none() => {
                return skip("a user with subordinate ids is needed");
            }
            Who::User => &["--map-auto", "--user", "1000:1000"],
        };
        let program = victim.at("bin/busybox");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o6755)).unwrap();
        let ran = victim.run(options, "id -u; id -g");
        assert_eq!(ran.success(), "1000\n1000", "{who:?}");
        let ran = victim.run(options, "grep -E 'CapEff|NoNewPrivs' /proc/self/status");
        assert_eq!(ran.success(), "CapEff:\t0000000000000000\nNoNewPrivs:\t1", "{who:?}");
    });
}
