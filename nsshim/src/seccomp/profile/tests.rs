//! Files against the programs they become, and what is wrong with wrong ones.

#![forbid(unsafe_code)]

mod mistakes;
mod random;

use super::{Facts, Profile, read};
use crate::seccomp::interpreter::{SystemCall, run};
use crate::seccomp::{DOCKER_DEFAULT_CAPABILITIES, arch::Arch, default_filter, x32};

/// The default policy's content in docker's format, but for ioctl(2): denying some arguments and
/// allowing all others cannot be said there so that high bits do not matter.
const DOCKER: &str = include_str!("tests/docker.json");

const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;
const AARCH64: u32 = 0xc000_00b7;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

fn errno(number: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | number as u32
}

fn facts(capabilities: u64) -> Facts {
    Facts { capabilities, kernel: (6, 1) }
}

#[track_caller]
fn profile(text: &str) -> Profile {
    read(text, &facts(0)).unwrap_or_else(|mistake| panic!("{mistake:?}"))
}

fn number(audit: u32, name: &str) -> u32 {
    let arches = Arch::of_target("x86_64").unwrap();
    let arch = arches.iter().find(|arch| arch.audit == audit).unwrap();
    arch.syscalls().find(|call| call.1 == name).unwrap().0
}

fn answer(profile: &Profile, audit: u32, number: u32, args: &[u64]) -> u32 {
    let mut call = SystemCall { number, audit, args: [0; 6] };
    call.args[..args.len()].copy_from_slice(args);
    run(profile.filter.instructions(), &call).0
}

/// For a call of x86_64 by its name.
fn says(profile: &Profile, name: &str, args: &[u64]) -> u32 {
    answer(profile, X86_64, number(X86_64, name), args)
}

#[test]
fn dockers_file_fares_as_the_default_policy_for_every_number_and_capability() {
    let telling = [0, 1, 8, 11, 12, 13, 19, 23, 34, 37, 38, 40, 45, 46, 0x2_0000, 0x2_0008];
    let flags = (24..33).map(|bit| 1 << bit).chain([0xffff_ffff, 0x1_0000_0000, 1 << 63]);
    let values: Vec<u64> = telling.into_iter().chain(flags).collect();
    let sets = (0..41).map(|capability| 1 << capability);
    for capabilities in sets.chain([0, DOCKER_DEFAULT_CAPABILITIES, (1 << 41) - 1]) {
        let file = read(DOCKER, &facts(capabilities)).unwrap();
        let ours = default_filter(capabilities);
        for audit in [X86_64, I386, AARCH64] {
            for number in (0..=1023).chain([0x3fff_ffff, 0x8000_0000, u32::MAX]) {
                if audit != AARCH64 && number == self::number(audit, "ioctl") {
                    continue;
                }
                let looked_at = audit != AARCH64
                    && ["clone", "personality", "socket"]
                        .iter()
                        .any(|name| self::number(audit, name) == number);
                for &value in if looked_at { &values[..] } else { &values[..1] } {
                    let call = SystemCall { number, audit, args: [value; 6] };
                    // What is newer than all that the file names is denied as not implemented.
                    let newer = audit != AARCH64 && number > self::number(audit, "removexattrat");
                    let expected = match run(ours.instructions(), &call).0 {
                        denied if newer && denied == errno(libc::EPERM) => errno(libc::ENOSYS),
                        answer => answer,
                    };
                    let found = run(file.filter.instructions(), &call).0;
                    assert_eq!(found, expected, "{call:x?} with {capabilities:#x}");
                }
            }
        }
    }
}

#[test]
fn x32_fares_as_x86_64_where_the_file_lists_it() {
    let file = read(DOCKER, &facts(0)).unwrap();
    for (number, name) in x32::syscalls() {
        let of_64 = self::number(X86_64, name);
        for args in [[0; 6], [0x1000_0000; 6], [u64::MAX; 6]] {
            let found = answer(&file, X86_64, number, &args);
            let expected = answer(&file, X86_64, of_64, &args);
            // Numbers from 512 on make the others less new than the newest that is named.
            let same = found == expected || found == errno(libc::EPERM);
            assert!(same, "{name}: {found:#x}, {expected:#x}");
        }
    }
}

