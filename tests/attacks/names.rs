//! Names that somebody hostile chose, in messages: none speaks to the terminal.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::victim::{Victim, own, speaks_to_the_terminal};
use crate::common::{as_each, nsctl};

/// A window title, a red word, a line that looks like ours, and bytes that are no text.
const EVIL: &[u8] = b"\x1b]0;evil\x07\x1b[31m\nnsctl: all is well\r\xff\xe2\x80\xae";

fn evil(prefix: &[u8]) -> std::ffi::OsString {
    std::ffi::OsString::from_vec([prefix, EVIL].concat())
}

#[test]
fn no_name_in_a_message_speaks_to_the_terminal() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let hostile = victim.root.with_file_name(OsStr::from_bytes(EVIL));
        fs::create_dir(&hostile).unwrap();
        own(who, &hostile);
        std::os::unix::fs::symlink("/nowhere", hostile.join("dev")).unwrap();
        let loops = victim.root.join(OsStr::from_bytes(EVIL));
        std::os::unix::fs::symlink(OsStr::from_bytes(EVIL), &loops).unwrap();
        let root = victim.root.as_os_str();
        let place = |option: &[u8]| evil(&[option, b":/"].concat());
        let tries: Vec<Vec<std::ffi::OsString>> = vec![
            vec!["--rootfs".into(), hostile.clone().into()],
            vec!["--rootfs".into(), hostile.join("no").into()],
            vec!["--rootfs".into(), root.into(), "-v".into(), evil(b"/")],
            vec!["--rootfs".into(), root.into(), "-v".into(), place(b"/nowhere")],
            // Through a link that leads to itself.
            vec!["--rootfs".into(), root.into(), "-v".into(), place(b"/etc")],
            vec!["--rootfs".into(), root.into(), "--tmpfs".into(), evil(b"/")],
            vec!["--rootfs".into(), root.into(), "--mount".into(), evil(b"type=")],
            vec!["--rootfs".into(), root.into(), "--workdir".into(), evil(b"/")],
            vec!["--rootfs".into(), root.into(), "--overlay-lower".into(), evil(b"/")],
            vec!["--rootfs".into(), root.into(), "--user".into(), evil(b"")],
        ];
        for options in tries {
            let words = [&["run".into()], &options[..], &["true".into()]].concat();
            let ran = nsctl(who, words).run();
            assert_eq!(ran.code, Some(125), "{options:?}: {ran:?}");
            assert_quiet(&ran.stderr);
        }
        let words = ["run".into(), "--rootfs".into(), root.to_os_string(), evil(b"/")];
        let ran = nsctl(who, words).run();
        assert!(ran.code == Some(127) || ran.code == Some(126), "{ran:?}");
        assert_quiet(&ran.stderr);
        let words = ["run".into(), "--dry-run".into(), "-v".into(), place(b"/etc"), "true".into()];
        let ran = nsctl(who, words).run();
        assert!(!speaks_to_the_terminal(&ran.stdout), "{ran:?}");
    });
}

fn assert_quiet(text: &str) {
    assert!(!speaks_to_the_terminal(text), "{text:?}");
    assert!(!text.contains('\u{202e}'), "{text:?}");
    let pretends = text.lines().skip(1).any(|line| line.starts_with("nsctl:"));
    assert!(!pretends, "{text:?}");
}

/// What a name in a root may hold is shown and used as it is.
#[test]
fn names_that_are_no_text_are_kept_as_they_are() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let name: PathBuf = Path::new("/").join(OsStr::from_bytes(EVIL));
        fs::create_dir(victim.root.join(OsStr::from_bytes(EVIL))).unwrap();
        own(who, &victim.root.join(OsStr::from_bytes(EVIL)));
        // Also by a stand-in for the root, which copies its names.
        for extra in [&[][..], &["--tmpfs", "/missing"]] {
            let mut words: Vec<std::ffi::OsString> =
                vec!["run".into(), "--rootfs".into(), victim.root.clone().into()];
            words.extend(extra.iter().map(std::ffi::OsString::from));
            words.extend(["--workdir".into(), name.clone().into(), "sh".into(), "-c".into()]);
            words.push(
                "touch here; pwd | busybox od -An -tx1 | tr -d ' \\n'"
                    .replace("tr ", "busybox tr ")
                    .into(),
            );
            let ran = nsctl(who, words).run();
            let expected: String =
                name.as_os_str().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(ran.success(), format!("{expected}0a"), "{extra:?}");
            assert!(victim.root.join(OsStr::from_bytes(EVIL)).join("here").exists());
        }
    });
}
