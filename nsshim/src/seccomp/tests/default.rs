//! What the default policy says of calls that matter, and how long its program is.

#![forbid(unsafe_code)]

use super::super::{DOCKER_DEFAULT_CAPABILITIES, NESTING, arch::Arch, compile::compile};
use super::super::{default, default_filter};
use super::*;
use std::borrow::Cow;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

const SYS_CHROOT: u64 = 1 << 18;
const SYS_PTRACE: u64 = 1 << 19;
const SYS_ADMIN: u64 = 1 << 21;
const SYS_TIME: u64 = 1 << 25;
const SYSLOG: u64 = 1 << 34;

fn number(audit: u32, name: &str) -> u32 {
    let arches = Arch::of_target("x86_64").unwrap();
    let arch = arches.iter().find(|arch| arch.audit == audit).unwrap();
    let (number, _) = arch.syscalls().find(|call| call.1 == name).expect("a system call");
    number
}

#[track_caller]
fn assert_returns(expected: u32, added: u64, name: &str, args: &[u64]) {
    let filter = default_filter(DOCKER_DEFAULT_CAPABILITIES | added);
    for audit in [X86_64, I386] {
        let mut call = SystemCall { number: number(audit, name), audit, args: [0; 6] };
        call.args[..args.len()].copy_from_slice(args);
        let found = run(filter.instructions(), &call).0;
        assert_eq!(found, expected, "{found:#x} in place of {expected:#x} for {name} {args:x?}");
    }
}

#[test]
fn capabilities_open_their_system_calls() {
    for name in ["mount", "unshare", "setns", "umount2", "sethostname", "bpf", "fsopen"] {
        assert_returns(EPERM, 0, name, &[]);
        assert_returns(EPERM, SYS_PTRACE | SYS_TIME, name, &[]);
        assert_returns(ALLOW, SYS_ADMIN, name, &[]);
    }
    for (capability, name) in [
        (SYSLOG, "syslog"),
        (SYS_ADMIN, "syslog"),
        (SYS_PTRACE, "pidfd_getfd"),
        (SYS_TIME, "clock_settime"),
    ] {
        assert_returns(EPERM, 0, name, &[]);
        assert_returns(ALLOW, capability, name, &[]);
    }
    assert_returns(ALLOW, 0, "chroot", &[]);
    let without = default_filter(DOCKER_DEFAULT_CAPABILITIES & !SYS_CHROOT);
    let chroot = SystemCall { number: number(X86_64, "chroot"), audit: X86_64, args: [0; 6] };
    assert_eq!(run(without.instructions(), &chroot).0, EPERM);
}

#[test]
fn no_capability_opens_what_reaches_past_the_container() {
    for name in ["kexec_load", "keyctl", "add_key", "request_key", "io_uring_setup", "userfaultfd"]
    {
        assert_returns(EPERM, !NESTING, name, &[]);
    }
}

#[test]
fn clone_makes_no_namespaces() {
    const THREAD: u64 = 0x3d_0f00;
    assert_returns(ALLOW, 0, "clone", &[THREAD]);
    assert_returns(ALLOW, 0, "clone", &[libc::SIGCHLD as u64]);
    for flag in [0x2_0000, 1 << 25, 1 << 26, 1 << 27, 1 << 28, 1 << 29, 1 << 30] {
        assert_returns(EPERM, 0, "clone", &[THREAD | flag]);
        assert_returns(ALLOW, SYS_ADMIN, "clone", &[THREAD | flag]);
    }
    assert_returns(ENOSYS, 0, "clone3", &[]);
    assert_returns(ALLOW, SYS_ADMIN, "clone3", &[]);
}

