//! A root of the container's own: what it is made of, where changes go, what it refuses.

use std::fs;
use std::path::Path;

use super::common::{Who, as_each, busybox_root, have, install, nsctl, skip, tree, write_as};

/// Runs a script of the root's sh with these options.
fn inside(who: Who, options: &[&str], script: &str) -> String {
    let ran = nsctl(who, [&["run"], options, &["sh", "-c", script]].concat()).run();
    ran.success().to_string()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_root_is_the_directory_and_the_host_is_out_of_reach() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        fs::write(root.join("mark"), "here").unwrap();
        let options = ["--rootfs", text(&root)];
        assert_eq!(inside(who, &options, "cat /mark /../../mark"), "herehere");
        let names = inside(who, &options, "ls /");
        assert_eq!(names, "bin\ndev\netc\nmark\nproc\nsys\ntmp");
        // Of the host's root nothing is mounted, and no root of another process is reachable.
        let mounts = inside(who, &options, "cat /proc/self/mountinfo");
        for line in mounts.lines() {
            let point = line.split(' ').nth(4).unwrap();
            assert!(!point.contains("nsctl-tests"), "{line}");
        }
        // nsinit is not to be looked at; without it the workload is PID 1.
        let script = "readlink /proc/1/root; ls /proc/1/root/usr /proc/1/cwd/usr; true";
        assert_eq!(inside(who, &options, script), "");
        let bare = [&options[..], &["--no-init"]].concat();
        assert_eq!(inside(who, &bare, script), "/");
    });
}

#[test]
fn nothing_is_made_in_the_users_directory() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let before = tree(&root);
        let run = |options: &[&str]| {
            let all = [&["--rootfs", text(&root)], options].concat();
            inside(who, &all, "true");
        };
        run(&[]);
        run(&[
            "-v",
            "/etc:/a/b/c:ro",
            "--tmpfs",
            "/d/e",
            "--file",
            "/f/g=h",
            "--symlink",
            "/i/j=k",
        ]);
        run(&["--read-only", "--tmpfs", "/l"]);
        run(&["--overlay", "--tmpfs", "/m"]);
        assert_eq!(tree(&root), before);
    });
}

#[test]
fn changes_to_a_directory_stay_in_it() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        inside(who, &["--rootfs", text(&root)], "echo x >/tmp/new; rm /etc/group");
        assert_eq!(fs::read_to_string(root.join("tmp/new")).unwrap(), "x\n");
        assert!(!root.join("etc/group").exists());
    });
}

#[test]
fn a_read_only_root_takes_no_change_but_its_mounts_do() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let script = "touch /x 2>/dev/null || touch /etc/x 2>/dev/null || echo refused; \
                      touch /tmp/x && echo written";
        for layer in [&[][..], &["--overlay"]] {
            let options = [&["--rootfs", text(&root), "--read-only", "--tmpfs", "/tmp"], layer];
            assert_eq!(inside(who, &options.concat(), script), "refused\nwritten", "{layer:?}");
        }
        // The host's root as well.
        let shown = inside(who, &["--read-only", "--tmpfs", "/tmp"], script);
        assert_eq!(shown, "refused\nwritten");
    });
}

#[test]
fn an_empty_root_is_what_is_mounted_in_it() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let programs = format!("{}:/bin:ro", root.join("bin").display());
        let options = ["--rootfs", "none", "-v", &programs, "--tmpfs", "/tmp"];
        assert_eq!(inside(who, &options, "ls /"), "bin\ndev\netc\nproc\nsys\ntmp");
        assert_eq!(inside(who, &options, "touch /new /tmp/new && echo written"), "written");
        let read_only = [&options[..], &["--read-only"]].concat();
        let shown = inside(who, &read_only, "touch /new 2>/dev/null || touch /tmp/new && ls /tmp");
        assert_eq!(shown, "new");
    });
}

#[test]
fn changes_on_an_overlay_vanish() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let before = tree(&root);
        let suffixed = format!("{}:O", root.display());
        for options in [&["--rootfs", text(&root), "--overlay"][..], &["--rootfs", &suffixed]] {
            let script = "echo changed >/etc/passwd; rm /etc/group; mkdir /new; mv /tmp /old; \
                          cat /etc/passwd; ls /etc";
            let shown = inside(who, options, script);
            assert_eq!(shown, "changed\nhostname\nhosts\npasswd\nresolv.conf", "{who:?}");
            assert_eq!(tree(&root), before);
        }
    });
}

