//! What the workload may do: capabilities, no_new_privs, system calls, kernel files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use super::common::{Who, as_each, have, install, nsctl, program, skip};

/// docker's and podman's default set: chown, dac_override, fowner, fsetid, kill, setgid,
/// setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap.
const DEFAULT: u64 = 0xa804_25fb;
const MKNOD: u64 = 1 << 27;
const NET_ADMIN: u64 = 1 << 12;
const SYS_ADMIN: u64 = 1 << 21;

/// A real root could make a node for any disk of the machine: docker keeps that from it by a
/// device filter, podman and we by the capability.
fn default(who: Who) -> u64 {
    match who {
        Who::Root => DEFAULT & !MKNOD,
        Who::User => DEFAULT,
    }
}

/// What /proc/self/status says of the workload.
#[derive(Debug, PartialEq, Eq)]
struct Rights {
    /// Inheritable, permitted, effective, bounding, ambient.
    sets: [u64; 5],
    no_new_privs: bool,
    seccomp: bool,
}

fn rights(who: Who, options: &[&str]) -> Rights {
    let read = ["grep", "-E", "^(Cap|NoNewPrivs:|Seccomp:)", "/proc/self/status"];
    let ran = nsctl(who, ["run"].iter().chain(options).chain(&read)).run();
    let field = |name: &str| {
        let line = ran.success().lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim_start_matches(':').trim()
    };
    let set = |name: &str| u64::from_str_radix(field(name), 16).unwrap();
    Rights {
        sets: ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(set),
        no_new_privs: field("NoNewPrivs") == "1",
        seccomp: field("Seccomp") == "2",
    }
}

/// The set that root of a container has, in the five places.
fn root(set: u64) -> Rights {
    // CVE-2022-24769: the inheritable set is empty, and so is the ambient one.
    Rights { sets: [0, set, set, set, 0], no_new_privs: true, seccomp: true }
}

/// Not root: nothing but the bound for what a set-user-ID program could get.
fn user(bounding: u64) -> Rights {
    Rights { sets: [0, 0, 0, bounding, 0], no_new_privs: true, seccomp: true }
}

/// All that the caller can give: a real root may lack some itself.
fn all(who: Who) -> u64 {
    let last = fs::read_to_string("/proc/sys/kernel/cap_last_cap").unwrap();
    let all = (2 << last.trim().parse::<u32>().unwrap()) - 1;
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let bound = status.lines().find_map(|line| line.strip_prefix("CapBnd:")).unwrap();
    match who {
        Who::Root => all & u64::from_str_radix(bound.trim(), 16).unwrap(),
        // In its own user namespace it has them all.
        Who::User => all,
    }
}

#[test]
fn the_default_is_dockers_set_and_nothing_else() {
    as_each(|who| assert_eq!(rights(who, &[]), root(default(who))));
}

#[test]
fn another_user_has_no_capability() {
    as_each(|who| {
        let options: &[&[&str]] = match who {
            Who::Root => &[&["--user", "12345:12345"], &["--user", "12345", "--userns", "host"]],
            Who::User => &[&["--keep-id"]],
        };
        for options in options {
            assert_eq!(rights(who, options), user(default(who)), "{options:?}");
        }
    });
    if Who::User.name().is_some() && have("newuidmap") {
        assert_eq!(rights(Who::User, &["--map-auto", "--user", "5:5"]), user(DEFAULT));
    }
}

#[test]
fn capabilities_are_added_and_dropped_by_name() {
    as_each(|who| {
        let set = default(who);
        let rows: [(&[&str], u64); 7] = [
            (&["--cap-add", "NET_ADMIN"], set | NET_ADMIN),
            (&["--cap-add", "cap_net_admin,CAP_SYS_ADMIN"], set | NET_ADMIN | SYS_ADMIN),
            (&["--cap-drop", "kill"], set & !(1 << 5)),
            (&["--cap-drop", "CAP_KILL", "--cap-add", "NET_ADMIN"], set & !(1 << 5) | NET_ADMIN),
            (&["--cap-drop", "ALL"], 0),
            (&["--cap-drop", "all", "--cap-add", "chown"], 1),
            (&["--cap-add", "ALL", "--cap-drop", "CHOWN"], all(who) & !1),
        ];
        for (options, set) in rows {
            assert_eq!(rights(who, options), root(set), "{options:?}");
        }
    });
}

