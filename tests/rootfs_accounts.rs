//! Who the workload is in a root of its own: by that root's accounts, however hostile.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::common::{Ran, Who, as_each, busybox_root, nsctl, skip};

fn run(who: Who, root: &Path, options: &[&str], script: &str) -> Ran {
    let rootfs = ["run", "--rootfs", root.to_str().unwrap()];
    nsctl(who, [&rootfs, options, &["sh", "-c", script]].concat()).run()
}

#[test]
fn names_are_those_of_the_root() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let shown = run(who, &root, &["--user", "robin"], "id -u; id -g; echo $HOME");
        // By number the first account with it.
        assert_eq!(shown.success(), "0\n0\n/home/root");
        run(who, &root, &["--user", "tester"], "true").expect_error(
            125,
            &["no such user: tester", &format!("{}/etc/passwd", root.display())],
        );
        run(who, &root, &["--user", "root:nogroup"], "true")
            .expect_error(125, &["no such group: nogroup", "/etc/group"]);
        run(who, &root, &["--user", "root:birds"], "true").expect_code(0);
        fs::remove_file(root.join("etc/passwd")).unwrap();
        assert_eq!(run(who, &root, &[], "echo $HOME").success(), "/root");
        run(who, &root, &["--user", "robin"], "true").expect_error(125, &["no such user"]);
    });
}

#[test]
fn the_layers_of_an_overlay_have_the_accounts() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let kept = who.directory();
        let layer = format!("--overlay={}", kept.display());
        run(who, &root, &[&layer], "echo wren:x:0:0::/:/bin/sh >/etc/passwd").expect_code(0);
        run(who, &root, &[&layer, "--user", "wren"], "true").expect_code(0);
        run(who, &root, &[&layer, "--user", "robin"], "true").expect_error(125, &["no such user"]);
        // What is deleted in a layer is not found below it.
        run(who, &root, &[&layer], "rm /etc/passwd").expect_code(0);
        run(who, &root, &[&layer, "--user", "robin"], "true").expect_error(125, &["no such user"]);
        let lower = who.directory();
        fs::create_dir(lower.join("etc")).unwrap();
        fs::write(lower.join("etc/passwd"), "finch:x:0:0::/:\n").unwrap();
        fs::remove_file(root.join("etc/passwd")).unwrap();
        let options = ["--overlay-lower", lower.to_str().unwrap(), "--user", "finch"];
        run(who, &root, &options, "true").expect_code(0);
    });
}

#[test]
fn cve_2026_47262_a_hostile_account_file_stops_nobody() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        for name in ["etc/passwd", "etc/group"] {
            let file = root.join(name);
            let honest = fs::read(&file).unwrap();
            let hostile: [(&str, &dyn Fn()); 4] = [
                ("a pipe", &|| {
                    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
                }),
                ("a gigabyte", &|| fs::File::create(&file).unwrap().set_len(1 << 30).unwrap()),
                ("a directory", &|| fs::create_dir(&file).unwrap()),
                ("a loop", &|| symlink(file.file_name().unwrap(), &file).unwrap()),
            ];
            for (what, make) in hostile {
                fs::remove_file(&file).unwrap();
                make();
                let by_name = ["--user", "robin:birds"];
                let ran = run(who, &root, &by_name, "true");
                assert_ne!(ran.code, Some(0), "{what} {name}");
                ran.expect_error(125, &[name]);
                // A number needs no file.
                run(who, &root, &["--user", "0:0"], "true").expect_code(0);
                match file.symlink_metadata().unwrap().is_dir() {
                    true => fs::remove_dir(&file).unwrap(),
                    false => fs::remove_file(&file).unwrap(),
                }
                fs::write(&file, &honest).unwrap();
            }
        }
    });
}

#[test]
fn cve_2018_15664_no_link_leads_to_the_hosts_accounts() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let file = root.join("etc/passwd");
        let outside = who.directory().join("passwd");
        fs::write(&outside, "outsider:x:0:0::/:\n").unwrap();
        let up = format!("../../../../../../..{}", outside.display());
        for target in [outside.to_str().unwrap(), &up, "/proc/self/root/etc/passwd", "/dev/zero"] {
            fs::remove_file(&file).unwrap();
            symlink(target, &file).unwrap();
            run(who, &root, &["--user", "outsider"], "true").expect_error(125, &["no such user"]);
            run(who, &root, &["--user", "daemon"], "true").expect_error(125, &["no such user"]);
        }
        // The whole directory.
        fs::remove_dir_all(root.join("etc")).unwrap();
        symlink(outside.parent().unwrap(), root.join("etc")).unwrap();
        run(who, &root, &["--user", "outsider"], "true").expect_error(125, &["no such user"]);
    });
}

#[test]
fn cve_2024_40635_an_id_of_the_root_is_never_another() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let lines = "big:x:4294967296:0::/:\nminus:x:-1:0::/:\nall:x:4294967295:0::/:\n";
        fs::write(root.join("etc/passwd"), lines).unwrap();
        for name in ["big", "minus", "all"] {
            run(who, &root, &["--user", name], "true").expect_error(125, &["no such user"]);
        }
    });
}

#[test]
fn other_users_of_the_root_can_be_had_by_ranges() {
    let who = Who::User;
    let granted = fs::read_to_string("/etc/subuid").unwrap_or_default();
    if !who.name().is_some_and(|name| granted.contains(&format!("{name}:"))) {
        return skip("the user has no range in /etc/subuid");
    }
    let Some(root) = busybox_root(who) else { return };
    fs::write(root.join("etc/passwd"), "jay:x:33:44::/srv:\n").unwrap();
    fs::write(root.join("etc/group"), "jay:x:44:\nbirds:x:55:jay,robin\n").unwrap();
    let shown =
        run(who, &root, &["--map-auto", "--user", "jay"], "id -u; id -g; id -G; echo $HOME");
    assert_eq!(shown.success(), "33\n44\n44 55\n/srv");
}
