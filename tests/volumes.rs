//! `--volume` and `--device`: files and directories of the host's, with every option.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::common::{Who, as_each, busybox_root, nsctl, skip, write_as};

fn inside(who: Who, options: &[&str], script: &str) -> String {
    let ran = nsctl(who, [&["run"], options, &["sh", "-c", script]].concat()).run();
    ran.success().to_string()
}

fn refused(who: Who, options: &[&str], words: &[&str]) {
    nsctl(who, [&["run"], options, &["true"]].concat()).run().expect_error(125, words);
}

/// The flags of the mount on `point`, by a field of mountinfo.
const FLAGS: &str = "grep ' /v ' /proc/self/mountinfo | tail -n 1 | cut -d' ' -f6";

#[test]
fn a_directory_of_the_host_is_shown_and_written_to() {
    as_each(|who| {
        let source = who.directory();
        fs::write(source.join("old"), "old").unwrap();
        let volume = format!("{}:/v/deep/er", source.display());
        let shown = inside(who, &["-v", &volume], "cat /v/deep/er/old; echo new >/v/deep/er/new");
        assert_eq!(shown, "old");
        assert_eq!(fs::read_to_string(source.join("new")).unwrap(), "new\n");
        assert!(!Path::new("/v").exists());
    });
}

#[test]
fn files_sockets_and_pipes_are_shown_as_they_are() {
    as_each(|who| {
        let source = who.directory();
        fs::write(source.join("file"), "content").unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(source.join("socket")).unwrap();
        nix::unistd::mkfifo(&source.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        symlink("file", source.join("link")).unwrap();
        for (name, test) in [("file", "-f"), ("socket", "-S"), ("pipe", "-p"), ("link", "-f")] {
            for target in ["/v/new", "/etc/hostname"] {
                let volume = format!("{}:{target}", source.join(name).display());
                let script = format!("test {test} {target} && echo yes");
                assert_eq!(inside(who, &["-v", &volume], &script), "yes", "{name} on {target}");
            }
        }
    });
}

#[test]
fn a_source_is_relative_to_the_current_directory() {
    as_each(|who| {
        let source = who.directory();
        fs::create_dir(source.join("sub")).unwrap();
        fs::write(source.join("sub/x"), "here").unwrap();
        for volume in ["sub:/v", "./sub:/v", "../sub:/v", "sub/:/v/"] {
            let from = if volume.starts_with("..") { source.join("sub") } else { source.clone() };
            let mut ran = nsctl(who, ["run", "-v", volume, "cat", "/v/x"]);
            ran.command.current_dir(from);
            assert_eq!(ran.run().success(), "here", "{volume}");
        }
    });
}

#[test]
fn colons_and_other_signs_in_paths_are_escaped() {
    as_each(|who| {
        let name = r#"a:b,c "d" \e'"#;
        let source = who.directory().join(name);
        fs::create_dir(&source).unwrap();
        fs::write(source.join("x"), "here").unwrap();
        let text = source.to_str().unwrap();
        let volume = format!(r"{}:/v\:w:ro", text.replace('\\', r"\\").replace(':', r"\:"));
        assert_eq!(inside(who, &["-v", &volume], "cat /v:w/x"), "here");
        let mount =
            format!(r#"type=bind,"src={}","dst=/v,w ""x""",ro"#, text.replace('"', r#""""#));
        assert_eq!(inside(who, &["--mount", &mount], r#"cat '/v,w "x"/x'"#), "here");
    });
}

#[test]
fn each_flag_arrives_at_the_mount() {
    as_each(|who| {
        let source = who.directory();
        let flags = |options: &str| -> Vec<String> {
            let volume = format!("{}:/v{options}", source.display());
            inside(who, &["-v", &volume], FLAGS).split(',').map(str::to_string).collect()
        };
        let has = |options: &str, flag: &str| flags(options).iter().any(|found| found == flag);
        assert!(has("", "rw") && has("", "nodev"));
        assert!(has(":ro", "ro") && has(":rw", "rw"));
        for flag in ["noexec", "nosuid", "nodev", "nosymfollow"] {
            assert!(has(&format!(":{flag}"), flag), "{flag}");
        }
        assert!(has(":ro,noexec,nosuid,z", "noexec") && has(":Z,nocopy,cached,ro", "ro"));
        let base = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let tmp = std::env::temp_dir();
        let own = base.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            Path::new(fields[4]).ancestors().next()?;
            tmp.starts_with(fields[4]).then(|| (fields[4].len(), fields[5].to_string()))
        });
        let own = own.max_by_key(|(length, _)| *length).unwrap().1;
        assert_eq!(has(":dev", "nodev"), own.contains("nodev"));
        assert_eq!(has(":exec", "noexec"), own.contains("noexec"));
        match who {
            Who::Root => {
                for flag in ["noatime", "nodiratime"] {
                    assert!(has(&format!(":{flag}"), flag), "{flag}");
                }
                assert!(!has(":strictatime", "relatime") && has(":relatime", "relatime"));
            }
            Who::User if own.contains("relatime") => {
                let volume = format!("{}:/v:noatime", source.display());
                refused(who, &["-v", &volume], &["with noatime", "the host's choice"]);
                assert!(has(":relatime", "relatime"));
            }
            Who::User => {}
        }
    });
}

#[test]
fn flags_do_what_they_say() {
    as_each(|who| {
        let source = who.directory();
        fs::write(source.join("program"), "#!/bin/sh\necho ran\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(source.join("program"), mode).unwrap();
        symlink("program", source.join("link")).unwrap();
        let volume = |options: &str| format!("{}:/v{options}", source.display());
        let script = "/v/program 2>/dev/null; cat /v/link >/dev/null 2>&1 && echo followed; \
                      touch /v/new 2>/dev/null && echo written";
        let shown =
            |options: &str| inside(who, &["-v", &volume(options)], &format!("{script}; true"));
        assert_eq!(shown(""), "ran\nfollowed\nwritten");
        assert_eq!(shown(":noexec"), "followed\nwritten");
        assert_eq!(shown(":ro"), "ran\nfollowed");
        assert_eq!(shown(":nosymfollow,ro"), "ran");
    });
}

#[test]
fn read_only_holds_for_all_that_is_mounted_below() {
    as_each(|who| {
        let script = "grep ' /vol[ /]' /proc/self/mountinfo | cut -d' ' -f6";
        let shown = inside(who, &["-v", "/sys:/vol:ro"], script);
        assert!(shown.lines().all(|flags| flags.split(',').any(|flag| flag == "ro")), "{shown}");
        let writable = ["--mount", "type=bind,src=/sys,dst=/vol,ro,bind-recursive=writable"];
        let shown = inside(who, &writable, script);
        assert!(shown.lines().next().unwrap().starts_with("ro"), "{shown}");
    });
}

#[test]
fn what_is_mounted_below_comes_along_or_not() {
    as_each(|who| {
        let count = |options: &[&str]| -> usize {
            inside(who, options, "grep -c ' /vol[ /]' /proc/self/mountinfo").parse().unwrap()
        };
        let all = count(&["-v", "/sys:/vol:ro"]);
        if all < 2 {
            return skip("nothing is mounted in /sys");
        }
        match who {
            Who::Root => {
                assert_eq!(count(&["-v", "/sys:/vol:ro,bind"]), 1);
                let mount = "type=bind,src=/sys,dst=/vol,ro,bind-recursive=disabled";
                assert_eq!(count(&["--mount", mount]), 1);
            }
            // The kernel shows nobody what a mount covers.
            Who::User => {
                refused(who, &["-v", "/sys:/vol:bind"], &["/sys/", "what a mount covers"]);
                refused(who, &["-v", "/:/vol:O"], &["/proc", "what a mount covers"]);
            }
        }
    });
}

#[test]
fn propagation_is_as_asked() {
    as_each(|who| {
        let source = who.directory();
        for (word, sign) in [("rslave", "master:"), ("slave", "master:"), ("private", "")] {
            let volume = format!("{}:/v:{word}", source.display());
            let line = inside(who, &["-v", &volume], "grep ' /v ' /proc/self/mountinfo");
            assert!(!line.contains("shared:"), "{line}");
            // A slave of a private mount has no master.
            assert!(sign.is_empty() || line.contains(sign) || !is_shared(), "{line}");
        }
        let volume = format!("{}:/v:rshared", source.display());
        let line = inside(who, &["-v", &volume], "grep ' /v ' /proc/self/mountinfo");
        assert!(line.contains("shared:"), "{line}");
    });
}

fn is_shared() -> bool {
    fs::read_to_string("/proc/self/mountinfo").unwrap().contains("shared:")
}

#[test]
fn changes_under_a_layer_vanish() {
    as_each(|who| {
        let source = who.directory();
        write_as(who, source.join("x"), "old");
        let volume = format!("{}:/v:O", source.display());
        let shown = inside(who, &["-v", &volume], "echo new >/v/x; touch /v/y; cat /v/x");
        assert_eq!(shown, "new");
        assert_eq!(fs::read_to_string(source.join("x")).unwrap(), "old");
        assert!(!source.join("y").exists());
    });
}

#[test]
fn later_ones_are_on_top() {
    as_each(|who| {
        let (one, two) = (who.directory(), who.directory());
        fs::write(one.join("x"), "one").unwrap();
        fs::write(two.join("x"), "two").unwrap();
        let (one, two) = (format!("{}:/v", one.display()), format!("{}:/v", two.display()));
        assert_eq!(inside(who, &["-v", &one, "-v", &two], "cat /v/x"), "two");
        assert_eq!(inside(who, &["-v", &two, "-v", &one], "cat /v/x"), "one");
        assert_eq!(inside(who, &["-v", &one, "--tmpfs", "/v"], "ls /v"), "");
        assert_eq!(inside(who, &["--tmpfs", "/v", "-v", &one], "ls /v"), "x");
        let deep = one.replace(":/v", ":/v/a/b");
        assert_eq!(inside(who, &["--tmpfs", "/v", "-v", &deep], "cat /v/a/b/x"), "one");
        assert_eq!(inside(who, &["-v", &one, "--file", "/v/x=file"], "cat /v/x"), "file");
    });
}

#[test]
fn a_place_is_found_inside_the_root_only() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let source = who.directory();
        fs::write(source.join("x"), "here").unwrap();
        let outside = who.directory();
        symlink(&outside, root.join("absolute")).unwrap();
        symlink("../../../../../../tmp", root.join("upwards")).unwrap();
        let rootfs = ["--rootfs", root.to_str().unwrap()];
        for target in ["/absolute", "/upwards", "/absolute/deeper"] {
            let volume = format!("{}:{target}", source.display());
            let ran = [&rootfs[..], &["-v", &volume]].concat();
            assert_eq!(inside(who, &ran, &format!("cat {target}/x")), "here");
            assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{target}");
        }
    });
}

