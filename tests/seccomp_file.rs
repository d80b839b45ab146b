//! `--seccomp FILE`: the command runs under what the file says, and nothing else does.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use super::common::{Ran, Who, as_each, have, nsctl, skip, write_as};

/// A file that this user can read.
fn file(who: Who, text: &str) -> String {
    let path = who.directory().join("profile.json");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_string()
}

/// Every call is allowed but these, which get an errno.
fn denying(names: &str, errno: i32) -> String {
    let entry =
        format!(r#"{{"names": [{names}], "action": "SCMP_ACT_ERRNO", "errnoRet": {errno}}}"#);
    format!(r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{entry}]}}"#)
}

fn run<S: AsRef<str>>(who: Who, profile: &str, options: &[&str], command: &[S]) -> Ran {
    let profile = file(who, profile);
    let mut arguments = vec!["run", "--seccomp", &profile];
    arguments.extend(options);
    arguments.extend(command.iter().map(AsRef::as_ref));
    nsctl(who, arguments).run()
}

#[test]
fn a_call_fails_with_the_errno_of_the_file() {
    as_each(|who| {
        for options in [&[][..], &["--no-init"], &["--allow-new-privileges"]] {
            let command = ["sh", "-c", "mkdir /dev/shm/x; echo $?; touch /dev/shm/y; echo $?"];
            let ran = run(who, &denying(r#""mkdir", "mkdirat""#, libc::EDQUOT), options, &command);
            assert_eq!(ran.success(), "1\n0", "{options:?}");
            assert!(ran.stderr.contains("Disk quota exceeded"), "{options:?}: {ran:?}");
        }
    });
}

/// x86_64's getpid and kill are all that a program without libc needs to end by a signal.
const NOTHING_BUT: &str = r#"{"defaultAction": "SCMP_ACT_KILL_PROCESS", "syscalls": [
    {"names": ["execve", "write", "exit_group", "exit"], "action": "SCMP_ACT_ALLOW"}]}"#;

/// A static program without libc, which writes a line and exits with 3.
fn tiny(who: Who) -> Option<String> {
    if !cfg!(target_arch = "x86_64") {
        skip("the program is written for x86_64");
        return None;
    }
    // mov eax, 1; mov edi, eax; lea rsi, [rip+text]; mov edx, 5; syscall;
    // mov eax, 231; mov edi, 3; syscall; text: "tiny\n"
    let code: &[u8] = &[
        0xb8, 1, 0, 0, 0, 0x89, 0xc7, 0x48, 0x8d, 0x35, 19, 0, 0, 0, 0xba, 5, 0, 0, 0, 0x0f, 0x05,
        0xb8, 231, 0, 0, 0, 0xbf, 3, 0, 0, 0, 0x0f, 0x05, b't', b'i', b'n', b'y', b'\n',
    ];
    const BASE: u64 = 0x40_0000;
    let size = 120 + code.len() as u64;
    let mut elf: Vec<u8> = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    for word in [BASE + 120, 64, 0] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    elf.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    for word in [0, BASE, BASE, size, size, 4096] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(code);
    let path = who.directory().join("tiny");
    fs::write(&path, elf).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    if nix::unistd::geteuid().is_root() {
        chown(&path, Some(who.uid()), Some(who.gid())).unwrap();
    }
    Some(path.to_str().unwrap().to_string())
}

#[test]
fn a_file_that_allows_only_the_commands_calls_kills_neither_init_nor_command() {
    as_each(|who| {
        let Some(tiny) = tiny(who) else { return };
        for options in [&[][..], &["--no-init"], &["--tty"], &["--pid", "host"]] {
            let ran = run(who, NOTHING_BUT, options, &[&tiny]);
            ran.expect_code(3);
            assert_eq!(ran.stdout.trim_end(), "tiny", "{options:?}: {ran:?}");
        }
    });
}

#[test]
fn the_program_is_found_in_path_before_the_filter_is_loaded() {
    as_each(|who| {
        let Some(tiny) = tiny(who) else { return };
        let directory = tiny.strip_suffix("/tiny").unwrap();
        // What is not there, what is no directory, and what is a directory of that name.
        fs::create_dir_all(format!("{directory}/sub/tiny")).unwrap();
        let path = format!("PATH=/nowhere:/etc/passwd:{directory}/sub:{directory}");
        for options in [&["--env", &path][..], &["--env", &path, "--no-init"]] {
            run(who, NOTHING_BUT, options, &["tiny"]).expect_code(3);
            let missing = run(who, NOTHING_BUT, options, &["no-such-program"]);
            missing.expect_error(127, &["no-such-program", "ENOENT"]);
            fs::write(format!("{directory}/closed"), "").unwrap();
            run(who, NOTHING_BUT, options, &["closed"]).expect_error(126, &["closed", "EACCES"]);
        }
    });
}

