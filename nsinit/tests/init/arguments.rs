//! What the workload is given: arguments, name, directory, environment.

use crate::harness::{MODES, Mode, Run, can, image};
use crate::subject::ours;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

const SHOW: &str = "for word; do printf '[%s]' \"$word\" | od -An -tx1 | tr -d '\\n '; echo; done";

#[test]
fn arguments_behind_the_program_are_untouched() {
    let words: [&[u8]; 9] =
        [b"", b"-v", b"--", b"--help", b"a b", b"\xff\xfe", b"$HOME", b"'\"\\", b"\n"];
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        for end in [&["--"][..], &[]] {
            let mut arguments: Vec<OsString> = end.iter().map(OsString::from).collect();
            arguments.extend(["sh", "-c", SHOW, "sh"].map(OsString::from));
            arguments.extend(words.iter().map(|word| OsStr::from_bytes(word).to_owned()));
            let done = Run::new(mode, arguments).finish();
            let expected: Vec<String> = words
                .iter()
                .map(|word| {
                    let word = [b"[", *word, b"]"].concat();
                    word.iter().map(|byte| format!("{byte:02x}")).collect()
                })
                .collect();
            assert_eq!(done.out, expected, "{mode:?} {}", done.err);
        }
    }
}

#[test]
fn a_megabyte_and_a_half_of_arguments_arrives() {
    let long = "x".repeat(125_000);
    let mut arguments = vec!["sh", "-c", "for word; do echo ${#word}; done", "sh"];
    arguments.extend([long.as_str(); 12]);
    let done = Run::new(Mode::Child, arguments).finish();
    assert_eq!(done.out, ["125000"; 12], "{}", done.err);
}

#[test]
fn a_program_may_have_the_name_of_an_option() {
    let directory = std::env::temp_dir().join(format!("nsinit-option-{}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    let program = directory.join("-v");
    fs::write(&program, "#!/bin/sh\necho \"$@\"\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", directory.display());
    let done = Run::new(Mode::Child, ["--", "-v", "-h"]).env("PATH", &path).finish();
    assert_eq!(done.out, ["-h"], "{}", done.err);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_lone_dash_is_no_option() {
    let done = Run::new(Mode::Child, ["-"]).finish();
    assert_eq!((done.code, done.err.as_str()), (127, "nsinit: -: No such file or directory\n"));
}

#[test]
fn the_program_is_called_as_it_was_asked_for() {
    let show = ["-c", "tr '\\0' '\\n' < /proc/$$/cmdline; exit 0"];
    let done = Run::new(Mode::Child, ["sh", show[0], show[1]]).finish();
    assert_eq!(done.out, ["sh", show[0], show[1]]);
    if !ours() {
        return;
    }
    let done = Run::new(Mode::Child, ["--argv0", "-sh", "sh", show[0], show[1]]).finish();
    assert_eq!(done.out[0], "-sh");
}

#[test]
fn no_arguments_at_all_are_no_program() {
    // Not even a name of its own. (Linux 5.18 puts an empty one there.)
    let own = std::env::current_exe().unwrap();
    let done = std::process::Command::new(own)
        .env("NSINIT_TEST_PAYLOAD", "argc0")
        .env("NSINIT_TEST_IMAGE", image("nsinit"))
        .output()
        .unwrap();
    let (code, err) = (done.status.code(), String::from_utf8_lossy(&done.stderr));
    assert!(code.is_some_and(|code| code > 0) && !err.is_empty(), "{done:?}");
    if ours() {
        assert_eq!(code, Some(125));
        assert!(err.starts_with("nsinit: no program given"), "{err}");
    }
}

#[test]
fn directory_umask_and_environment_are_kept() {
    let directory = std::env::temp_dir().canonicalize().unwrap();
    for mode in MODES.into_iter().filter(|mode| can(*mode)) {
        let done = Run::shell(
            mode,
            "pwd; umask; echo \"$MARK\"; env | sort; cat /proc/$PPID/cwd/etc/hostname",
        )
        .wrapper(&["sh", "-c", "umask 027; exec \"$@\"", "sh"])
        .directory(&directory)
        .env("MARK", "a\u{e9} b")
        .env("NSINIT_OPTIONS", "-v")
        .finish();
        assert_eq!(done.out[0], directory.display().to_string());
        assert_eq!(done.out[1], "0027");
        assert_eq!(done.out[2], "a\u{e9} b");
        assert!(done.out.contains(&"NSINIT_OPTIONS=-v".to_owned()), "{:?}", done.out);
    }
}