#[test]
fn changes_on_an_overlay_are_kept_in_its_directory() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let before = tree(&root);
        // What overlayfs takes for its own signs in a list of options.
        let kept = who.directory().join(r#"a:b,c\d "e" f'"#);
        fs::create_dir(&kept).unwrap();
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(&kept, Some(who.uid()), Some(who.gid())).unwrap();
        }
        let layer = format!("--overlay={}", kept.display());
        let options = ["--rootfs", text(&root), &layer];
        inside(who, &options, "echo one >/etc/new; rm /etc/group; echo two >>/etc/passwd");
        let shown = inside(who, &options, "cat /etc/new; tail -n 1 /etc/passwd; ls /etc");
        let expected = "one\ntwo\nhostname\nhosts\nnew\npasswd\nresolv.conf";
        assert_eq!(shown, expected);
        assert_eq!(tree(&root), before);
        // And the same changes on another root.
        let Some(other) = busybox_root(who) else { return };
        assert_eq!(inside(who, &["--rootfs", text(&other), &layer], "cat /etc/new"), "one");
        // Without the layer the root is as it was.
        let shown = inside(who, &["--rootfs", text(&root)], "ls /etc");
        assert_eq!(shown, "group\npasswd");
    });
}

#[test]
fn lower_directories_lie_under_the_root() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let (one, two) = (who.directory(), who.directory());
        for (directory, name, content) in [
            (&one, "both", "one"),
            (&two, "both", "two"),
            (&two, "only", "two"),
            (&two, "hidden", "two"),
            (&root, "hidden", "root"),
        ] {
            write_as(who, directory.join(name), content);
        }
        let options =
            ["--rootfs", text(&root), "--overlay-lower", text(&one), "--overlay-lower", text(&two)];
        assert_eq!(inside(who, &options, "cat /both /only /hidden"), "onetworoot");
        assert_eq!(inside(who, &options, "echo x >/both; cat /both"), "x");
        assert_eq!(fs::read_to_string(one.join("both")).unwrap(), "one");
        let read_only = [&options[..], &["--read-only"]].concat();
        let shown = inside(who, &read_only, "touch /both 2>/dev/null || cat /both");
        assert_eq!(shown, "one");
    });
}

#[test]
fn the_hosts_whole_system_can_be_changed_for_nothing() {
    // A user namespace must not see behind the host's mounts; see below.
    if !nix::unistd::geteuid().is_root() {
        return skip("an overlay on / needs root");
    }
    let script = "touch /etc/nsctl-was-here && ls /etc/nsctl-was-here";
    let shown = inside(Who::Root, &["--rootfs", "/", "--overlay"], script);
    assert_eq!(shown, "/etc/nsctl-was-here");
    assert!(!Path::new(&shown).exists());
    nsctl(Who::User, ["run", "--rootfs", "/", "--overlay", "true"])
        .run()
        .expect_error(125, &["without what is mounted in it", "/proc", "sudo nsctl"]);
}

#[test]
fn an_ext4_image_is_a_root_for_root_and_a_clear_no_for_others() {
    if !have("mkfs.ext4") {
        return;
    }
    let Some(root) = busybox_root(Who::User) else { return };
    let image = Who::User.directory().join("it's an image");
    let made = std::process::Command::new("mkfs.ext4")
        .args(["-q", "-d", text(&root), text(&image), "8m"])
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    nsctl(Who::User, ["run", "--rootfs", text(&image), "true"])
        .run()
        .expect_error(125, &["it holds ext4", "needs root on the host", "debugfs -R", r"'\''"]);
    if !nix::unistd::geteuid().is_root() || !Path::new("/dev/loop-control").exists() {
        return skip("mounting an image needs root and loop devices");
    }
    let options = ["--rootfs", text(&image)];
    let shown = inside(Who::Root, &options, "touch /etc/x 2>/dev/null || ls /etc");
    // A file that the image lacks has no place in it.
    assert_eq!(shown, "group\npasswd");
    let shown =
        inside(Who::Root, &["--rootfs", text(&image), "--overlay"], "echo x >/y; cat /y; ls /etc");
    assert_eq!(shown, "x\ngroup\nhostname\nhosts\npasswd\nresolv.conf");
    nsctl(Who::Root, ["run", "--rootfs", text(&image), "--user", "robin", "id"])
        .run()
        .expect_error(125, &["of the image before it is mounted", "a number"]);
}

