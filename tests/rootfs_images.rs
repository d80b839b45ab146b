//! Image files as roots: mounted for real, and gone without a trace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::common::{Who, busybox_root, eventually, have, nsctl, skip};

/// What is in it, its program, and the arguments that make IMAGE of ROOT.
const MAKERS: [(&str, &str, &[&str]); 3] = [
    ("squashfs", "mksquashfs", &["ROOT", "IMAGE", "-quiet", "-no-progress", "-no-xattrs"]),
    ("erofs", "mkfs.erofs", &["-d0", "IMAGE", "ROOT"]),
    ("ext4", "mkfs.ext4", &["-q", "-d", "ROOT", "IMAGE", "8m"]),
];

fn images() -> Vec<(&'static str, PathBuf)> {
    let Some(root) = busybox_root(Who::User) else { return Vec::new() };
    fs::create_dir_all(root.join("proc")).unwrap();
    let mut made = Vec::new();
    for (fstype, program, arguments) in MAKERS {
        if !have(program) {
            continue;
        }
        let image = Who::User.directory().join(format!("an {fstype}'s image"));
        let words = arguments.iter().map(|word| match *word {
            "ROOT" => root.as_os_str(),
            "IMAGE" => image.as_os_str(),
            other => other.as_ref(),
        });
        let output = Command::new(program)
            .args(words)
            .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        made.push((fstype, image));
    }
    made
}

/// The loop devices that hold a file.
fn loop_devices(image: &Path) -> Vec<PathBuf> {
    let holds = |device: &PathBuf| {
        let file = fs::read_to_string(device.join("loop/backing_file")).unwrap_or_default();
        file.trim_end() == image.to_string_lossy()
    };
    let devices = fs::read_dir("/sys/block").into_iter().flatten().flatten();
    devices.map(|entry| entry.path()).filter(holds).collect()
}

#[test]
fn an_image_is_a_root_whatever_it_holds_and_leaves_no_loop_device() {
    if !nix::unistd::geteuid().is_root() || !Path::new("/dev/loop-control").exists() {
        return skip("mounting an image needs root and loop devices");
    }
    let known = fs::read_to_string("/proc/filesystems").unwrap();
    for (fstype, image) in images() {
        if !known.lines().any(|line| line.ends_with(&format!("\t{fstype}"))) {
            skip(&format!("the kernel has no {fstype}"));
            continue;
        }
        let rootfs = ["run", "--rootfs", image.to_str().unwrap()];
        let range = ["--map-users=0:1000000000:65536", "--map-groups=0:1000000000:65536"];
        let script = "touch /etc/x 2>/dev/null || cat /etc/group";
        let group = "root:x:0:\nbirds:x:0:robin\nstaff:x:50:";
        for ids in [&[][..], &range] {
            let sh = ["sh", "-c", script];
            let ran = nsctl(Who::Root, [&rootfs, ids, &sh].concat()).run();
            assert_eq!(ran.success(), group, "{fstype} {ids:?}");
            let sh = ["--overlay", "sh", "-c", "echo x >/new; cat /new /etc/group"];
            let ran = nsctl(Who::Root, [&rootfs, ids, &sh].concat()).run();
            assert_eq!(ran.success(), format!("x\n{group}"), "{fstype} {ids:?}");
            // One that does not come about.
            nsctl(Who::Root, [&rootfs, ids, &["no-such-program"]].concat()).run().expect_code(127);
        }
        let free = eventually(Duration::from_secs(5), || loop_devices(&image).is_empty());
        assert!(free, "{fstype}: {:?}", loop_devices(&image));
    }
}

#[test]
fn an_image_is_a_clear_no_for_who_is_not_root() {
    for (fstype, image) in images() {
        nsctl(Who::User, ["run", "--rootfs", image.to_str().unwrap(), "true"])
            .run()
            .expect_error(125, &[&format!("it holds {fstype}"), "needs root on the host"]);
    }
}
