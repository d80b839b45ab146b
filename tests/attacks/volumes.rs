//! Volumes whose place inside was chosen by somebody hostile.

use std::fs;
use std::os::unix::fs::symlink;

use super::victim::{MARK, Victim, own};
use crate::common::{Who, as_each, nsctl, shell, skip};

/// A directory with a file `given`, which the caller shows.
fn volume(victim: &Victim) -> String {
    let volume = victim.who.directory().join("volume");
    fs::create_dir(&volume).unwrap();
    fs::write(volume.join("given"), "given").unwrap();
    own(victim.who, &volume);
    volume.to_str().unwrap().to_string()
}

#[test]
fn cve_2019_18837_a_place_is_never_outside_of_the_root() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let volume = volume(&victim);
        let option = format!("{volume}:/data/sub");
        for target in [
            victim.directory.clone(),
            victim.climbing(),
            "/etc".into(),
            "/not/there".into(),
            "../../..".into(),
            "/data2".into(),
        ] {
            victim.link("data2", "/etc");
            victim.link("data", &target);
            for way in [&["-v", &option][..], &["--overlay", "-v", &option]] {
                assert_eq!(victim.run(way, "cat /data/sub/given").success(), "given");
            }
            for (way, file) in [
                (&["--tmpfs", "/data/sub"][..], "/data/sub/new"),
                (&["--file", "/data/sub/new=given"], "/data/sub/new"),
                (&["--symlink", "/data/new=/etc/passwd"], "/data/new"),
            ] {
                victim.run(way, &format!("echo x >{file}; cat {file}")).success();
            }
        }
        let names: Vec<_> =
            fs::read_dir(victim.at("etc")).unwrap().flatten().map(|e| e.file_name()).collect();
        assert!(!names.iter().any(|name| name == "sub" || name == "new"), "{names:?}");
    });
}

#[test]
fn cve_2021_30465_cve_2024_45310_links_in_circles_are_an_error() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let option = format!("{}:/a/b", volume(&victim));
        for (a, b) in [("a", "b"), ("/b", "/a"), ("b/x", "a/y")] {
            victim.link("a", b);
            victim.link("b", a);
            let ran = victim.run(&["-v", &option], "true");
            ran.expect_error(125, &["cannot mount", "/a/b", "ELOOP", "cause: ", "symbolic link"]);
        }
    });
}

/// What is written to or read from /proc is the kernel's, wherever a link leads.
#[test]
fn cve_2019_16884_cve_2019_19921_cve_2025_52881_no_link_brings_a_mount_into_proc() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let volume = volume(&victim);
        let directory = format!("{volume}:/data");
        let file = format!("{volume}/given:/data");
        for (target, is_directory) in [
            ("/proc", true),
            ("/proc/self", true),
            ("/proc/1/attr", true),
            ("/proc/sys", true),
            ("/proc/sys/kernel", true),
            ("/proc/missing", true),
            ("/proc/self/missing", true),
            ("/proc/sys/kernel/core_pattern", false),
            ("/proc/sysrq-trigger", false),
            ("/proc/self/environ", false),
            ("/proc/self/missing", false),
        ] {
            victim.link("data", target);
            let mut ways: Vec<Vec<&str>> = match is_directory {
                true => vec![
                    vec!["-v", &directory],
                    vec!["--tmpfs", "/data"],
                    vec!["--mount", "type=tmpfs,dst=/data/x"],
                    vec!["--symlink", "/data/x=/etc"],
                ],
                false => vec![vec!["-v", &file], vec!["--file", "/data=x"]],
            };
            for way in &mut ways {
                let ran = victim.run(way, "true");
                ran.expect_error(125, &["PROC_SUPER_MAGIC", "cause: ", "/proc"]);
                way.insert(0, "--overlay");
                victim.run(way, "true").expect_code(125);
            }
        }
        for place in ["/proc", "/proc/self", "/proc/sys/kernel/core_pattern", "/proc/missing"] {
            let option = format!("{volume}:{place}");
            victim.run(&["-v", &option], "true").expect_error(125, &["/proc"]);
        }
    });
}