#[test]
fn what_is_not_listed_is_not_reached_by_another_architecture() {
    // x32 and 32-bit calls of a policy that denies one call and allows the rest.
    let text = r#"{"defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mount"], "action": "SCMP_ACT_ERRNO"}]}"#;
    let file = profile(text);
    let mount = number(X86_64, "mount");
    assert_eq!(says(&file, "mount", &[]), errno(libc::EPERM));
    assert_eq!(says(&file, "read", &[]), ALLOW);
    assert_eq!(answer(&file, X86_64, mount | x32::BIT, &[]), KILL);
    assert_eq!(answer(&file, I386, number(I386, "mount"), &[]), KILL);
    assert_eq!(answer(&file, AARCH64, 40, &[]), KILL);
    let arches = r#"{"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_ARM"], "#;
    let listed = profile(&text.replacen('{', arches, 1));
    assert_eq!(answer(&listed, X86_64, mount | x32::BIT, &[]), errno(libc::EPERM));
    assert_eq!(answer(&listed, X86_64, x32::BIT, &[]), ALLOW);
    assert_eq!(answer(&listed, I386, number(I386, "mount"), &[]), KILL);
}

#[test]
fn every_action_is_the_kernels() {
    let rows = [
        ("SCMP_ACT_ALLOW", libc::SECCOMP_RET_ALLOW),
        ("SCMP_ACT_LOG", libc::SECCOMP_RET_LOG),
        ("SCMP_ACT_KILL", libc::SECCOMP_RET_KILL_THREAD),
        ("SCMP_ACT_KILL_THREAD", libc::SECCOMP_RET_KILL_THREAD),
        ("SCMP_ACT_KILL_PROCESS", libc::SECCOMP_RET_KILL_PROCESS),
        ("SCMP_ACT_TRAP", libc::SECCOMP_RET_TRAP),
        ("SCMP_ACT_ERRNO", errno(1)),
        ("SCMP_ACT_ERRNO\", \"errnoRet\": 4095, \"comment\": \"", errno(4095)),
        ("SCMP_ACT_ERRNO\", \"errnoRet\": 0, \"comment\": \"", errno(0)),
        ("SCMP_ACT_TRACE", libc::SECCOMP_RET_TRACE | 1),
        ("SCMP_ACT_TRACE\", \"errnoRet\": 65535, \"comment\": \"", libc::SECCOMP_RET_TRACE | 65535),
    ];
    for (action, expected) in rows {
        let text = format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 2,
                "syscalls": [{{"names": ["getpid"], "action": "{action}"}}]}}"#
        );
        assert_eq!(says(&profile(&text), "getpid", &[]), expected, "{action}");
    }
}