/// docker gives a user that is not root no capability; who asks for some gets them, in all sets.
#[test]
fn ambient_capabilities_are_there_for_a_user_that_is_not_root_when_asked_for() {
    const BIND: u64 = 1 << 10;
    as_each(|who| {
        let user: &[&str] = match who {
            Who::Root => &["--user", "12345:12345"],
            Who::User => &["--keep-id"],
        };
        for more in [&[][..], &["--allow-new-privileges"], &["--no-init"]] {
            let options = [user, more, &["--cap-ambient", "net_bind_service"]].concat();
            let sets = [BIND, BIND, BIND, default(who), BIND];
            assert_eq!(rights(who, &options).sets, sets, "{options:?}");
        }
        let both = ["--cap-add", "NET_ADMIN", "--cap-ambient", "NET_ADMIN,NET_BIND_SERVICE"];
        let set = BIND | NET_ADMIN;
        let sets = [set, set, set, default(who) | NET_ADMIN, set];
        assert_eq!(rights(who, &[user, &both[..]].concat()).sets, sets);
        // Root has them anyhow; what is ambient is inherited as well.
        let set = default(who);
        assert_eq!(rights(who, &["--cap-ambient", "kill"]).sets, [1 << 5, set, set, set, 1 << 5]);
        let refused = nsctl(who, ["run", "--cap-ambient", "SYS_ADMIN", "true"]).run();
        refused.expect_error(125, &["CAP_SYS_ADMIN cannot be ambient", "--cap-add CAP_SYS_ADMIN"]);
    });
}

#[test]
fn an_ambient_capability_works_in_what_the_user_executes() {
    if !have("python3") {
        return;
    }
    let bind = "import socket; socket.socket().bind(('127.0.0.1', 80)); print('bound')";
    as_each(|who| {
        let user: &[&str] = match who {
            Who::Root => &["--user", "12345:12345"],
            Who::User => &["--keep-id"],
        };
        let run = |options: &[&str]| {
            nsctl(
                who,
                [&["run"], user, options, &["sh", "-c", "exec python3 -c \"$0\"", bind]].concat(),
            )
            .run()
        };
        // Ports are free for all in some networks' settings, so only with the right is sure.
        assert_eq!(run(&["--cap-ambient", "NET_BIND_SERVICE"]).success(), "bound");
    });
}

#[test]
fn privileged_has_all_and_no_filter() {
    as_each(|who| {
        let expected = Rights { no_new_privs: false, seccomp: false, ..root(all(who)) };
        assert_eq!(rights(who, &["--privileged"]), expected);
    });
}

#[test]
fn each_part_of_the_defence_is_opened_by_its_own_name() {
    as_each(|who| {
        let open = Rights { no_new_privs: false, ..root(default(who)) };
        assert_eq!(rights(who, &["--allow-new-privileges"]), open);
        let open = Rights { seccomp: false, ..root(default(who)) };
        assert_eq!(rights(who, &["--seccomp", "unconfined"]), open);
        let closed = Rights { no_new_privs: false, ..root(all(who)) };
        assert_eq!(rights(who, &["--privileged", "--seccomp", "default"]), closed);
    });
}

#[test]
fn without_an_init_the_rights_are_the_same() {
    as_each(|who| assert_eq!(rights(who, &["--no-init"]), root(default(who))));
}

#[test]
fn a_real_root_makes_no_device_node_unless_it_is_let() {
    if !nix::unistd::geteuid().is_root() {
        return skip("as a user mknod(2) of a device never works");
    }
    let make = "mknod /dev/shm/null c 1 3";
    let ran = nsctl(Who::Root, ["run", "sh", "-c", make]).run();
    ran.expect_error(1, &["Operation not permitted"]);
    nsctl(Who::Root, ["run", "--cap-add", "MKNOD", "sh", "-c", make]).run().expect_code(0);
    let mapped = rights(Who::Root, &["--userns", "new"]);
    assert_eq!(mapped, root(DEFAULT), "nodes made in a user namespace open nothing");
}

