//! What nsinit exits with.

use crate::harness::{MODES, Mode, Run, can, is_root, line, own_image};
use crate::subject::ours;
use crate::sys::Before;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

#[test]
fn every_exit_code_is_kept() {
    // One shell that tries them all, instead of 256 processes of ours.
    let nsinit = line();
    let script = format!(
        "c=0; while [ $c -lt 256 ]; do {} sh -c \"exit $c\"; [ $? = $c ] || echo $c; c=$((c+1)); done",
        nsinit
    );
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let done = Run::shell(mode, &script).finish();
        assert_eq!((done.code, done.out), (0, vec![]), "{mode:?} {}", done.err);
    }
}

#[test]
fn death_by_any_signal_is_128_and_its_number() {
    let nsinit = line();
    // Those whose default is to end the process; 32 and 33 belong to the C library, 34 and 64 do
    // not exist for many another init.
    let script = format!(
        "for s in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 24 25 26 27 29 30 31 34 35 50 63 64; do \
           {} sh -c \"ulimit -c 0; kill -$s \\$\\$\"; c=$?; \
           [ $c = $((128+s)) ] || echo $s was $c; \
         done",
        nsinit
    );
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let done = Run::shell(mode, &script).finish();
        assert_eq!((done.code, done.out), (0, vec![]), "{mode:?} {}", done.err);
    }
}

#[test]
fn a_missing_program_is_127_and_is_named() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        for name in ["no-such-program", "./no-such-program", "/no/such/program"] {
            let done = Run::new(mode, ["--", name]).finish();
            assert_eq!(done.code, 127, "{mode:?} {name}");
            done.complains(&format!("nsinit: {name}: No such file or directory\n"), name);
            assert_eq!(done.out, [""; 0]);
        }
    }
}

#[test]
fn an_empty_name_is_a_missing_program() {
    assert_eq!(Run::new(Mode::Child, [""]).finish().code, 127);
}

