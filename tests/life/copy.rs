//! `nsctl cp`: out and in again, and nothing of the host's by the container's links.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::Home;
use crate::common::{as_each, busybox_root, tree, write_as};

fn start(home: &Home, root: &Path) {
    let root = root.to_str().unwrap();
    home.start(&["--rootfs", root, "--overlay", "--name", "c", "sleep", "1000"]);
}

#[test]
fn what_is_copied_in_and_out_again_is_the_same() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let home = Home::new(who);
        start(&home, &root);
        let here = who.directory();
        let make = "mkdir -p d/sub; echo one > d/a; printf x > d/sub/b; chmod 640 d/a; chmod 4755 d/sub/b; ln -s /etc/passwd d/link; mkfifo d/pipe";
        let path = here.to_str().unwrap();
        let made = crate::common::shell(who, &format!("cd {path}; {make}")).run();
        made.success();
        let ran = home.run(&["cp", &format!("{path}/d"), "c:/tmp"]);
        ran.success();
        assert!(ran.stderr.contains("d/pipe is left out"), "{}", ran.stderr);
        let seen = home.run(&[
            "exec",
            "c",
            "sh",
            "-c",
            "cd /tmp/d; cat a sub/b; stat -c '%a %u %n' a sub/b; readlink link",
        ]);
        assert_eq!(seen.success(), "one\nx640 0 a\n755 0 sub/b\n/etc/passwd");
        home.run(&["cp", "c:/tmp/d", &format!("{path}/back")]).success();
        fs::remove_file(here.join("d/pipe")).unwrap();
        let names = |of: &str| -> Vec<String> {
            tree(&here.join(of)).iter().map(|line| line.replace(&format!("/{of}"), "")).collect()
        };
        let (mut there, mut back) = (names("d"), names("back"));
        there.sort();
        back.sort();
        assert_eq!(there, back);
        let found = fs::metadata(here.join("back/a")).unwrap();
        assert_eq!((found.mode() & 0o7777, found.uid()), (0o640, who.uid()));
        // Into what is there, only what is in it.
        home.run(&["cp", "c:/tmp/d/.", path]).success();
        assert_eq!(fs::read_to_string(here.join("a")).unwrap(), "one\n");
        home.run(&["cp", "c:/nothing", path]).expect_error(125, &["c:/nothing", "ENOENT"]);
        home.run(&["cp", path, "c:/no/such/place"]).expect_error(125, &["c:/no/such/place"]);
        home.run(&["cp", "c:/tmp", "c:/var"]).expect_error(125, &["one of both"]);
        home.run(&["stop", "c"]).success();
        home.run(&["cp", "c:/tmp/d", path]).expect_error(125, &["not running"]);
    });
}

/// CVE-2018-15664, CVE-2019-14271
#[test]
fn a_link_inside_leads_nowhere_outside() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let home = Home::new(who);
        let secret = who.directory();
        write_as(who, secret.join("secret"), "of the host\n");
        let secret = secret.to_str().unwrap().to_string();
        start(&home, &root);
        let plant = format!(
            "ln -s {secret} /tmp/absolute; ln -s ../../../../../../..{secret} /tmp/relative;
             ln -s /proc/1/root{secret} /tmp/magic; ln -s /proc/self/cwd /tmp/cwd"
        );
        home.run(&["exec", "c", "sh", "-c", &plant]).success();
        let here = who.directory();
        let here = here.to_str().unwrap();
        for link in ["absolute", "relative", "magic", "cwd"] {
            let from = format!("c:/tmp/{link}/secret");
            let ran = home.run(&["cp", &from, here]);
            assert_eq!(ran.code, Some(125), "{ran:?}");
            let into = format!("c:/tmp/{link}/planted");
            let ran = home.run(&["cp", &format!("{secret}/secret"), &into]);
            assert_eq!(ran.code, Some(125), "{ran:?}");
        }
        assert_eq!(fs::read_dir(&secret).unwrap().count(), 1);
        assert_eq!(fs::read_dir(here).unwrap().count(), 0);
        // What lies here as a link is replaced, not followed.
        let victim = who.directory();
        write_as(who, victim.join("file"), "safe\n");
        symlink(victim.join("file"), format!("{here}/word")).unwrap();
        home.run(&["exec", "c", "sh", "-c", "echo bad > /tmp/word"]).success();
        home.run(&["cp", "c:/tmp/word", here]).success();
        assert_eq!(fs::read_to_string(victim.join("file")).unwrap(), "safe\n");
        let mode = fs::symlink_metadata(format!("{here}/word")).unwrap().permissions().mode();
        assert_eq!(mode & 0o170_000, 0o100_000);
    });
}