#[test]
fn cve_2022_24769_nothing_is_inherited_from_the_callers_sets() {
    if !nix::unistd::geteuid().is_root() || !have("setpriv") {
        return skip("only root has a capability to inherit");
    }
    let mut command = Command::new("setpriv");
    command.args(["--inh-caps", "+net_raw,+chown", "--ambient-caps", "+net_raw,+chown"]);
    command.arg(program()).args(["run", "grep", "-E", "^Cap(Inh|Amb)", "/proc/self/status"]);
    let ran = nsctl(Who::Root, [""; 0]).started_by(Who::Root, command).run();
    let zero = "0".repeat(16);
    assert_eq!(ran.success(), format!("CapInh:\t{zero}\nCapAmb:\t{zero}"));
}

/// A copy of id(1) that runs as its owner, root.
fn setuid_id() -> Option<std::path::PathBuf> {
    if !nix::unistd::geteuid().is_root() {
        skip("only root can make a set-user-ID root program");
        return None;
    }
    let path = Who::Root.directory().join("id");
    install("/usr/bin/id", &path, 0o4755);
    let nosuid = nix::sys::statvfs::statvfs(&path)
        .is_ok_and(|found| found.flags().contains(nix::sys::statvfs::FsFlags::ST_NOSUID));
    if nosuid {
        skip("the directory of the tests is on a nosuid mount");
        return None;
    }
    Some(path)
}

#[test]
fn a_set_user_id_program_gets_its_rights_only_when_allowed() {
    let Some(id) = setuid_id() else { return };
    let id = id.to_str().unwrap();
    let run = |who, options: &[&str]| {
        let ran = nsctl(who, ["run"].iter().chain(options).chain(&[id, "-u"])).run();
        ran.success().to_string()
    };
    let user = ["--user", "12345:12345"];
    assert_eq!(run(Who::Root, &user), "12345");
    assert_eq!(run(Who::Root, &["--user", "12345:12345", "--allow-new-privileges"]), "0");
    // It is not root's where root is not mapped: the user stays itself.
    let uid = Who::User.uid().to_string();
    assert_eq!(run(Who::User, &["--keep-id", "--allow-new-privileges"]), uid);
}

#[test]
fn su_works_for_root_where_new_privileges_are_allowed() {
    if !nix::unistd::geteuid().is_root() || !have("su") {
        return skip("only root may become anybody without a password");
    }
    let Some(name) = Who::User.name() else { return skip("the user has no name") };
    let su = ["run", "--allow-new-privileges", "su", "-s", "/bin/sh", "-c", "id -u", &name];
    assert_eq!(nsctl(Who::Root, su).run().success(), Who::User.uid().to_string());
}

/// What the kernel or a filter answers to a call with these numbers: 0 or an errno.
fn call(who: Who, options: &[&str], number: libc::c_long, arguments: &str) -> i32 {
    let script = format!("print syscall({number}{arguments}) < 0 ? $! + 0 : 0");
    let perl = ["perl", "-e", &script];
    nsctl(who, ["run"].iter().chain(options).chain(&perl)).run().success().parse().unwrap()
}