#[test]
fn a_device_works_where_it_is_asked_for() {
    as_each(|who| {
        let script = "echo x >/v && head -c 0 /v && echo works";
        assert_eq!(inside(who, &["--device", "/dev/null:/v"], script), "works");
        assert_eq!(inside(who, &["--device", "/dev/null:/v:rwm"], script), "works");
        assert_eq!(inside(who, &["-v", "/dev/null:/v"], script), "works");
        assert_eq!(inside(who, &["--device", "/dev/zero"], "head -c 1 /dev/zero | wc -c"), "1");
        refused(who, &["--device", "/dev/null:/v:r"], &["no device filter"]);
        refused(who, &["--device", "/etc/passwd"], &["is no device", "-v /etc/passwd"]);
        refused(who, &["--device", "/dev/nope"], &["there is no /dev/nope"]);
        refused(who, &["--device", "/dev/null:v"], &["does not begin with /"]);
        refused(who, &["--device", ""], &["cannot read --device"]);
        refused(who, &["-v", "/dev/ptmx:/v"], &["--device /dev/ptmx:/v"]);
        let script = "test -c /dev/loop-control";
        if Path::new("/dev/loop-control").exists() {
            inside(who, &["--device", "/dev/loop-control"], script);
        }
    });
    if nix::unistd::geteuid().is_root() {
        // A node that somebody left in a directory is not one.
        use nix::sys::stat::{Mode, SFlag, makedev, mknod};
        let source = Who::Root.directory();
        let mode = Mode::from_bits_truncate(0o666);
        mknod(&source.join("null"), SFlag::S_IFCHR, mode, makedev(1, 3)).unwrap();
        let script = "echo x 2>/dev/null >/v/null && echo works || echo does not";
        let volume = |options: &str| format!("{}:/v{options}", source.display());
        assert_eq!(inside(Who::Root, &["-v", &volume("")], script), "does not");
        assert_eq!(inside(Who::Root, &["-v", &volume(":dev")], script), "works");
    }
}