#[test]
fn a_place_that_is_the_root_or_climbs_is_refused() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let volume = volume(&victim);
        for place in ["/", "//", "/.", "/..", "/a/../..", "..", "", "a"] {
            let option = format!("{volume}:{place}");
            victim.run(&["-v", &option], "true").expect_error(125, &["cannot read --volume"]);
        }
    });
}

/// A directory link in a volume leads where it leads inside, not on the host.
#[test]
fn cve_2024_9675_links_in_a_volume_are_followed_inside() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let volume = volume(&victim);
        symlink(&victim.directory, format!("{volume}/out")).unwrap();
        symlink(&victim.file, format!("{volume}/file")).unwrap();
        let first = format!("{volume}:/volume");
        let second = format!("{volume}:/volume/out/new");
        let options = ["-v", &first, "-v", &second];
        let look = "cat /volume/file; cat /volume/out/new/given";
        let ran = victim.run(&options, look);
        assert_eq!(ran.success(), "given", "{ran:?}");
        assert!(!std::path::Path::new(&volume).join("new").exists());
    });
}

/// Of what is mounted in a directory that is shared both ways the host would keep a part.
#[test]
fn nothing_is_mounted_on_the_host_through_a_shared_volume() {
    if !nix::unistd::geteuid().is_root() {
        return skip("as root: only then mounts travel to the host");
    }
    let Some(victim) = Victim::new(Who::Root) else { return };
    let volume = volume(&victim);
    victim.link("link", "/shared/sub");
    let root = victim.root.display();
    for place in ["/shared/sub", "/shared/missing/too", "/link", "/link/missing"] {
        // Another mount namespace plays the host.
        let script = format!(
            "unshare -m sh -ec 'mkdir -p $HOME/s; mount -t tmpfs none $HOME/s; mount --make-shared $HOME/s
             mkdir $HOME/s/sub; cat /proc/self/mountinfo >$HOME/before
             \"$NSCTL\" run --rootfs {root} -v $HOME/s:/shared:rshared -v {volume}:{place} true || echo code $?
             cat /proc/self/mountinfo >$HOME/after; ls -A $HOME/s $HOME/s/sub; cmp $HOME/before $HOME/after'"
        );
        let ran = shell(Who::Root, &script).run();
        ran.expect_code(0);
        assert!(ran.stdout.starts_with("code 125\n"), "{place}: {ran:?}");
        assert!(ran.stderr.contains("travel") && ran.stderr.contains("remedy: "), "{ran:?}");
        assert!(!ran.stdout.contains("missing"), "{place}: {ran:?}");
    }
    victim.expect_untouched("shared volumes");
}

/// A stand-in for a directory forbids what the directory's mount forbids.
#[test]
fn a_read_only_volume_stays_read_only_around_a_mount_point() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let volume = volume(&victim);
        let first = format!("{volume}:/volume:ro,noexec");
        let second = format!("{volume}:/volume/missing");
        let options = ["-v", &first, "-v", &second];
        let try_it = "echo x >/volume/new; echo x >/volume/given; cat /volume/missing/given";
        let ran = victim.run(&options, try_it);
        assert_eq!(ran.success(), "given");
        assert_eq!(ran.stderr.matches("Read-only file system").count(), 2, "{ran:?}");
        let flags = victim.run(&options, "grep ' /volume ' /proc/self/mounts").stdout;
        for line in flags.lines() {
            assert!(line.contains("ro,") && line.contains("noexec"), "{flags}");
        }
    });
}

/// Somebody who may write where changes are kept must not choose where on the host.
#[test]
fn the_layer_for_changes_is_no_link() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        for name in ["upper", "work"] {
            let kept = who.directory();
            symlink(&victim.directory, kept.join(name)).unwrap();
            let option = format!("--overlay={}", kept.display());
            let ran = victim.run(&[&option], "echo evil >/file; echo evil >/new; cat /sub");
            ran.expect_error(125, &["cannot make the root file system", "ELOOP", "cause: ", name]);
        }
    });
}

/// The root of the host can be given too; then it is as it was asked for.
#[test]
fn a_volume_shows_the_host_only_when_asked() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        let option = format!("{}:/host:ro", victim.directory.display());
        let root = victim.root.to_str().unwrap();
        let words = ["run", "--rootfs", root, "-v", &option, "cat", "/host/file"];
        assert_eq!(nsctl(who, words).run().success(), MARK);
    });
}
