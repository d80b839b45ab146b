//! The default policy: docker's, so that what runs there runs here.
//!
//! The content is that of `seccomp/default.json` in github.com/moby/profiles, as it was after
//! AF_ALG (CVE-2026-31431), other unused socket families and keyrings had been taken out. It
//! differs in three points:
//! - Numbers we have no name for get `ENOSYS`, not `EPERM`: they are newer than this file, and a
//!   libc falls back to an older call on `ENOSYS` only. (runc does so too.)
//! - `ioctl` of `TIOCSTI` and `TIOCLINUX` gets `EPERM`.
//! - x32 calls get `ENOSYS`.
//!
//! `socketcall`, through which a 32-bit program can open a socket of any family, stays allowed as
//! it does with docker, which denied it for some days and broke 32-bit programs
//! (moby/moby#52547): the family is behind a pointer, which no filter can follow.

#![forbid(unsafe_code)]

use super::arch::Arch;
use super::policy::{Call, Condition, Policy, Rule, Table};
use seccompiler::SeccompAction::{self, Allow};
use seccompiler::SeccompCmpArgLen::{self, Dword};
use seccompiler::SeccompCmpOp;
use std::collections::HashSet;

const NOT_PERMITTED: SeccompAction = SeccompAction::Errno(libc::EPERM as u32);
const NOT_IMPLEMENTED: SeccompAction = SeccompAction::Errno(libc::ENOSYS as u32);

/// Allowed whatever the capabilities: what is called for, and the calls.
///
/// A name means nothing on an architecture that has no such call.
const ALLOWED: &[(&str, &str)] = &[
    ("programs", "execve execveat exit exit_group fork vfork wait4 waitid waitpid"),
    (
        "processes and threads",
        "arch_prctl capget capset get_robust_list get_thread_area getcpu getpgid getpgrp getpid \
         getppid getsid gettid kill membarrier modify_ldt pidfd_open pidfd_send_signal prctl \
         process_mrelease rseq seccomp set_robust_list set_thread_area set_tid_address setpgid \
         setsid tgkill tkill uretprobe",
    ),
    // Harmless since Linux 4.8: before that, a tracer could change a call after the filter.
    ("tracing one's own", "process_vm_readv process_vm_writev ptrace"),
    (
        "users and groups",
        "getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid \
         getresgid32 getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid \
         setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid \
         setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32",
    ),
    (
        "scheduling and limits",
        "getpriority getrlimit getrusage ioprio_get ioprio_set prlimit64 sched_get_priority_max \
         sched_get_priority_min sched_getaffinity sched_getattr sched_getparam \
         sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 \
         sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield \
         setpriority setrlimit ugetrlimit",
    ),
    (
        "memory",
        "brk madvise map_shadow_stack memfd_create memfd_secret mincore mlock mlock2 mlockall \
         mmap mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free \
         pkey_mprotect remap_file_pages",
    ),
    (
        "signals",
        "pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo \
         rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo \
         sigaltstack signalfd signalfd4 sigprocmask sigreturn",
    ),
    (
        "time",
        "adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 \
         clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer \
         gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun \
         timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create \
         timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times",
    ),
    (
        "descriptors",
        "close close_range dup dup2 dup3 eventfd eventfd2 fcntl fcntl64 flock ioctl pipe pipe2",
    ),
    (
        "waiting",
        "_newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 \
         epoll_wait epoll_wait_old poll ppoll ppoll_time64 pselect6 pselect6_time64 select",
    ),
    ("locks", "futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake"),
    (
        "opening and making files",
        "creat link linkat mkdir mkdirat mknod mknodat name_to_handle_at open openat openat2 \
         rename renameat renameat2 rmdir symlink symlinkat umask unlink unlinkat",
    ),
    (
        "reading and writing",
        "_llseek cachestat copy_file_range fadvise64 fadvise64_64 fallocate fdatasync fsync \
         ftruncate ftruncate64 getdents getdents64 lseek pread64 preadv preadv2 pwrite64 pwritev \
         pwritev2 read readahead readv sendfile sendfile64 splice sync sync_file_range syncfs tee \
         truncate truncate64 vmsplice write writev",
    ),
    (
        "asynchronous reading and writing",
        "io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit",
    ),
    (
        "what files are",
        "access chmod chown chown32 faccessat faccessat2 fchmod fchmodat fchmodat2 fchown \
         fchown32 fchownat fstat fstat64 fstatat64 fstatfs fstatfs64 futimesat lchown lchown32 \
         lstat lstat64 newfstatat readlink readlinkat stat stat64 statfs statfs64 statx utime \
         utimensat utimensat_time64 utimes",
    ),
    (
        "extended attributes",
        "fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr \
         listxattrat llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr \
         setxattrat",
    ),
    (
        "watching files",
        "fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch",
    ),
    ("directories and mounts", "chdir fchdir getcwd listmount statmount"),
    (
        "sockets",
        "accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom \
         recvmmsg recvmmsg_time64 recvmsg sendmmsg sendmsg sendto setsockopt shutdown \
         socketcall socketpair",
    ),
    (
        "System V and POSIX IPC",
        "ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend \
         mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop \
         semtimedop_time64 shmat shmctl shmdt shmget",
    ),
    ("giving up rights", "landlock_add_rule landlock_create_ruleset landlock_restrict_self"),
    ("the system", "getrandom sysinfo uname"),
];

