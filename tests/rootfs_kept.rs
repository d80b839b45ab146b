//! Changes that are kept in a directory: by one container at a time, whatever ended the last.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::common::{Nsctl, Who, as_each, busybox_root, nsctl};

struct Kept {
    who: Who,
    root: PathBuf,
    changes: PathBuf,
}

fn kept(who: Who) -> Option<Kept> {
    Some(Kept { who, root: busybox_root(who)?, changes: who.directory() })
}

impl Kept {
    fn run(&self, script: &str) -> Nsctl {
        let (root, layer) = (self.root.display(), format!("--overlay={}", self.changes.display()));
        nsctl(self.who, ["run", "-i", "--rootfs", &root.to_string(), &layer, "sh", "-c", script])
    }

    /// Files of whoever the container is on the host, whatever made them.
    fn make(&self, path: &str, script: &str) {
        let mut made = nsctl(self.who, ["run", "sh", "-c", script, "sh"]);
        made.command.arg(self.changes.join(path));
        made.run().success();
    }
}

/// A container that waits for the end of its standard input.
fn waiting(kept: &Kept) -> (std::process::Child, super::common::Tag) {
    let mut run = kept.run("echo kept >/etc/new; rm -r /tmp; echo ready; cat");
    let mut child = run.spawn();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    (child, run.tag)
}

#[test]
fn two_containers_do_not_keep_changes_in_one_directory() {
    as_each(|who| {
        let Some(kept) = kept(who) else { return };
        let (mut first, tag) = waiting(&kept);
        let words = ["another container keeps its changes in", "nsctl ps", "LOCK_EX"];
        kept.run("true").run().expect_error(125, &words);
        let mount = format!(
            "type=overlay,lowerdir={},upper={},dst=/x",
            kept.root.display(),
            kept.changes.display()
        );
        nsctl(who, ["run", "--mount", &mount, "true"]).run().expect_error(125, &words);
        first.stdin.take().unwrap().flush().unwrap();
        assert!(first.wait().unwrap().success());
        tag.expect_none_within(Duration::from_secs(1));
        assert_eq!(kept.run("cat /etc/new").run().success(), "kept");
    });
}

#[test]
fn a_container_that_was_killed_leaves_changes_that_go_on() {
    as_each(|who| {
        let Some(kept) = kept(who) else { return };
        let (mut first, tag) = waiting(&kept);
        first.kill().unwrap();
        first.wait().unwrap();
        tag.expect_none_within(Duration::from_secs(1));
        // What the kernel had in its hands, deeper than it clears away itself.
        kept.make(
            "work/work",
            "chmod 700 \"$1\"; mkdir -p \"$1/#1/a/b/c\"; echo x >\"$1/#1/a/b/x\"; chmod 0 \"$1\"",
        );
        let script = "cat /etc/new; rm /etc/group; ls -d /tmp 2>/dev/null || echo gone";
        assert_eq!(kept.run(script).run().success(), "kept\ngone");
        assert_eq!(
            kept.run("ls /etc").run().success(),
            "hostname\nhosts\nnew\npasswd\nresolv.conf"
        );
    });
}

#[test]
fn changes_that_cannot_be_kept_are_an_error_and_not_a_read_only_root() {
    as_each(|who| {
        let Some(kept) = kept(who) else { return };
        // Not the kernel's, so not ours to remove.
        kept.make("work/work", "mkdir -p \"$1/own/work/of/somebody\"");
        let words = ["what an earlier container left in", "rm -rf", "read-only"];
        kept.run("true").run().expect_error(125, &words);
        // Of every overlay, not of the root's alone.
        let mount = format!(
            "type=overlay,lowerdir={},upper={},dst=/srv",
            kept.root.display(),
            kept.changes.display()
        );
        nsctl(who, ["run", "--mount", &mount, "true"]).run().expect_error(125, &words);
        assert!(is_there(&kept.changes.join("work/work/own/work/of/somebody")));
    });
}

fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() != 0)
}
