//! `nsctl init-file`: the carried init as a file.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::common::{as_each, nsctl, shell};

#[test]
fn the_file_is_the_init_and_executable_for_all() {
    as_each(|who| {
        let file = who.directory().join("nsinit");
        nsctl(who, ["init-file".as_ref(), file.as_os_str()]).run().expect_code(0);
        let there = fs::metadata(&file).unwrap();
        assert_eq!(there.permissions().mode() & 0o7777, 0o755);
        assert_eq!((there.uid(), there.nlink()), (who.uid(), 1));
        let ran = shell(who, &format!("{} -- sh -c 'exit 7'", file.display())).run();
        ran.expect_code(7);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "and nothing beside");
    });
}

#[test]
fn the_umask_changes_nothing() {
    as_each(|who| {
        let script = "umask 077; \"$NSCTL\" init-file $HOME/i; stat -c %a $HOME/i";
        assert_eq!(shell(who, script).run().success(), "755");
    });
}

#[test]
fn a_file_that_is_there_is_replaced_only_by_force() {
    as_each(|who| {
        let script = r#"cd $HOME; echo old > i; ln i other; "$NSCTL" init-file i"#;
        let ran = shell(who, script).run();
        ran.expect_error(125, &["cannot write the init to i: it exists already", "--force i"]);
        // The old file stays as it was for whoever has it by another name, or executes it.
        let script = r#"cd $HOME; echo old > i; ln i other; "$NSCTL" init-file --force i
            cat other; ./i --version; rm i; ln -s other i; "$NSCTL" init-file -f i; cat other
            ./i sh -c '"$NSCTL" init-file -f i; ./i true; echo $?'; ls -A"#;
        let ran = shell(who, script).run();
        let lines: Vec<&str> = ran.success().lines().collect();
        assert_eq!(lines[0], "old", "{ran:?}");
        assert!(lines[1].starts_with("nsinit "), "{ran:?}");
        assert_eq!(lines[2..], ["old", "0", "i", "other"], "{ran:?}");
    });
}

#[test]
fn standard_output_is_a_dash() {
    as_each(|who| {
        let script = r#""$NSCTL" init-file - > $HOME/a; "$NSCTL" init-file $HOME/b; cmp $HOME/a $HOME/b; "$NSCTL" init-file - | wc -c | tr -d ' '; stat -c %s $HOME/b"#;
        let ran = shell(who, script).run();
        let lines: Vec<&str> = ran.success().lines().collect();
        assert_eq!(lines[0], lines[1], "{ran:?}");
        // Nobody wants it on the screen. (script(1) gives it a terminal.)
        let script = r#"script -qec '"$NSCTL" init-file -' /dev/null; echo $?"#;
        let ran = shell(who, script).run();
        assert!(ran.success().contains("it is a terminal"), "{ran:?}");
        assert!(ran.success().ends_with("125"), "{ran:?}");
    });
}

#[test]
fn what_is_no_place_for_it_is_named() {
    as_each(|who| {
        for (path, words) in [
            ("/", "it is a directory"),
            ("/dev/null", "it is not a regular file"),
            ("/no/such/nsinit", "No such file or directory"),
            ("", "a value is required for '<PATH>'"),
            ("..", "it is a directory"),
        ] {
            nsctl(who, ["init-file", "-f", path]).run().expect_error(125, &[words]);
        }
    });
}