#[test]
fn what_is_no_root_is_refused() {
    as_each(|who| {
        let directory = who.directory();
        let file = directory.join("archive.tar.gz");
        fs::write(&file, [0x1f, 0x8b, 8, 0]).unwrap();
        let missing = directory.join("missing");
        let run = |options: &[&str], words: &[&str]| {
            nsctl(who, [&["run"], options, &["true"]].concat()).run().expect_error(125, words);
        };
        run(&["--rootfs", text(&file)], &["compressed (gzip)", "tar -xf"]);
        run(&["--rootfs", text(&missing)], &["there is no", "missing", "mkdir -p"]);
        run(&["--rootfs", "/dev/null"], &["neither a directory nor a regular file"]);
        run(&["--rootfs", "/etc/passwd"], &["holds no squashfs, erofs or ext4"]);
        run(&["--rootfs", ""], &["empty path"]);
        run(&["--overlay-lower", "/usr"], &["--overlay-lower needs --rootfs"]);
        run(&["--rootfs", "none", "--overlay"], &["--rootfs none and --overlay contradict"]);
        let own = text(&directory);
        run(&["--rootfs", own, "--overlay=/no/such"], &["there is no /no"]);
        run(&["--rootfs", own, &format!("--overlay={own}")], &["one is inside the other"]);
        run(&["--rootfs", own, "--overlay="], &["--overlay"]);
        let unchanged = ["--rootfs", own, "--propagation", "unchanged"];
        run(&unchanged, &["--rootfs and --propagation unchanged contradict", "slave"]);
        run(&["--rootfs", own, "--overlay-lower", "/etc/passwd"], &["is not a directory"]);
        for option in [&["--rootfs", own][..], &["--read-only"], &["--tmpfs", "/x"], &["--dns=::1"]]
        {
            run(
                &[option, &["--mntns", "host"]].concat(),
                &["needs a new mount namespace", option[0].split('=').next().unwrap()],
            );
            run(&[option, &["--share", "mnt"]].concat(), &["needs a new mount namespace"]);
            run(
                &[option, &["--userns=new", "--map-users=none"]].concat(),
                &["an id map of none", "contradict"],
            );
        }
    });
    nsctl(Who::User, ["run", "--rootfs", "/usr:idmap", "true"])
        .run()
        .expect_error(125, &["with idmap", "only root on the host"]);
    if nix::unistd::geteuid().is_root() {
        nsctl(Who::Root, ["run", "--rootfs", "/usr:idmap", "true"])
            .run()
            .expect_error(125, &["with idmap", "--userns new"]);
    }
}

#[test]
fn device_nodes_in_a_root_do_not_work() {
    if !nix::unistd::geteuid().is_root() {
        return skip("making a device node needs root");
    }
    let Some(root) = busybox_root(Who::Root) else { return };
    use nix::sys::stat::{Mode, SFlag, makedev, mknod};
    let mode = Mode::from_bits_truncate(0o666);
    mknod(&root.join("null"), SFlag::S_IFCHR, mode, makedev(1, 3)).unwrap();
    let script = "echo x 2>/dev/null >/null && echo works || echo does not";
    for layer in [&[][..], &["--overlay"], &["--read-only"]] {
        let options = [&["--rootfs", text(&root)], layer].concat();
        assert_eq!(inside(Who::Root, &options, script), "does not", "{layer:?}");
        let privileged = [&options[..], &["--privileged"]].concat();
        assert_eq!(inside(Who::Root, &privileged, script), "works", "{layer:?}");
    }
}

/// What is found on the host by the same name says nothing about the container.
#[test]
fn a_cause_is_looked_for_in_the_root() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let script = root.join("bin/script");
        write_as(who, &script, "#!/usr/bin/no-such\n");
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        install("/usr/bin/env", &root.join("bin/dynamic"), 0o755);
        std::os::unix::fs::symlink("/bin/script", root.join("bin/linked")).unwrap();
        write_as(who, root.join("bin/closed"), "#!/bin/sh\n");
        let rootfs = ["run", "--rootfs", text(&root)];
        let run = |options: &[&str], code: i32, words: &[&str]| {
            nsctl(who, [&rootfs, options].concat()).run().expect_error(code, words);
        };
        run(&["no-such"], 127, &["there is no no-such in PATH (/usr/local/sbin:"]);
        // It is on the host, and nowhere here.
        run(&["/usr/bin/env"], 127, &[&format!("there is no /usr/bin/env in {}", root.display())]);
        run(&["script"], 126, &["bin/script is there, but not the interpreter it needs"]);
        run(&["linked"], 126, &["bin/script is there, but not the interpreter it needs"]);
        run(&["closed"], 126, &["bin/closed is not executable"]);
        run(&["-w", "/usr", "true"], 125, &[&format!("there is no /usr in {}", root.display())]);
        if !fs::read("/usr/bin/env").unwrap().windows(4).any(|part| part == b"/ld-") {
            return skip("/usr/bin/env is no dynamic program");
        }
        run(&["dynamic"], 126, &["bin/dynamic is there, but not the loader it needs", "/ld-"]);
        let lone = ["run", "--rootfs", "none", "-v", "/usr:/u:ro", "/u/bin/env"];
        let words = ["inside there is no /u/bin/env, or not the interpreter or loader"];
        nsctl(who, lone).run().expect_error(126, &words);
        // On layers only the container sees what there is.
        run(&["--overlay", "no-such"], 127, &["in PATH", "or not the interpreter or loader"]);
        run(&["-v", "/etc:/bin", "script"], 127, &["in PATH", "or not the interpreter or loader"]);
    });
}