/// A directory with files that cannot be executed, each for its reason.
fn directory(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("nsinit-exec-{name}-{}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

fn file(path: PathBuf, contents: &[u8], mode: u32) -> PathBuf {
    fs::write(&path, contents).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn what_may_not_be_executed_is_126() {
    let directory = directory("denied");
    let denied = file(directory.join("denied"), b"#!/bin/sh\n", 0o644);
    cannot_be_executed(&[
        (denied.display().to_string(), "Permission denied"),
        (directory.display().to_string(), "Permission denied"),
    ]);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn what_cannot_be_executed_is_126() {
    let directory = directory("cannot");
    let no_interpreter = file(directory.join("interpreter"), b"#!/no/such/interpreter\n", 0o755);
    // An ELF file for a processor that is not this one.
    let mut elf = nsinit::IMAGE.to_vec();
    elf[18] = 0xfe;
    let foreign = file(directory.join("foreign"), &elf, 0o755);
    let binary = file(directory.join("binary"), b"\0\x01\x02\n", 0o755);
    cannot_be_executed(&[
        (no_interpreter.display().to_string(), "its interpreter or loader is missing"),
        (foreign.display().to_string(), "Exec format error"),
        (binary.display().to_string(), "Exec format error"),
    ]);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_path_that_cannot_be_followed_is_126() {
    let directory = directory("path-to");
    let plain = file(directory.join("plain"), b"", 0o644);
    let loop_ = directory.join("loop");
    std::os::unix::fs::symlink("loop", &loop_).unwrap();
    cannot_be_executed(&[
        (format!("{}/x", plain.display()), "Not a directory"),
        (loop_.display().to_string(), "Too many levels of symbolic links"),
        (format!("./{}", "x".repeat(300)), "File name too long"),
        (format!("./{}", "x/".repeat(3000)), "File name too long"),
    ]);
    fs::remove_dir_all(directory).unwrap();
}

/// Each of the programs, and why not.
fn cannot_be_executed(cases: &[(String, &str)]) {
    for (path, reason) in cases {
        let done = Run::new(Mode::Child, [path]).finish();
        assert_eq!(done.code, 126, "{path}");
        if !ours() {
            continue;
        }
        // The name may have been too long for the message, too.
        let shown = path.get(..400).unwrap_or(path);
        assert!(done.err.starts_with(&format!("nsinit: {shown}")), "{}", done.err);
        assert!(path.len() > 400 || done.err.ends_with(&format!("{reason}\n")), "{}", done.err);
    }
}

#[test]
fn arguments_that_are_too_long_are_126() {
    // The stack's limit is what limits them: four times of what fits into a quarter of it.
    let done = Run::shell(Mode::Child, "exit 0")
        .before(Before::Limit(libc::RLIMIT_STACK, 8 << 20))
        .finish();
    assert_eq!(done.code, 0);
    let nsinit = line();
    let script = format!(
        "ulimit -s 512; a=xxxxxxxxxxxxxxxx; a=$a$a$a$a$a$a$a$a; a=$a$a$a$a$a$a$a$a; a=$a$a$a$a$a$a$a$a; \
         {} sh -c 'ulimit -s 64; exec {} /bin/true \"$@\"' sh $a $a $a $a $a $a $a $a $a $a",
        nsinit, nsinit
    );
    let done = Run::shell(Mode::Child, &script).finish();
    assert_eq!(done.code, 126, "{}", done.err);
    assert!(done.err.contains("Argument list too long"), "{}", done.err);
}

#[test]
fn a_script_without_an_interpreter_line_is_run_by_the_shell() {
    let directory = directory("script");
    let script = file(directory.join("script"), b"echo \"$0\" \"$@\"; exit 5\n", 0o755);
    let empty = file(directory.join("empty"), b"", 0o755);
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let done = Run::new(mode, ["--".as_ref(), script.as_os_str(), "a b".as_ref()]).finish();
        assert_eq!(done.code, 5);
        assert_eq!(done.out, [format!("{} a b", script.display())]);
        // Found by PATH, and with nothing before it that could be overwritten.
        let path = format!("{}:/usr/bin:/bin", directory.display());
        let done = Run::new(mode, ["script", "c"]).env("PATH", &path).finish();
        assert_eq!(done.out, [format!("{} c", script.display())]);
        assert_eq!(Run::new(mode, [&empty]).finish().code, 0);
    }
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_missing_program_is_not_found_even_beside_directories_that_cannot_be_searched() {
    let directory = directory("path");
    let closed = directory.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let held = directory.join("held");
    fs::create_dir_all(held.join("tool")).unwrap();
    let plain = file(directory.join("plain"), b"", 0o644);
    let denied = directory.join("denied");
    fs::create_dir(&denied).unwrap();
    file(denied.join("tool"), b"#!/bin/sh\n", 0o644);
    let good = directory.join("good");
    fs::create_dir(&good).unwrap();
    file(good.join("tool"), b"#!/bin/sh\nexit 9\n", 0o755);
    let name = |part: &PathBuf| part.display().to_string();
    for (path, code) in [
        (name(&closed), 127),
        (format!("{}:/nowhere", name(&closed)), 127),
        // A file, not a directory; and a directory of the program's name.
        (format!("{}:{}", name(&plain), name(&held)), 127),
        (format!("{}:{}", name(&closed), name(&good)), 9),
        // What was found and denied is denied if nothing better comes.
        (format!("{}:{}", name(&denied), name(&closed)), 126),
        (format!("{}:{}", name(&denied), name(&good)), 9),
        (format!("{}:{}", "x".repeat(5000), name(&good)), 9),
    ] {
        // env(1) sets it last: the programs before it have to be found, too.
        let path = format!("PATH={path}");
        let done = Run::new(Mode::Child, ["tool"]).unprivileged().wrapper(&["env", &path]).finish();
        assert_eq!(done.code, code, "{path}: {}", done.err);
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn without_a_path_the_usual_directories_are_searched_and_an_empty_one_is_here() {
    let done = Run::new(Mode::Child, ["sh", "-c", "exit 3"]).without_env("PATH").finish();
    assert_eq!(done.code, 3);
    let directory = directory("here");
    file(directory.join("tool"), b"#!/bin/sh\nexit 4\n", 0o755);
    for path in ["", ":/nowhere", "/nowhere:"] {
        let done = Run::new(Mode::Child, ["tool"]).env("PATH", path).directory(&directory).finish();
        assert_eq!(done.code, 4, "{path:?}");
    }
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn no_program_is_a_usage_error_on_standard_error() {
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        for (name, code) in [("nsinit", 125), ("tini", 1), ("dumb-init", 1), ("catatonit", 1)] {
            for arguments in [&[][..], &["--"], &["-v"]] {
                let done = Run::new(mode, arguments).named(name).finish();
                if !ours() {
                    assert!(done.code > 0 && done.code < 128, "{done:?}");
                    assert!(!done.err.is_empty() && done.out.is_empty(), "{done:?}");
                    continue;
                }
                assert_eq!(done.code, code, "{name}");
                assert!(done.err.starts_with(&format!("{name}: no program given; usage: {name} ")));
                assert_eq!(done.out, [""; 0]);
            }
        }
    }
}

#[test]
fn a_limit_of_processes_is_told_and_ends_it() {
    if !is_root() {
        println!("skip: other processes of this user count, too");
        return;
    }
    // A user id that nobody else has.
    let done = Run::shell(Mode::Child, "exit 0")
        .wrapper(&["prlimit", "--nproc=1", "setpriv", "--reuid", "7654321", "--clear-groups", "--"])
        .finish();
    assert!(done.code == 125 || !ours() && (1..128).contains(&done.code), "{done:?}");
    done.complains("nsinit: cannot make a process: Resource temporarily unavailable\n", "");
    assert!(!done.err.is_empty());
}

#[test]
fn a_workload_that_somebody_else_has_reaped_still_ends_it() {
    // As if: that its end cannot be asked for any more is told by the kernel, by ECHILD.
    let gone = vec![libc::SYS_wait4, libc::SYS_waitid];
    let done = Run::new(Mode::Child, [own_image("nsinit").to_str().unwrap(), "--version"])
        .before(Before::Refuse(gone, libc::ECHILD))
        .finish();
    assert!((1..=255).contains(&done.code), "{done:?}");
    assert!(done.code == 125 || !ours(), "{done:?}");
}
