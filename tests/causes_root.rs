//! Why a root or a mount did not come about: object, cause and remedy, as root and as a user.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use super::common::{Ran, Who, as_each, busybox_root, have, nsctl, shell, skip};

/// Runs `true` in a root with these options.
fn run(who: Who, root: &Path, options: &[&str]) -> Ran {
    command(who, root, options, &["true"])
}

fn command(who: Who, root: &Path, options: &[&str], command: &[&str]) -> Ran {
    let words = [&["run", "--rootfs", root.to_str().unwrap()], options, command].concat();
    nsctl(who, words).run()
}

fn owned(who: Who, path: &Path) {
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(path, Some(who.uid()), Some(who.gid())).unwrap();
    }
}

fn volume(who: Who) -> String {
    let volume = who.directory();
    fs::write(volume.join("file"), "text").unwrap();
    volume.to_str().unwrap().to_string()
}

#[test]
fn what_is_in_the_place_of_dev_is_named() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        symlink("/etc", root.join("dev")).unwrap();
        let remedy = format!("rm '{}/dev'", root.display());
        let words = ["/dev of the root is a symbolic link, to /etc", &remedy];
        run(who, &root, &[]).expect_error(125, &words);
        fs::remove_file(root.join("dev")).unwrap();
        fs::write(root.join("dev"), "").unwrap();
        run(who, &root, &[]).expect_error(125, &["/dev of the root is not a directory", &remedy]);
    });
}

#[test]
fn a_file_on_a_directory_and_a_directory_on_a_file_are_named() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let volume = volume(who);
        let option = format!("{volume}/file:/bin");
        let words = ["EISDIR", "/file is a file, and /bin inside is a directory", "/bin/file as"];
        run(who, &root, &["-v", &option]).expect_error(125, &words);
        let words = ["EISDIR", "what is placed is a file, and /bin inside is a directory"];
        run(who, &root, &["--file", "/bin=x"]).expect_error(125, &words);
        let option = format!("{volume}:/etc/passwd");
        let words = ["ENOTDIR", "is a directory, and /etc/passwd inside is a file", "remedy: "];
        run(who, &root, &["-v", &option]).expect_error(125, &words);
        let option = format!("{volume}:/etc/passwd/x");
        let words = ["ENOTDIR", "/etc/passwd of the root is not a directory", "remedy: "];
        run(who, &root, &["-v", &option]).expect_error(125, &words);
    });
}

#[test]
fn the_link_that_leads_to_proc_is_named() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        symlink("/proc/self", root.join("data")).unwrap();
        let option = format!("{}:/data/x", volume(who));
        let words = ["/data of the root is a symbolic link to /proc/self", "meminfo", "remedy: "];
        run(who, &root, &["-v", &option]).expect_error(125, &words);
        let words = ["the root, /proc, is a proc file system"];
        run(who, Path::new("/proc"), &[]).expect_error(125, &words);
    });
}

#[test]
fn links_in_a_circle_are_named() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        let words = ["/a of the root is a symbolic link to b", "in a circle", "remedy: "];
        run(who, &root, &["--tmpfs", "/a/x"]).expect_error(125, &words);
    });
}

#[test]
fn a_file_system_that_cannot_be_a_layer_is_named() {
    as_each(|who| {
        let ran = run(who, Path::new("/proc"), &["--overlay"]);
        ran.expect_error(125, &["/proc", "cause: ", "remedy: "]);
        let Some(root) = busybox_root(who) else { return };
        let ran = run(who, &root, &["--overlay=/proc"]);
        ran.expect_error(125, &["/proc is on proc, in which no directory can be made"]);
    });
}

/// A tree is mapped as a whole: what is mounted in it may be of a kind that cannot be.
#[test]
fn a_file_system_whose_owners_cannot_be_mapped_is_named_wherever_it_is_mounted() {
    if !nix::unistd::geteuid().is_root() || !have("unshare") {
        return skip("only root may map the owners of files");
    }
    let Some(root) = busybox_root(Who::Root) else { return };
    let script = "mkdir -p \"$1/tmp/in it\" && mount -t ramfs none \"$1/$2\" && exec \"$NSCTL\" run \
                  --map-users 0:100000:10 --map-groups 0:100000:10 --rootfs \"$1:idmap\" true";
    let run = |at: &str| {
        let words = format!("exec unshare -m sh -c '{script}' sh {} {at}", root.display());
        shell(Who::Root, &words).run()
    };
    let inner = format!("{}/tmp/in it is mounted in it, and the owners of files", root.display());
    run("\"tmp/in it\"").expect_error(125, &[&inner, "on ramfs cannot be mapped", "remedy: "]);
    run("").expect_error(125, &["the owners of files on ramfs cannot be mapped", "a copy on ext4"]);
}