#[test]
fn nothing_is_pushed_into_a_terminal_cve_2017_5226_cve_2019_7303() {
    const TIOCSTI: u64 = 0x5412;
    const TIOCLINUX: u64 = 0x541c;
    const TIOCGWINSZ: u64 = 0x5413;
    for request in [TIOCSTI, TIOCLINUX] {
        for high in [0, 1 << 32, 1 << 63, 0xffff_ffff << 32] {
            assert_returns(EPERM, 0, "ioctl", &[0, request | high]);
            assert_returns(EPERM, !NESTING, "ioctl", &[0, request | high]);
        }
        assert_returns(ALLOW, 0, "ioctl", &[request, request + 1]);
    }
    assert_returns(ALLOW, 0, "ioctl", &[0, TIOCGWINSZ]);
}

#[test]
fn sockets_are_of_the_families_in_use() {
    for family in [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK, libc::AF_PACKET]
    {
        assert_returns(ALLOW, 0, "socket", &[family as u64]);
    }
    const AF_ALG: u64 = 38;
    for family in [AF_ALG, 40, 12, 46, u64::from(u32::MAX)] {
        assert_returns(EPERM, 0, "socket", &[family]);
        assert_returns(EPERM, !NESTING, "socket", &[family]);
    }
    assert_returns(ALLOW, 0, "socketpair", &[1]);
}

#[test]
fn personality_keeps_address_randomization() {
    const ADDR_NO_RANDOMIZE: u64 = 0x4_0000;
    assert_returns(ALLOW, 0, "personality", &[0xffff_ffff]);
    assert_returns(ALLOW, 0, "personality", &[8]);
    assert_returns(EPERM, 0, "personality", &[ADDR_NO_RANDOMIZE]);
}

#[test]
fn a_libc_falls_back_from_calls_newer_than_the_table() {
    let filter = default_filter(DOCKER_DEFAULT_CAPABILITIES);
    let returns =
        |number, audit| run(filter.instructions(), &SystemCall { number, audit, args: [0; 6] }).0;
    for audit in [X86_64, I386] {
        assert_eq!(returns(number(audit, "listns"), audit), EPERM);
        assert_eq!(returns(number(audit, "listns") + 1, audit), ENOSYS);
        assert_eq!(returns(u32::MAX, audit), ENOSYS);
    }
    const X32_READ: u32 = 0x4000_0000;
    assert_eq!(returns(X32_READ, X86_64), ENOSYS);
    assert_eq!(returns(0, AARCH64), libc::SECCOMP_RET_KILL_PROCESS);
}

#[test]
fn numbers_are_those_of_libc() {
    for (name, expected) in [
        ("read", libc::SYS_read),
        ("ioctl", libc::SYS_ioctl),
        ("epoll_ctl_old", libc::SYS_epoll_ctl_old),
        ("clone3", libc::SYS_clone3),
        ("rseq", libc::SYS_rseq),
        ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
        ("mseal", libc::SYS_mseal),
    ] {
        assert_eq!(i64::from(number(X86_64, name)), expected, "{name}");
    }
}

#[test]
fn filters_of_usual_sets_are_made_beforehand() {
    let arches = Arch::of_target("x86_64").unwrap();
    const NET_ADMIN: u64 = 1 << 12;
    let default = DOCKER_DEFAULT_CAPABILITIES;
    for capabilities in
        [default, default | NET_ADMIN, default | SYS_ADMIN, 0, !NESTING, default | NESTING]
    {
        let filter = default_filter(capabilities);
        assert!(matches!(filter.program, Cow::Borrowed(_)));
        assert_eq!(filter.instructions(), compile(&default::policy(arches, capabilities)));
    }
    assert!(matches!(default_filter(SYS_TIME).program, Cow::Owned(_)));
}

/// Loading costs by the instruction, and by the instructions run for each number.
#[test]
fn the_default_filter_is_short() {
    let filter = default_filter(DOCKER_DEFAULT_CAPABILITIES);
    let longest = |audit| {
        let steps =
            |number| run(filter.instructions(), &SystemCall { number, audit, args: [0; 6] }).1;
        (0..480).map(steps).max()
    };
    assert!(filter.instructions().len() <= 200, "{}", filter.instructions().len());
    assert!(longest(X86_64) <= Some(20), "{:?}", longest(X86_64));
    assert!(longest(I386) <= Some(20), "{:?}", longest(I386));
}
