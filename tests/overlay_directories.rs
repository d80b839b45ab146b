//! `upperdir=` and `workdir=`, as mount(8) and podman have them.

use std::fs;
use std::path::PathBuf;

use super::common::{Ran, Who, as_each, busybox_root, nsctl, tree};

struct Directories {
    who: Who,
    root: PathBuf,
    upper: PathBuf,
    work: PathBuf,
}

/// Where names may have in them what options are parted by.
fn directories(who: Who, upper: &str, work: &str) -> Option<Directories> {
    let root = busybox_root(who)?;
    let home = who.directory();
    let made = [upper, work].map(|name| home.join(name));
    for directory in &made {
        fs::create_dir_all(directory).unwrap();
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(directory, Some(who.uid()), Some(who.gid())).unwrap();
        }
    }
    let [upper, work] = made;
    Some(Directories { who, root, upper, work })
}

impl Directories {
    fn run(&self, options: &[&str], script: &str) -> Ran {
        nsctl(self.who, [&["run"], options, &["sh", "-c", script]].concat()).run()
    }

    /// Each of the three ways to say it: options, and where the tree is then.
    fn ways(&self) -> [(Vec<String>, &'static str); 3] {
        let (root, upper, work) = (self.root.display(), self.upper.display(), self.work.display());
        let changes = format!("upperdir={upper},workdir={work}");
        let strings = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        [
            (
                strings(&["--mount", &format!("type=overlay,dst=/srv,lowerdir={root},{changes}")]),
                "/srv",
            ),
            (strings(&["-v", &format!("{root}:/srv:O,{changes}")]), "/srv"),
            (strings(&["--rootfs", &root.to_string(), &format!("--overlay={changes}")]), ""),
        ]
    }
}

#[test]
fn changes_go_to_the_directories_that_are_named() {
    as_each(|who| {
        let Some(dirs) = directories(who, "up", "deeper/work") else { return };
        let before = tree(&dirs.root);
        for (round, (options, at)) in dirs.ways().iter().enumerate() {
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            let script = format!("echo {round} >>{at}/etc/new; cat {at}/etc/new");
            let shown = ["0", "0\n1", "0\n1\n2"][round];
            assert_eq!(dirs.run(&options, &script).success(), shown, "{options:?}");
        }
        assert_eq!(fs::read_to_string(dirs.upper.join("etc/new")).unwrap(), "0\n1\n2\n");
        assert_eq!(tree(&dirs.root), before);
    });
}

#[test]
fn no_character_of_their_names_has_a_meaning() {
    as_each(|who| {
        let Some(dirs) = directories(who, r"u:p,p\e r", r"w,o:r\k") else { return };
        let (upper, work) = (dirs.upper.display(), dirs.work.display());
        let mount = format!(
            "type=overlay,dst=/srv,lowerdir={},\"upperdir={upper}\",\"workdir={work}\"",
            dirs.root.display()
        );
        dirs.run(&["--mount", &mount], "echo x >/srv/new").success();
        assert_eq!(fs::read_to_string(dirs.upper.join("new")).unwrap(), "x\n");
    });
}

#[test]
fn one_container_at_a_time_has_them() {
    use std::io::{BufRead, BufReader};
    as_each(|who| {
        let Some(dirs) = directories(who, "changes/upper", "changes/work") else { return };
        let whole = format!("--overlay={}", dirs.upper.parent().unwrap().display());
        let root = dirs.root.to_str().unwrap();
        let [(mount, _), _, _] = dirs.ways();
        let mut first =
            nsctl(who, ["run", "-i", "--rootfs", root, &whole, "sh", "-c", "echo ready; cat"]);
        let mut child = first.spawn();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let words = ["another container keeps its changes in", "nsctl ps"];
        let mount: Vec<&str> = mount.iter().map(String::as_str).collect();
        dirs.run(&mount, "true").expect_error(125, &words);
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
        dirs.run(&mount, "true").success();
    });
}

#[test]
fn directories_that_the_kernel_cannot_use_together_are_refused_with_the_reason() {
    as_each(|who| {
        let Some(dirs) = directories(who, "up", "up/work") else { return };
        let (root, up) = (dirs.root.to_str().unwrap(), dirs.upper.to_str().unwrap());
        let refused = |changes: String, words: &[&str]| {
            let overlay = format!("--overlay={changes}");
            dirs.run(&["--rootfs", root, &overlay], "true").expect_error(125, words);
        };
        refused(
            format!("upperdir={up},workdir={up}/work"),
            &["one is inside the other", "upper=DIR"],
        );
        refused(format!("upperdir={up},workdir=/dev/shm"), &["on two mounts", "remedy: "]);
        refused(format!("upperdir={up},workdir={up}/none"), &["there is no ", "/up/none"]);
        refused(format!("upperdir={up}"), &["upperdir= without workdir="]);
        refused(format!("upperdir={up},workdir={up},x=1"), &["--overlay=upperdir=DIR,workdir=DIR"]);
        refused(format!("upperdir={root}/tmp,workdir={up}"), &["part of what is changed"]);
    });
}