#[test]
fn the_default_filter_denies_what_acts_on_the_kernel() {
    if !have("perl") {
        return;
    }
    as_each(|who| {
        // The arguments are such that the kernel itself would say something else.
        let denied: &[(&str, libc::c_long, &str, i32)] = &[
            ("mount", libc::SYS_mount, ", 0, 0, 0, 0, 0", libc::EPERM),
            ("umount2", libc::SYS_umount2, ", 0, 0", libc::EPERM),
            ("unshare", libc::SYS_unshare, ", 0x10000000", libc::EPERM),
            ("setns", libc::SYS_setns, ", -1, 0", libc::EPERM),
            ("clone3", libc::SYS_clone3, ", 0, 0", libc::ENOSYS),
            ("keyctl", libc::SYS_keyctl, ", 0, -3, 0", libc::EPERM),
            ("add_key", libc::SYS_add_key, ", 0, 0, 0, 0, -3", libc::EPERM),
            ("bpf", libc::SYS_bpf, ", 999, 0, 0", libc::EPERM),
            ("userfaultfd", libc::SYS_userfaultfd, ", -1", libc::EPERM),
            ("open_by_handle_at", libc::SYS_open_by_handle_at, ", -1, 0, 0", libc::EPERM),
            ("perf_event_open", libc::SYS_perf_event_open, ", 0, 0, 0, -1, 0", libc::EPERM),
            ("io_uring_setup", libc::SYS_io_uring_setup, ", 0, 0", libc::EPERM),
            ("fsopen", libc::SYS_fsopen, ", 0, -1", libc::EPERM),
            ("move_mount", libc::SYS_move_mount, ", -1, 0, -1, 0, -1", libc::EPERM),
        ];
        for (name, number, arguments, errno) in denied {
            assert_eq!(call(who, &[], *number, arguments), *errno, "{name}");
        }
        // PTRACE_TRACEME
        assert_eq!(call(who, &[], libc::SYS_ptrace, ", 0, 0, 0, 0"), 0);
        // Where the kernel answers: no such address, no such descriptor.
        for options in [&["--cap-add", "SYS_ADMIN"][..], &["--seccomp", "unconfined"]] {
            assert_eq!(call(who, options, libc::SYS_mount, ", 0, 0, 0, 0, 0"), libc::EFAULT);
            assert_eq!(call(who, options, libc::SYS_setns, ", -1, 0"), libc::EBADF);
        }
    });
}

#[test]
fn mounting_needs_the_capability_that_opens_the_filter_too() {
    as_each(|who| {
        let mount = "mount -t tmpfs none /mnt";
        let denied = nsctl(who, ["run", "sh", "-c", mount]).run();
        assert_ne!(denied.code, Some(0), "{denied:?}");
        let script = format!("{mount} && echo x > /mnt/x && unshare -m cat /mnt/x && umount /mnt");
        let ran = nsctl(who, ["run", "--cap-add", "SYS_ADMIN", "sh", "-c", &script]).run();
        assert_eq!(ran.success(), "x");
        // The filter alone does not give the right.
        let ran = nsctl(who, ["run", "--seccomp", "unconfined", "sh", "-c", mount]).run();
        assert_ne!(ran.code, Some(0), "{ran:?}");
    });
}

#[test]
fn cve_2022_0492_no_namespace_inside_gives_cgroups_to_mount() {
    as_each(|who| {
        for options in ["-Ur", "-UrmC", "-m", "-C"] {
            let script = format!("unshare {options} true 2>/dev/null; echo $?");
            assert_eq!(nsctl(who, ["run", "sh", "-c", &script]).run().success(), "1", "{options}");
        }
        let script = "mkdir -p /dev/shm/c; mount -t cgroup none /dev/shm/c -o memory 2>/dev/null; \
                      mount -t cgroup2 none /dev/shm/c 2>/dev/null; ls -A /dev/shm/c";
        assert_eq!(nsctl(who, ["run", "sh", "-c", script]).run().success(), "");
    });
}

#[test]
fn cve_2019_5736_no_file_of_the_hosts_is_behind_the_init() {
    as_each(|who| {
        // Without the capability not even the link can be read.
        let closed = nsctl(who, ["run", "readlink", "/proc/1/exe"]).run();
        closed.expect_code(1);
        let mut ran = nsctl(who, ["run", "--cap-add", "SYS_PTRACE", "sh", "-c"]);
        let program = Path::new(ran.command.get_program()).to_path_buf();
        let before = fs::read(&program).unwrap();
        ran.command.arg(
            "readlink /proc/1/exe; (echo evil > /proc/1/exe) 2>/dev/null && echo written; \
             (echo evil >> /proc/1/exe) 2>/dev/null && echo written; \
             exec 3</proc/1/exe; (echo evil > /proc/self/fd/3) 2>/dev/null && echo written; \
             chmod 777 /proc/1/exe 2>/dev/null; truncate -s 0 /proc/1/exe 2>/dev/null; echo end",
        );
        let ran = ran.run();
        let shown = ran.success();
        assert!(!shown.contains("written") && shown.ends_with("end"), "{ran:?}");
        assert!(!shown.contains("nsctl"), "the host's program is behind PID 1: {ran:?}");
        assert_eq!(fs::read(&program).unwrap(), before);

        // A workload that is the init once more.
        let script = who.directory().join("script");
        fs::write(&script, "#!/proc/self/exe\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        if nix::unistd::geteuid().is_root() {
            chown(&script, Some(who.uid()), Some(who.gid())).unwrap();
        }
        nsctl(who, ["run", script.to_str().unwrap()]).run();
        assert_eq!(fs::read(&program).unwrap(), before);
    });
}