#[test]
fn operators_compare_as_libseccomps_do_on_both_widths() {
    type Holds = fn(u64) -> bool;
    let rows: [(&str, &str, Holds); 10] = [
        ("SCMP_CMP_NE", r#""value": 5"#, |a| a != 5),
        ("SCMP_CMP_LT", r#""value": 5"#, |a| a < 5),
        ("SCMP_CMP_LE", r#""value": 5"#, |a| a <= 5),
        ("SCMP_CMP_EQ", r#""value": 5"#, |a| a == 5),
        ("SCMP_CMP_GE", r#""value": 5"#, |a| a >= 5),
        ("SCMP_CMP_GT", r#""value": 5"#, |a| a > 5),
        ("SCMP_CMP_MASKED_EQ", r#""value": 6, "valueTwo": 4"#, |a| a & 6 == 4),
        ("SCMP_CMP_MASKED_EQ", r#""value": 4294967302, "valueTwo": 6"#, |a| a & 0x1_0000_0006 == 6),
        ("SCMP_CMP_EQ", r#""value": 4294967296"#, |a| a == 1 << 32),
        ("SCMP_CMP_LT", r#""value": 18446744073709551615"#, |a| a < u64::MAX),
    ];
    for (operator, values, holds) in rows {
        let file = profile(&format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86"],
                "syscalls": [{{"names": ["getpid"], "action": "SCMP_ACT_ALLOW",
                    "args": [{{"index": 5, "op": "{operator}", {values}}}]}}]}}"#
        ));
        for low in [0, 1, 2, 4, 5, 6, 7, 0xffff_ffff] {
            for high in [0, 1 << 32, 0xffff_ffff << 32] {
                let args = [0, 0, 0, 0, 0, low | high];
                let word = |holds| if holds { ALLOW } else { errno(1) };
                let wide = says(&file, "getpid", &args);
                assert_eq!(wide, word(holds(low | high)), "{operator} {values} {args:x?}");
                // A 32-bit call does not see what else is in the register.
                let narrow = answer(&file, I386, number(I386, "getpid"), &args);
                assert_eq!(narrow, word(holds(low)), "{operator} {values} {args:x?} i386");
            }
        }
    }
}

#[test]
fn conditions_on_one_argument_are_alternatives_and_on_several_all_must_hold() {
    let entry = |second: u32| {
        profile(&format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{{"names": ["socket"],
                "action": "SCMP_ACT_ALLOW", "args": [
                    {{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}},
                    {{"index": {second}, "value": 2, "op": "SCMP_CMP_EQ"}}]}}]}}"#
        ))
    };
    let either = entry(0);
    assert_eq!(says(&either, "socket", &[1]), ALLOW);
    assert_eq!(says(&either, "socket", &[2]), ALLOW);
    assert_eq!(says(&either, "socket", &[3]), errno(1));
    assert!(either.notes.iter().any(|note| note.to_string().contains("alternatives")));
    let both = entry(1);
    assert_eq!(says(&both, "socket", &[1, 2]), ALLOW);
    assert_eq!(says(&both, "socket", &[1, 1]), errno(1));
    assert_eq!(says(&both, "socket", &[2, 2]), errno(1));
}

#[test]
fn an_entry_without_conditions_decides_and_one_like_the_default_says_nothing() {
    let file = profile(
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
            {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
            {"names": ["socket"], "action": "SCMP_ACT_KILL_PROCESS",
             "args": [{"index": 0, "value": 7, "op": "SCMP_CMP_EQ"}]},
            {"names": ["socket"], "action": "SCMP_ACT_ALLOW"}]}"#,
    );
    assert_eq!(says(&file, "socket", &[7]), ALLOW);
    let note = file.notes.iter().find(|note| note.place == "syscalls[1]").unwrap();
    assert!(note.text.contains("syscalls[2]"), "{note}");
}

#[test]
fn a_call_newer_than_the_file_is_not_implemented_where_the_default_is_an_errno() {
    let text = |default: &str| {
        format!(
            r#"{{"defaultAction": "{default}",
                "syscalls": [{{"names": ["openat2", "not_yet"], "action": "SCMP_ACT_ALLOW"}}]}}"#
        )
    };
    let denying = profile(&text("SCMP_ACT_ERRNO"));
    assert_eq!(says(&denying, "clone3", &[]), errno(libc::EPERM), "older than openat2");
    assert_eq!(says(&denying, "faccessat2", &[]), errno(libc::ENOSYS));
    assert_eq!(answer(&denying, X86_64, 1000, &[]), errno(libc::ENOSYS));
    assert!(denying.notes.iter().any(|note| note.text.contains("not_yet")), "{denying:?}");
    // Who kills or allows means it.
    let killing = profile(&text("SCMP_ACT_KILL_PROCESS"));
    assert_eq!(says(&killing, "faccessat2", &[]), KILL);
    assert_eq!(answer(&killing, X86_64, 1000, &[]), KILL);
    assert_eq!(answer(&profile(&text("SCMP_ACT_LOG")), X86_64, 1000, &[]), libc::SECCOMP_RET_LOG);
}

