//! /proc, /sys, /dev and the working directory of a root that lies about them.

use std::fs::{self, File};
use std::path::PathBuf;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::victim::{MARK, Victim, own};
use crate::common::{PROMPT, Screen, as_each};

const OPTIONS: [&[&str]; 3] = [&[], &["--overlay"], &["--read-only"]];

/// runc, crun and youki have made their /dev in the host through such a link.
/// CVE-2025-54867, CVE-2025-62161 and CVE-2025-62596 are the same in youki.
#[test]
fn cve_2023_27561_cve_2026_41579_proc_sys_and_dev_must_be_directories() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        for name in ["proc", "sys", "dev"] {
            let targets = [
                victim.directory.clone(),
                victim.climbing(),
                "/".into(),
                "/tmp".into(),
                "nowhere".into(),
                PathBuf::from(name),
            ];
            for target in targets {
                victim.link(name, &target);
                for options in OPTIONS {
                    let ran = victim.run(options, "true");
                    ran.expect_error(125, &[&format!("cannot put /{name} in the root"), "cause: "]);
                }
            }
            victim.clear(name);
            fs::write(victim.at(name), "a file").unwrap();
            victim.run(&[], "true").expect_error(125, &["ENOTDIR", &format!("/{name}")]);
            victim.clear(name);
            mkfifo(&victim.at(name), Mode::S_IRWXU).unwrap();
            victim.run(&[], "true").expect_error(125, &["ENOTDIR", &format!("/{name}")]);
            victim.clear(name);
        }
        victim.run(&[], "true").success();
    });
}

/// A runtime that hides files behind the root's /dev/null shows what that leads to.
#[test]
fn cve_2025_31133_what_hides_files_is_the_kernels_null() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        fs::create_dir(victim.at("dev")).unwrap();
        for name in ["null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "fd"] {
            victim.link(&format!("dev/{name}"), &victim.file);
        }
        for name in ["pts", "shm", "mqueue"] {
            victim.link(&format!("dev/{name}"), &victim.directory);
        }
        let look = "stat -c '%t:%T' /dev/null; cat /proc/interrupts /proc/keys /proc/timer_list; \
                    echo x >/dev/null; echo x >/dev/shm/x; cat /dev/null; \
                    ls /proc/acpi /sys/firmware";
        for options in OPTIONS {
            let shown = victim.run(options, look);
            assert_eq!(shown.stdout.lines().next(), Some("1:3"), "{shown:?}");
            for line in shown.stdout.lines().skip(1) {
                assert!(line.is_empty() || line.ends_with(':'), "not hidden: {shown:?}");
            }
        }
        // A device that is none hides nothing, either.
        victim.link("dev/null", "/proc/sys/kernel/core_pattern");
        assert_eq!(victim.run(&[], "cat /proc/interrupts /dev/null").success(), "");
    });
}

#[test]
fn cve_2025_52565_the_console_is_the_containers_terminal() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        fs::create_dir_all(victim.at("dev/pts")).unwrap();
        own(who, &victim.at("dev"));
        own(who, &victim.at("dev/pts"));
        for name in ["dev/pts/0", "dev/pts/ptmx", "dev/console", "dev/ptmx", "dev/tty"] {
            victim.link(name, "/proc/sys/kernel/core_pattern");
        }
        let root = victim.root.to_str().unwrap();
        let screen =
            Screen::nsctl(who, ["run", "-e", &format!("PS1={PROMPT}"), "--rootfs", root, "sh"]);
        screen.expect(PROMPT);
        let mounted = screen.command("grep ' /dev/console ' /proc/self/mountinfo");
        assert!(mounted.contains(" - devpts "), "{mounted}");
        assert_eq!(screen.command("stat -c %t /dev/console /dev/pts/0"), "88\n88");
        screen.line("exit");
        victim.expect_untouched("a terminal");
    });
}

/// A working directory that leads to a descriptor of the runtime's is the host.
#[test]
fn cve_2024_21626_no_working_directory_of_a_root_leads_out() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        // So that a `cd ..` chain from anywhere of the host would find it.
        let steps: String = "../".repeat(12);
        let inside_host = victim.file.strip_prefix("/").unwrap().display().to_string();
        let look = format!("cat '{steps}{inside_host}' {}; pwd", victim.file.display());
        let mut directories: Vec<String> = (3..12).map(|n| format!("/proc/self/fd/{n}")).collect();
        directories.extend(
            ["/proc/self/cwd", "/proc/1/root", "/proc/1/cwd", "/proc/self/root"].map(String::from),
        );
        for directory in &directories {
            victim.link("link", directory);
            for workdir in [directory.as_str(), "/link"] {
                let ran = victim.run(&["--workdir", workdir], &look);
                ran.expect_error(125, &["cannot enter the working directory", "chdir("]);
            }
        }
        victim.link("link", "../../..");
        let ran = victim.run(&["--workdir", "/link"], &look);
        assert_eq!(ran.stdout, "/\n", "{ran:?}");
        for wrong in [victim.directory.to_str().unwrap(), "/bin/busybox", "/link/nowhere"] {
            victim.run(&["--workdir", wrong], &look).expect_error(125, &["working directory"]);
        }
    });
}

/// PID 1 is executed from memory that is sealed.
#[test]
fn cve_2019_5736_a_root_gets_nothing_of_the_hosts_to_write() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        for how in [">", ">>", "<>"] {
            let ran = victim.run(&[], &format!("exec 3{how}/proc/1/exe && echo open; true"));
            assert!(!ran.stdout.contains("open"), "{how}: {ran:?}");
        }
    });
}

/// Nothing of the container's is executed or loaded outside.
#[test]
fn cve_2019_14271_no_library_of_the_root_is_loaded_outside() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        for path in
            ["lib", "lib64", "usr/lib", "etc/ld.so.preload", "etc/ld.so.cache", "etc/nsswitch.conf"]
        {
            victim.clear(path);
            // Who opens it to read waits for ever.
            mkfifo(&victim.at(path), Mode::S_IRWXU).unwrap();
        }
        victim.run(&["--user", "0:0", "--hostname", "x"], "true").success();
        // A program that is none, to have it looked at.
        mkfifo(&victim.at("bin/fifo"), Mode::S_IRWXU).unwrap();
        victim.command(&[], &["fifo"]).expect_code(126);
        victim.link("bin/zero", "/dev/zero");
        victim.command(&[], &["zero"]).expect_code(126);
        victim.link("bin/host", &victim.file);
        victim.command(&[], &["host"]).expect_code(127);
    });
}

#[test]
fn a_root_that_is_swapped_for_a_link_before_the_start_is_that_link() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        // What the caller names is the caller's: a link there is followed, on the host.
        let link = victim.root.with_file_name("link");
        std::os::unix::fs::symlink(&victim.root, &link).unwrap();
        let words = ["run", "--rootfs", link.to_str().unwrap(), "cat", "/etc/passwd"];
        let shown = crate::common::nsctl(who, words).run();
        assert!(shown.success().contains("robin") && !shown.stdout.contains(MARK));
    });
}

/// A root of many names costs its own container, nobody else.
#[test]
fn a_root_with_very_many_names_starts_or_says_why_not() {
    as_each(|who| {
        let Some(victim) = Victim::new(who) else { return };
        for number in 0..2000 {
            File::create(victim.at(&format!("{number}"))).unwrap();
        }
        let ran = victim.run(&["--tmpfs", "/missing"], "echo done");
        assert_eq!(ran.success(), "done");
    });
}