#[test]
fn what_tells_about_the_whole_machine_is_hidden() {
    as_each(|who| {
        let masked = "/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys \
                      /proc/latency_stats /proc/sched_debug /proc/scsi /proc/timer_list \
                      /proc/timer_stats /sys/firmware";
        let script = format!(
            "for path in {masked}; do \
               if [ -d $path ]; then ls -A $path; \
               elif [ -e $path ]; then head -c 100 $path; fi; \
             done; echo end"
        );
        assert_eq!(nsctl(who, ["run", "sh", "-c", &script]).run().success(), "end");
    });
}

#[test]
fn kernel_files_cannot_be_written() {
    as_each(|who| {
        let script = "for path in /proc/sys/kernel/hostname /proc/sys/kernel/core_pattern \
               /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/irq/default_smp_affinity \
               /proc/fs /proc/bus /proc/sys /sys/kernel /sys/fs/cgroup /sys/power/state \
               /sys/kernel/uevent_helper; do \
                 [ ! -e $path ] || [ ! -w $path ] || echo $path; \
             done; echo end";
        assert_eq!(nsctl(who, ["run", "sh", "-c", script]).run().success(), "end");
        // Not by other ways either.
        let script = "mount -o remount,rw /proc/sys 2>/dev/null && echo remounted; \
                      umount /proc/sys 2>/dev/null && echo unmounted; \
                      (echo x > /proc/sys/kernel/domainname) 2>/dev/null && echo written; echo end";
        assert_eq!(nsctl(who, ["run", "sh", "-c", script]).run().success(), "end");
        let shared = ["run", "--net", "host", "sh", "-c", "[ ! -w /sys/kernel ] && echo read-only"];
        assert_eq!(nsctl(who, shared).run().success(), "read-only");
    });
}

#[test]
fn privileged_opens_the_kernel_files() {
    as_each(|who| {
        let script = "grep -c ' /proc/sys .* proc ' /proc/self/mountinfo; [ -r /proc/interrupts ] \
                      && grep -q CPU /proc/interrupts && echo seen";
        let ran = nsctl(who, ["run", "--privileged", "sh", "-c", script]).run();
        assert_eq!(ran.stdout, "0\nseen\n", "{ran:?}");
    });
}

#[test]
fn devices_of_the_machine_are_not_there() {
    as_each(|who| {
        let ran = nsctl(who, ["run", "sh", "-c", "ls /dev"]).run();
        let shown: Vec<&str> = ran.success().lines().collect();
        let expected = [
            "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin",
            "stdout", "tty", "urandom", "zero",
        ];
        assert_eq!(shown, expected);
    });
}

/// PID 1 has a channel to the shim. A workload that took it over could report a pid of the
/// host's as its own.
#[test]
fn the_workload_cannot_trace_the_init_or_take_its_descriptors() {
    if !have("python3") {
        return;
    }
    let script = "
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE = 0x4206
print(libc.ptrace(PTRACE_SEIZE, 1, 0, 0), os.strerror(ctypes.get_errno()))
pidfd = libc.syscall(434, 1, 0)
print(libc.syscall(438, pidfd, 3, 0), os.strerror(ctypes.get_errno()))
";
    as_each(|who| {
        let ran = nsctl(who, ["run", "python3", "-c", script]).run();
        let denied = "-1 Operation not permitted\n-1 Operation not permitted";
        assert_eq!(ran.success(), denied);
    });
}