#[test]
fn entries_are_for_capabilities_architectures_and_kernels() {
    let allowed = |filter: &str, capabilities, kernel| {
        let text = format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO",
                "syscalls": [{{"names": ["mount"], "action": "SCMP_ACT_ALLOW", {filter}}}]}}"#
        );
        let file = read(&text, &Facts { capabilities, kernel }).unwrap();
        says(&file, "mount", &[]) == ALLOW
    };
    const ADMIN: u64 = 1 << 21;
    let admin = r#""includes": {"caps": ["CAP_SYS_ADMIN"]}"#;
    assert!(allowed(admin, ADMIN, (6, 1)) && !allowed(admin, !ADMIN, (6, 1)));
    let both = r#""includes": {"caps": ["CAP_SYS_ADMIN", "CAP_CHOWN"]}"#;
    assert!(allowed(both, ADMIN | 1, (6, 1)) && !allowed(both, ADMIN, (6, 1)));
    let not = r#""excludes": {"caps": ["CAP_CHOWN", "CAP_SYS_ADMIN"]}"#;
    assert!(allowed(not, 0, (6, 1)) && !allowed(not, ADMIN, (6, 1)));
    let unknown = r#""includes": {"caps": ["CAP_OF_LATER"]}"#;
    assert!(!allowed(unknown, u64::MAX, (6, 1)));
    let kernel = r#""includes": {"minKernel": "5.10"}"#;
    assert!(
        allowed(kernel, 0, (5, 10)) && allowed(kernel, 0, (6, 1)) && !allowed(kernel, 0, (5, 9))
    );
    let kernel = r#""excludes": {"minKernel": "4.8"}"#;
    assert!(!allowed(kernel, 0, (4, 8)) && allowed(kernel, 0, (4, 7)));
    assert!(allowed(r#""includes": {"arches": ["arm64", "amd64"]}"#, 0, (6, 1)));
    assert!(!allowed(r#""includes": {"arches": ["arm64"]}"#, 0, (6, 1)));
    assert!(!allowed(r#""excludes": {"arches": ["amd64"]}"#, 0, (6, 1)));
    assert!(allowed(r#""includes": {}, "excludes": null"#, 0, (6, 1)));
}

#[test]
fn ocis_object_and_a_whole_configuration_are_read_too() {
    let object = r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13,
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
        "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
                  "SECCOMP_FILTER_FLAG_TSYNC"],
        "syscalls": [{"names": ["getcwd"], "action": "SCMP_ACT_ERRNO", "errnoRet": 3},
                     {"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}"#;
    let whole = format!(r#"{{"ociVersion": "1.2.0", "linux": {{"seccomp": {object}}}}}"#);
    for text in [object, &whole] {
        let file = profile(text);
        assert_eq!(file.filter.flags(), 0b110);
        assert_eq!(says(&file, "getcwd", &[]), errno(3));
        assert_eq!(says(&file, "read", &[]), ALLOW);
        assert_eq!(says(&file, "write", &[]), errno(13));
        assert_eq!(file.notes, []);
    }
}

#[test]
fn a_file_that_lets_nothing_start_is_known() {
    let denies = |entry: &str| {
        let text = format!(r#"{{"defaultAction": "SCMP_ACT_KILL", "syscalls": [{entry}]}}"#);
        profile(&text).denies_execve
    };
    assert!(denies(""));
    assert!(denies(r#"{"names": ["execveat"], "action": "SCMP_ACT_ALLOW"}"#));
    assert!(!denies(r#"{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}"#));
    assert!(!denies(
        r#"{"names": ["execve"], "action": "SCMP_ACT_LOG",
        "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_NE"}]}"#
    ));
}