/// As strict as can be: whoever does anything else than execve dies.
const ONLY_EXECVE: &str = r#"{"defaultAction": "SCMP_ACT_KILL_PROCESS", "syscalls": [
    {"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}"#;

#[test]
fn a_program_that_cannot_be_executed_is_told_from_a_killed_one_however_strict_the_file() {
    as_each(|who| {
        let directory = who.directory();
        let path = |name: &str| directory.join(name).to_str().unwrap().to_string();
        write_as(who, path("closed"), "");
        for options in [&[][..], &["--no-init"], &["--tty"], &["--pid", "host"]] {
            let refused = |name: &str, code, words: &[&str]| {
                run(who, ONLY_EXECVE, options, &[name]).expect_error(code, words);
            };
            refused("no-such-program", 127, &["no-such-program", "ENOENT"]);
            refused(&path("none"), 127, &["none", "ENOENT"]);
            refused("./none", 127, &["./none", "ENOENT"]);
            refused(&path("closed"), 126, &["closed", "EACCES"]);
            refused(&path("closed/none"), 126, &["none", "ENOTDIR"]);
            refused(&path(""), 126, &["EACCES"]);
        }
    });
}

#[test]
fn what_the_kernel_says_at_execve_is_reported_however_strict_the_file() {
    as_each(|who| {
        let directory = who.directory();
        let path = |name: &str| directory.join(name).to_str().unwrap().to_string();
        let program = |name: &str, content: &[u8]| {
            fs::write(path(name), content).unwrap();
            fs::set_permissions(path(name), fs::Permissions::from_mode(0o755)).unwrap();
            path(name)
        };
        let script = program("script", b"#!/nowhere/sh\n");
        run(who, ONLY_EXECVE, &[], &[&script]).expect_error(126, &["script", "ENOENT"]);
        let elf = program("elf", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\0");
        run(who, ONLY_EXECVE, &[], &[&elf]).expect_error(126, &["elf", "ENOEXEC"]);
        // A script without an interpreter's name is the shell's, which the file then kills.
        let plain = program("plain", b"exit 3\n");
        run(who, ONLY_EXECVE, &[], &[&plain]).expect_code(128 + libc::SIGSYS);
        let all = r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#;
        run(who, all, &[], &[&plain]).expect_code(3);
    });
}

#[test]
fn what_the_file_kills_dies_by_sigsys_and_init_reports_it() {
    as_each(|who| {
        for options in [&[][..], &["--no-init"]] {
            let ran = run(who, NOTHING_BUT, options, &["ls"]);
            assert_eq!(ran.code, Some(128 + libc::SIGSYS), "{options:?}: {ran:?}");
        }
    });
}

#[test]
fn the_name_of_the_program_stays_what_was_typed() {
    as_each(|who| {
        let profile = denying(r#""mkdir""#, 1);
        let show = ["sh", "-c", "tr '\\0' ' ' < /proc/$$/cmdline"];
        let ran = run(who, &profile, &[], &show);
        assert!(ran.success().starts_with("sh -c"), "{ran:?}");
        let ran = run(who, &profile, &["--argv0=-other"], &show);
        assert!(ran.success().starts_with("-other -c"), "{ran:?}");
    });
}

#[test]
fn only_the_command_has_the_filter_of_a_file_and_no_new_privs_holds() {
    as_each(|who| {
        let status =
            "for pid in 1 self; do grep -E '^(NoNewPrivs|Seccomp):' /proc/$pid/status; done";
        let ran = run(who, &denying(r#""mkdir""#, 1), &[], &["sh", "-c", status]);
        let expected = "NoNewPrivs:\t1\nSeccomp:\t0\nNoNewPrivs:\t1\nSeccomp:\t2";
        assert_eq!(ran.success(), expected);
        // Without no_new_privs it is loaded while there is the right to: init has it, too.
        let options = ["--allow-new-privileges"];
        let ran = run(who, &denying(r#""mkdir""#, 1), &options, &["sh", "-c", status]);
        let expected = "NoNewPrivs:\t0\nSeccomp:\t2\nNoNewPrivs:\t0\nSeccomp:\t2";
        assert_eq!(ran.success(), expected);
    });
}

#[test]
fn no_descriptor_brings_the_filter_in() {
    as_each(|who| {
        let list = ["sh", "-c", "ls /proc/self/fd | tr '\\n' ' '"];
        // 3 is what ls itself opens.
        assert_eq!(run(who, &denying(r#""mkdir""#, 1), &[], &list).success().trim(), "0 1 2 3");
    });
}

#[test]
fn conditions_on_arguments_hold_in_the_kernel() {
    if !have("perl") {
        return;
    }
    // personality(0xffffffff) asks, personality(8) sets; the high bits count on x86_64.
    let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77,
         "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
        {"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 78,
         "args": [{"index": 0, "value": 4294967296, "op": "SCMP_CMP_GE"}]}]}"#;
    let script = "for my $p (8, 0xffffffff, 0x100000008) { \
                  print syscall(135, $p) < 0 ? $! + 0 : 0, ' ' }";
    as_each(|who| {
        let ran = run(who, profile, &[], &["perl", "-e", script]);
        assert_eq!(ran.success().trim(), "77 0 78");
    });
}

#[test]
fn entries_for_capabilities_follow_those_of_the_container() {
    let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO",
         "excludes": {"caps": ["CAP_SYS_ADMIN"]}}]}"#;
    as_each(|who| {
        let make = ["mkdir", "/dev/shm/x"];
        run(who, profile, &[], &make).expect_code(1);
        run(who, profile, &["--cap-add", "SYS_ADMIN"], &make).expect_code(0);
    });
}

#[test]
fn a_whole_oci_configuration_will_do() {
    as_each(|who| {
        let profile = format!(
            r#"{{"ociVersion": "1.0.2", "linux": {{"seccomp": {}}}}}"#,
            denying(r#""mkdir""#, 1)
        );
        run(who, &profile, &[], &["mkdir", "/dev/shm/x"]).expect_code(1);
    });
}

#[test]
fn a_wrong_file_is_refused_with_its_place_and_what_would_be_right() {
    as_each(|who| {
        let refused = |text: &str, words: &[&str]| {
            let ran = run(who, text, &[], &["true"]);
            ran.expect_error(125, words);
            ran.expect_error(125, &["cannot use the system-call profile", "profile.json"]);
        };
        refused("{\n\"defaultAction\": }", &["line 2 column 18"]);
        let action = r#"{"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["read"], "action": "DENY"}]}"#;
        refused(action, &["syscalls[0].action: \"DENY\" is no action", "remedy: one of SCMP_ACT"]);
        refused(r#"{"defaultAction": "SCMP_ACT_NOTIFY"}"#, &["SCMP_ACT_NOTIFY needs a program"]);
        refused(&denying(r#""execve""#, 1), &["it denies execve", "cause: ", "remedy: "]);
        let missing = ["run", "--seccomp", "/nowhere/x.json", "true"];
        let words = ["/nowhere/x.json", "No such file", "--seccomp unconfined"];
        nsctl(who, missing).run().expect_error(125, &words);
    });
}

#[test]
fn names_of_no_call_are_left_out_and_said_when_asked() {
    as_each(|who| {
        let profile = file(who, &denying(r#""no_such_call", "mkdir""#, 1));
        let quiet = nsctl(who, ["run", "--seccomp", &profile, "true"]).run();
        assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""));
        let told = nsctl(who, ["-v", "run", "--seccomp", &profile, "true"]).run();
        assert!(told.stderr.contains("no_such_call"), "{told:?}");
    });
}

#[test]
fn the_dry_run_shows_who_loads_the_filter() {
    as_each(|who| {
        let profile = file(who, &denying(r#""mkdir""#, 1));
        let shown = |options: &[&str]| {
            let all = [&["run", "--dry-run", "--seccomp", &profile][..], options, &["true"]];
            nsctl(who, all.concat()).run().success().to_string()
        };
        let nsinits = shown(&[]);
        let line = nsinits.lines().rev().nth(1).unwrap();
        assert!(line.starts_with("inside   nsinit: seccomp("), "{nsinits}");
        let own = shown(&["--no-init"]);
        assert!(own.lines().rev().nth(1).unwrap().starts_with("inside   seccomp("), "{own}");
    });
}

#[test]
fn a_command_that_cannot_start_under_the_filter_is_reported() {
    as_each(|who| {
        // Its interpreter is missing: the kernel says so at execve, which the filter allows.
        let path = who.directory().join("script");
        fs::write(&path, "#!/nowhere/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let ran = run(who, &denying(r#""mkdir""#, 1), &[], &[path.to_str().unwrap()]);
        ran.expect_error(126, &["script", "ENOENT"]);
    });
}