#[test]
fn wrong_volumes_are_refused_before_anything_is_made() {
    as_each(|who| {
        let long = format!("/usr:/{}", "x/".repeat(50_000));
        for (volume, words) in [
            ("/no/such/dir:/v", &["there is no /no", "mkdir -p /no/such/dir"][..]),
            ("nothing-here:/v", &["there is no", "nothing-here"]),
            ("/etc/passwd/x:/v", &["/etc/passwd is not a directory"]),
            ("/usr", &["without a source", "--tmpfs DST"]),
            ("", &["without a source", "remedy"]),
            (":/v", &["the source is missing"]),
            ("/usr:", &["the place inside is missing"]),
            ("/usr:v", &["does not begin with /"]),
            ("/usr:/", &["--rootfs"]),
            ("/usr:/a/../b", &["goes up by .."]),
            ("/usr:/v:nope", &["no option \"nope\"", "--volume SRC:DST"]),
            ("/usr:/v:ro,rw", &["ro and rw contradict"]),
            ("/usr:/v:noexec,exec", &["noexec and exec contradict"]),
            ("/usr:/v:rshared,private", &["contradict"]),
            ("/usr:/v:U", &["never changed"]),
            ("/usr:/v:idmap", &["idmap"]),
            ("/usr:/v:/w:ro", &["more than three fields", r"\:"]),
            ("/usr:/proc", &["/proc must stay"]),
            ("/usr:/proc/sys/kernel", &["must stay"]),
            ("/etc/passwd:/v:O", &["is not a directory"]),
            (&long, &["bytes or more"]),
        ] {
            refused(who, &["-v", volume], words);
        }
        let closed = who.directory().join("closed");
        fs::create_dir(&closed).unwrap();
        if who == Who::User && nix::unistd::geteuid().is_root() {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            fs::set_permissions(&closed, mode).unwrap();
            let volume = format!("{}/x:/v", closed.display());
            refused(who, &["-v", &volume], &["may not search", "closed"]);
        }
        refused(
            who,
            &["-v", "/usr:/v", "--mntns", "host"],
            &["--volume needs a new mount namespace"],
        );
    });
}

#[test]
fn an_idmapped_volume_has_the_owners_that_are_stored() {
    let who = Who::Root;
    if !nix::unistd::geteuid().is_root() {
        return skip("idmapped mounts need root");
    }
    let source = who.directory();
    fs::write(source.join("x"), "").unwrap();
    let volume = |options: &str| format!("{}:/v{options}", source.display());
    let maps = ["--userns", "new", "--map-users", "0:100000:1000", "--map-groups", "0:100000:1000"];
    let owner = |options: &str| {
        let volume = volume(options);
        let all = [&maps[..], &["-v", &volume]].concat();
        inside(who, &all, "stat -c %u:%g /v/x")
    };
    assert_eq!(owner(""), "65534:65534");
    assert_eq!(owner(":idmap"), "0:0");
    refused(who, &["-v", &volume(":idmap")], &["with idmap", "--userns new"]);
}
