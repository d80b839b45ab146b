//! What a machine has or lacks, made inside mount namespaces of the tests' own.

use super::common::{Ran, Who, as_each, nsctl, shell, skip};

/// Root's preparation in a mount and an IPC namespace of its own, then the command as `who`.
fn on_machine(who: Who, prepare: &str, command: &str) -> Option<Ran> {
    if !nix::unistd::geteuid().is_root() {
        skip("root prepares the case, and the tests run as a user");
        return None;
    }
    let become_user = match who {
        Who::Root => String::new(),
        Who::User => {
            format!("setpriv --reuid {} --regid {} --clear-groups ", who.uid(), who.gid())
        }
    };
    let home = who.directory();
    let script = format!(
        "exec unshare -mi --propagation private sh -ec '\n{prepare}\n{command}'",
        command = command.replace("nsctl ", &format!("{become_user}\"$NSCTL\" "))
    );
    assert!(!prepare.contains('\'') && !command.contains('\''));
    Some(shell(Who::Root, &script).env("HOME", &home).env("XDG_RUNTIME_DIR", &home).run())
}

/// A small /dev with `$DEVICES`.
const DEV: &str = "d=$(mktemp -d); mount -t tmpfs -o mode=755 dev $d
    for name in $DEVICES; do cp -a /dev/$name $d; done
    mkdir $d/pts $d/shm $d/mqueue; mount -t devpts -o newinstance,ptmxmode=666 devpts $d/pts
    mount --move $d /dev; rmdir $d";

fn dev(devices: &str) -> String {
    format!("DEVICES=\"{devices}\"\n{DEV}")
}

const ALL: &str = "null zero full random urandom tty";

#[test]
fn the_hosts_ipc_comes_with_its_shared_memory_and_message_queues() {
    as_each(|who| {
        let prepare = dev(ALL)
            + "\nmount -t tmpfs -o mode=1777 shm /dev/shm; mount -t mqueue mqueue /dev/mqueue
            chmod 1777 /dev/mqueue; echo hello > /dev/shm/word; touch /dev/mqueue/queue";
        let see = "run --ipc host sh -c \"cat /dev/shm/word; ls /dev/mqueue; echo back > /dev/shm/other\"";
        let command = format!("nsctl {see}; cat /dev/shm/other\nnsctl run ls /dev/shm /dev/mqueue");
        let Some(ran) = on_machine(who, &prepare, &command) else { return };
        assert_eq!(ran.success(), "hello\nqueue\nback\n/dev/mqueue:\n\n/dev/shm:");
        // A host without them.
        let command = "rmdir /dev/shm /dev/mqueue; nsctl run --ipc host ls /dev/shm /dev/mqueue";
        let Some(ran) = on_machine(who, &dev(ALL), command) else { return };
        assert_eq!(ran.success(), "/dev/mqueue:\n\n/dev/shm:");
    });
}

#[test]
fn a_device_that_the_host_lacks_is_lacking_inside_but_null_must_be() {
    as_each(|who| {
        let see = "nsctl run sh -c \"cd /dev; ls\"";
        let Some(ran) = on_machine(who, &dev("null zero random urandom"), see) else { return };
        assert!(ran.success().starts_with("fd\nmqueue\nnull\nptmx\npts\nrandom\nshm\n"), "{ran:?}");
        let Some(ran) = on_machine(who, &dev("zero full tty"), see) else { return };
        ran.expect_error(125, &["/dev/null"]);
    });
}

#[test]
fn a_sys_that_is_not_mounted_is_read_only_too() {
    as_each(|who| {
        let see =
            "nsctl run --net host sh -c \"ls /sys; grep -c \\\" /sys ro\\\" /proc/self/mountinfo\"";
        let Some(ran) = on_machine(who, "umount -l /sys", see) else { return };
        assert_eq!(ran.success(), "1");
    });
}

#[test]
fn control_groups_are_shown_from_the_containers_own_on() {
    as_each(|who| {
        let prepare = "umount -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup";
        let see =
            "ls /sys/fs/cgroup/cgroup.procs; cut -d\\  -f4,5,6 /proc/self/mountinfo | grep /cgroup";
        for net in ["", "--net host"] {
            let command = format!("nsctl run {net} sh -c \"{see}\"");
            let Some(ran) = on_machine(who, prepare, &command) else { return };
            let lines: Vec<&str> = ran.success().lines().collect();
            assert_eq!(lines[0], "/sys/fs/cgroup/cgroup.procs", "{ran:?}");
            // What it covers is listed before. Over the host's own root the kernel mounts
            // nothing (EBUSY): they are the same, and read-only.
            let last = lines.last().unwrap();
            assert!(last.starts_with("/ /sys/fs/cgroup ro,"), "{ran:?}");
        }
    });
}

/// In a pid namespace where memory may not be executed. Linux 6.3
fn without_executable_memory(who: Who, command: &str) -> Option<Ran> {
    let sysctl = "/proc/sys/vm/memfd_noexec";
    if !std::path::Path::new(sysctl).exists() {
        skip("this kernel has no vm.memfd_noexec");
        return None;
    }
    let home = who.directory();
    let script = home.join("script");
    let become_user = match who {
        Who::Root => String::new(),
        Who::User => {
            format!("setpriv --reuid {} --regid {} --clear-groups ", who.uid(), who.gid())
        }
    };
    std::fs::write(&script, command.replace("nsctl ", &format!("{become_user}\"$NSCTL\" ")))
        .unwrap();
    let inner = format!("echo 2 > {sysctl}; . {}", script.display());
    on_machine(Who::Root, "", &format!("unshare -pf --kill-child --mount-proc sh -ec \"{inner}\""))
}

#[test]
fn nsinit_runs_where_memory_may_not_be_executed() {
    as_each(|who| {
        let see = "nsctl run sh -c 'cat /proc/1/comm; echo $$; exit 3' || echo $?
            nsctl run --seccomp unconfined --share net,uts sh -c 'echo shared'
            nsctl run --privileged sh -c 'echo x > /proc/1/exe' 2> /dev/null || echo kept";
        let Some(ran) = without_executable_memory(who, see) else { return };
        assert_eq!(ran.success(), "nsinit\n2\n3\nshared\nkept");
    });
}

/// Whoever does not own the mount namespace cannot make a mount either.
#[test]
fn memory_that_may_not_be_executed_is_named() {
    let Some(ran) = without_executable_memory(Who::User, "nsctl run --mntns host true") else {
        return;
    };
    ran.expect_error(125, &["EPERM", "vm.memfd_noexec is 2", "--no-init"]);
}

#[test]
fn a_failed_write_of_a_dry_run_is_an_error_of_nsctl() {
    as_each(|who| {
        for form in ["plan", "shell"] {
            let ran =
                shell(who, &format!("\"$NSCTL\" run --dry-run={form} true > /dev/full")).run();
            ran.expect_error(125, &["write(1)", "No space left"]);
        }
        nsctl(who, ["run", "--dry-run", "true"]).run().success();
    });
}