#[test]
fn a_directory_for_changes_that_is_anothers_is_named() {
    if !nix::unistd::geteuid().is_root() {
        return skip("as root: another user's directory is needed");
    }
    let Some(root) = busybox_root(Who::User) else { return };
    let kept = Who::Root.directory();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o755)).unwrap();
    let option = format!("--overlay={}", kept.display());
    let ran = run(Who::User, &root, &[&option]);
    ran.expect_error(125, &["EACCES", "(mode 0755, owner 0:0) may not be written by", "remedy: "]);
}

#[test]
fn a_damaged_image_is_named() {
    if !nix::unistd::geteuid().is_root() || !Path::new("/dev/loop-control").exists() {
        return skip("root and loop devices are needed to mount an image");
    }
    let directory = Who::Root.directory();
    for (name, at, mark) in [
        ("squashfs", 0, &b"hsqs"[..]),
        ("erofs", 1024, &0xE0F5_E1E2_u32.to_le_bytes()),
        ("ext4", 0x438, &0xEF53_u16.to_le_bytes()),
    ] {
        let image = directory.join(name);
        let mut bytes = vec![0; 1 << 16];
        bytes[at..at + mark.len()].copy_from_slice(mark);
        fs::write(&image, bytes).unwrap();
        let ran = run(Who::Root, &image, &[]);
        if ran.stderr.contains("modprobe") {
            skip(&format!("this kernel has no {name}"));
            continue;
        }
        let begins = format!("begins like {name}, but the kernel cannot read it");
        ran.expect_error(125, &["cannot open the image", &begins, "65536 bytes", "dmesg"]);
        let loops = Command::new("losetup").arg("--all").output().map(|o| o.stdout);
        let loops = String::from_utf8(loops.unwrap_or_default()).unwrap();
        assert!(!loops.contains(image.to_str().unwrap()), "{loops}");
    }
}

#[test]
fn a_source_that_the_user_may_not_see_is_named() {
    if !nix::unistd::geteuid().is_root() {
        return skip("as root: another user's directory is needed");
    }
    let closed = Who::Root.directory();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir(closed.join("data")).unwrap();
    let option = format!("{}/data:/mnt", closed.display());
    let ran = nsctl(Who::User, ["run", "-v", &option, "true"]).run();
    let may_not = format!("the caller may not search {}", closed.display());
    ran.expect_error(125, &[&may_not, "remedy: "]);
    let option = format!("{}/missing/data:/mnt", volume(Who::User));
    let ran = nsctl(Who::User, ["run", "-v", &option, "true"]).run();
    ran.expect_error(125, &["there is no ", "/missing", "mkdir -p"]);
}

/// Both are there on the host, and not inside.
#[test]
fn an_interpreter_or_loader_that_the_root_lacks_is_named() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let script = root.join("bin/script");
        fs::write(&script, "#!/usr/bin/env sh\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        owned(who, &script);
        let words =
            ["/bin/script is there, but not the interpreter it needs: /usr/bin/env", "#!/bin/env"];
        command(who, &root, &[], &["script"]).expect_error(126, &words);
        let dynamic =
            ["/usr/bin/setpriv", "/bin/ls"].into_iter().find(|path| Path::new(path).exists());
        let Some(dynamic) = dynamic else { return skip("no dynamic program") };
        fs::copy(dynamic, root.join("bin/dynamic")).unwrap();
        owned(who, &root.join("bin/dynamic"));
        let words = ["/bin/dynamic is there, but not the loader it needs: /lib", "C library"];
        command(who, &root, &[], &["/bin/dynamic"]).expect_error(126, &words);
    });
}

#[test]
fn a_program_is_looked_for_inside_alone() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let words = ["there is no tail in PATH ("];
        command(who, &root, &[], &["tail"]).expect_error(127, &words);
        let words = ["there is no /usr/bin/tail in ", "/root"];
        command(who, &root, &[], &["/usr/bin/tail"]).expect_error(127, &words);
        command(who, &root, &[], &["/etc"]).expect_error(126, &["/etc is a directory"]);
        command(who, &root, &[], &["/etc/passwd"])
            .expect_error(126, &["/etc/passwd is not executable", "chmod"]);
    });
}

#[test]
fn a_volume_without_execution_is_named() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let volume = volume(who);
        fs::copy(root.join("bin/busybox"), format!("{volume}/program")).unwrap();
        owned(who, Path::new(&volume).join("program").as_path());
        let option = format!("{volume}:/volume:noexec");
        let words =
            ["/volume/program is on /volume, which is mounted noexec", "remedy: the option exec"];
        command(who, &root, &["-v", &option], &["/volume/program"]).expect_error(126, &words);
    });
}

#[test]
fn another_processors_program_is_named() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let mut program = fs::read(root.join("bin/busybox")).unwrap();
        // e_machine, elf(5): EM_S390
        program[18..20].copy_from_slice(&22_u16.to_le_bytes());
        let path = root.join("bin/foreign");
        fs::write(&path, program).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        owned(who, &path);
        let words = ["/bin/foreign is a 64-bit program for S/390; this machine is x86_64"];
        command(who, &root, &[], &["foreign"]).expect_error(126, &words);
    });
}