/// Allowed with a capability: its number in `linux/capability.h`, and the calls.
const ALLOWED_WITH: &[(u32, &str)] = &[
    (CAP_DAC_READ_SEARCH, "open_by_handle_at"),
    (CAP_SYS_MODULE, "delete_module finit_module init_module"),
    (CAP_SYS_RAWIO, "ioperm iopl"),
    (CAP_SYS_CHROOT, "chroot"),
    (CAP_SYS_PTRACE, "kcmp pidfd_getfd process_madvise"),
    (CAP_SYS_PACCT, "acct"),
    (
        CAP_SYS_ADMIN,
        "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie \
         lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount \
         open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog \
         umount umount2 unshare",
    ),
    (CAP_SYS_BOOT, "reboot"),
    (CAP_SYS_NICE, "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
    (CAP_SYS_TIME, "clock_settime clock_settime64 settimeofday stime"),
    (CAP_SYS_TTY_CONFIG, "vhangup"),
    (CAP_SYSLOG, "syslog"),
    (CAP_PERFMON, "perf_event_open"),
    (CAP_BPF, "bpf"),
    // A container engine, a browser's sandbox, nsctl: all of it needs rights in a user namespace
    // made inside.
    (
        NESTING,
        "chroot clone clone3 fsconfig fsmount fsopen fspick mount mount_setattr move_mount \
         open_tree open_tree_attr pivot_root setdomainname sethostname setns umount umount2 unshare",
    ),
];

/// [`super::capabilities::NESTING`], by its bit.
const NESTING: u32 = 63;

const CAP_DAC_READ_SEARCH: u32 = 2;
const CAP_SYS_MODULE: u32 = 16;
const CAP_SYS_RAWIO: u32 = 17;
const CAP_SYS_CHROOT: u32 = 18;
const CAP_SYS_PTRACE: u32 = 19;
const CAP_SYS_PACCT: u32 = 20;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_SYS_BOOT: u32 = 22;
const CAP_SYS_NICE: u32 = 23;
const CAP_SYS_TIME: u32 = 25;
const CAP_SYS_TTY_CONFIG: u32 = 26;
const CAP_SYSLOG: u32 = 34;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// The capabilities that make a difference to the policy.
pub const CAPABILITIES_THAT_MATTER: u64 = {
    let (mut set, mut i) = (0, 0);
    while i < ALLOWED_WITH.len() {
        set |= 1 << ALLOWED_WITH[i].0;
        i += 1;
    }
    set
};

/// The policy for a bounding set (bit n: capability n).
pub fn policy(arches: &[Arch], capabilities: u64) -> Policy {
    let granted = ALLOWED_WITH
        .iter()
        .filter(|(capability, _)| capabilities & (1 << capability) != 0)
        .map(|(_, names)| names);
    let mut allowed: HashSet<&str> = HashSet::with_capacity(400);
    let names = ALLOWED.iter().map(|(_, names)| names).chain(granted);
    allowed.extend(names.flat_map(|names| names.split_whitespace()));
    let nesting = capabilities & 1 << NESTING != 0;
    let table = |arch: &Arch| Table {
        audit: arch.audit,
        calls: arch
            .syscalls()
            .map(|(number, name)| (number, call(name, arch, allowed.contains(name), nesting)))
            .collect(),
        unknown: NOT_IMPLEMENTED,
        beyond: None,
    };
    // No kernel that runs this program has calls of another architecture.
    Policy { tables: arches.iter().map(table).collect(), foreign: SeccompAction::KillProcess }
}

fn call(name: &str, arch: &Arch, allowed: bool, nesting: bool) -> Call {
    match (name, allowed) {
        ("clone", false) => clone(arch),
        // Its flags are in memory, out of reach. ENOSYS makes a libc use clone.
        ("clone3", false) => Call::always(NOT_IMPLEMENTED),
        ("ioctl", true) => ioctl(),
        ("keyctl", _) if nesting => keyrings(arch),
        ("personality", _) => personality(arch),
        ("socket", _) => socket(arch),
        (_, true) => Call::always(Allow),
        (_, false) => Call::always(NOT_PERMITTED),
    }
}

/// Threads and processes, but no namespaces.
fn clone(arch: &Arch) -> Call {
    const NAMESPACES: u64 = (libc::CLONE_NEWNS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET) as u64;
    allowed_if([vec![first(arch, SeccompCmpOp::MaskedEq(NAMESPACES), 0)]])
}

/// All but pushing input to a terminal, and the console's way to do it.
///
/// A terminal that the workload inherits would take it as typed by the user, in the shell after
/// the container (CVE-2017-5226). On a terminal of the workload's own it would be harmless. It is
/// denied there as well: another terminal can come in later, as a descriptor or with a second
/// process, and hardly any program misses it (Linux 6.2 can deny it to all).
///
/// The kernel sees 32 bits of the request; bits above them must not hide it (CVE-2019-7303).
fn ioctl() -> Call {
    // asm-generic/ioctls.h. libc's constants have the type of the ioctl function, which varies.
    const TIOCSTI: u64 = 0x5412;
    const TIOCLINUX: u64 = 0x541c;
    let input = [TIOCSTI, TIOCLINUX].map(|request| Rule {
        conditions: vec![Condition {
            argument: 1,
            length: Dword,
            operator: SeccompCmpOp::Eq,
            value: request,
        }],
        action: NOT_PERMITTED,
    });
    Call { rules: input.into(), otherwise: Allow }
}

/// What runtimes do at a start: a session keyring of the container's own, and rights on it. By the
/// numbers of `linux/keyctl.h`.
fn keyrings(arch: &Arch) -> Call {
    const JOIN_SESSION_KEYRING: u64 = 1;
    const SETPERM: u64 = 5;
    const DESCRIBE: u64 = 6;
    allowed_if(
        [JOIN_SESSION_KEYRING, SETPERM, DESCRIBE]
            .map(|operation| vec![first(arch, SeccompCmpOp::Eq, operation)]),
    )
}

/// Linux of 64 or 32 bits, with a version 2.6 if need be, or the question what it is
/// (`linux/personality.h`). Others make exploits easier, such as ADDR_NO_RANDOMIZE.
fn personality(arch: &Arch) -> Call {
    const PER_LINUX32: u64 = 0x8;
    const UNAME26: u64 = 0x20000;
    const QUERY: u64 = 0xffff_ffff;
    allowed_if(
        [0, PER_LINUX32, UNAME26, UNAME26 | PER_LINUX32, QUERY]
            .map(|persona| vec![first(arch, SeccompCmpOp::Eq, persona)]),
    )
}

/// Sockets of the families in use, by the numbers of `linux/socket.h`.
///
/// Left out: 12 DECnet, 19 Econet, 20 ATM SVC, 23 IrDA, 25 WANPIPE, 34 IUCV, 37 CAIF, 38 ALG
/// (CVE-2026-31431), 40 VSOCK (it reaches the hypervisor), and those that Linux may add after
/// 45 MCTP.
fn socket(arch: &Arch) -> Call {
    allowed_if([(0, 11), (13, 18), (21, 22), (24, 24), (26, 33), (35, 36), (39, 39), (41, 45)].map(
        |(from, to)| vec![first(arch, SeccompCmpOp::Ge, from), first(arch, SeccompCmpOp::Le, to)],
    ))
}

/// A condition on the first argument.
fn first(arch: &Arch, operator: SeccompCmpOp, value: u64) -> Condition {
    let length: SeccompCmpArgLen = arch.register.clone();
    Condition { argument: 0, length, operator, value }
}

fn allowed_if<const N: usize>(alternatives: [Vec<Condition>; N]) -> Call {
    let rules = alternatives.map(|conditions| Rule { conditions, action: Allow });
    Call { rules: rules.into(), otherwise: NOT_PERMITTED }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_system_call_of_some_architecture() {
        let known: HashSet<&str> = Arch::of_target("x86_64")
            .expect("x86_64 has tables")
            .iter()
            .flat_map(|arch| arch.syscalls().map(|(_, name)| name))
            .collect();
        let named = ALLOWED.iter().map(|(_, names)| names);
        let named = named.chain(ALLOWED_WITH.iter().map(|(_, names)| names));
        for name in named.flat_map(|names| names.split_whitespace()) {
            assert!(known.contains(name), "{name}");
        }
    }

    #[test]
    fn capability_numbers_are_those_of_caps() {
        use caps::Capability;
        assert_eq!(1 << NESTING, super::super::capabilities::NESTING);
        for (ours, theirs) in [
            (CAP_DAC_READ_SEARCH, Capability::CAP_DAC_READ_SEARCH),
            (CAP_SYS_MODULE, Capability::CAP_SYS_MODULE),
            (CAP_SYS_RAWIO, Capability::CAP_SYS_RAWIO),
            (CAP_SYS_CHROOT, Capability::CAP_SYS_CHROOT),
            (CAP_SYS_PTRACE, Capability::CAP_SYS_PTRACE),
            (CAP_SYS_PACCT, Capability::CAP_SYS_PACCT),
            (CAP_SYS_ADMIN, Capability::CAP_SYS_ADMIN),
            (CAP_SYS_BOOT, Capability::CAP_SYS_BOOT),
            (CAP_SYS_NICE, Capability::CAP_SYS_NICE),
            (CAP_SYS_TIME, Capability::CAP_SYS_TIME),
            (CAP_SYS_TTY_CONFIG, Capability::CAP_SYS_TTY_CONFIG),
            (CAP_SYSLOG, Capability::CAP_SYSLOG),
            (CAP_PERFMON, Capability::CAP_PERFMON),
            (CAP_BPF, Capability::CAP_BPF),
        ] {
            assert_eq!(1 << ours, theirs.bitmask(), "{theirs}");
        }
    }
}
