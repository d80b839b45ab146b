//! What is said when the workload cannot be executed, how messages are shown, and what
//! `-v` adds to them.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::common::{Ran, Who, as_each, nsctl, program, skip};

/// A file that belongs to `who`.
fn file(who: Who, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
    let path = who.directory().join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    if nix::unistd::geteuid().is_root() {
        chown(&path, Some(who.uid()), Some(who.gid())).unwrap();
    }
    path
}

/// nsctl run PATH, with and without an init: both must say the same.
fn run(who: Who, path: &Path, code: i32, words: &[&str]) {
    let path = path.to_str().unwrap();
    for options in [&["run"][..], &["run", "--no-init"]] {
        let ran = nsctl(who, options.iter().chain([&path])).run();
        let start = format!("nsctl: cannot execute {path}: execve(\"{path}\"): ");
        assert!(ran.stderr.starts_with(&start), "{}", ran.stderr);
        ran.expect_error(code, words);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn a_name_that_is_nowhere_in_path_is_said_so() {
    as_each(|who| {
        let ran = nsctl(who, ["run", "no-such"]).env("PATH", "/usr/bin:/bin").run();
        ran.expect_error(127, &["ENOENT", "cause:  there is no no-such in PATH (/usr/bin:/bin)"]);
        let ran = nsctl(who, ["run", "sh"]).env("PATH", "/nowhere").run();
        ran.expect_error(127, &["there is no sh in PATH (/nowhere)", "remedy: /usr/bin/sh"]);
        let ran = nsctl(who, ["run", "ls -l"]).run();
        ran.expect_error(127, &["there is no ls -l in PATH", "sh -c 'ls -l'"]);
        nsctl(who, ["run", ""]).run().expect_error(127, &["the command is an empty word"]);
    });
}

#[test]
fn a_path_that_ends_early_says_where() {
    as_each(|who| {
        run(who, Path::new("/usr/no/such/program"), 127, &["cause:  there is no /usr/no\n"]);
        run(who, Path::new("/usr/no-such"), 127, &["cause:  there is no /usr/no-such\n"]);
        let plain = file(who, "plain", "", 0o644);
        let below = plain.join("x");
        let words = ["ENOTDIR", &format!("{} is not a directory", plain.display())];
        let ran = nsctl(who, ["run", below.to_str().unwrap()]).run();
        ran.expect_error(126, &words.map(AsRef::as_ref));
    });
}

#[test]
fn a_closed_directory_of_path_is_named_beside_a_missing_program() {
    if !nix::unistd::geteuid().is_root() {
        return skip("only root can close a directory to the user");
    }
    let closed = Who::Root.directory();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let shown = closed.to_str().unwrap();
    let ran = nsctl(Who::User, ["run", "no-such"]).env("PATH", format!("{shown}:/bin")).run();
    ran.expect_error(
        127,
        &[
            &format!("there is no no-such in PATH ({shown}:/bin)"),
            &format!("{shown} of PATH was passed over"),
            "mode 0700, owner 0:0",
        ],
    );
    // Root as another user meets the same.
    let run = ["run", "--user", "12345:12345", "no-such"];
    let ran = nsctl(Who::Root, run).env("PATH", format!("{shown}:/bin")).run();
    ran.expect_error(127, &["of PATH was passed over", "12345:12345"]);
}

#[test]
fn a_missing_interpreter_is_named() {
    as_each(|who| {
        let script = file(who, "script", "#!/no/such/interpreter -x\n", 0o755);
        let words = ["ENOENT", "is there, but not the interpreter it needs: /no/such/interpreter"];
        run(who, &script, 126, &words);
        // Where it usually is.
        let script = file(who, "script", "#!/opt/sh\n", 0o755);
        run(who, &script, 126, &["needs: /opt/sh", "remedy: #!/usr/bin/sh as its first line"]);
        let second = file(who, "second", format!("#!{}\n", script.display()), 0o755);
        run(who, &second, 126, &[&format!("{} is there, but not", script.display())]);
        let dos = file(who, "dos", "#!/bin/sh\r\necho\r\n", 0o755);
        run(who, &dos, 126, &["carriage return (DOS)", "/bin/sh\\r", "sed -i"]);
    });
}

#[test]
fn an_interpreter_that_cannot_be_executed_is_named() {
    as_each(|who| {
        let plain = file(who, "plain", "x", 0o644);
        let script = file(who, "script", format!("#!{}\n", plain.display()), 0o755);
        let words = format!("needs the interpreter {}, which is not executable", plain.display());
        run(who, &script, 126, &["EACCES", &words]);
    });
}

/// The head of a 64-bit ELF program with one program header: a loader of this name.
fn elf(machine: u16, loader: &str) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend(2_u16.to_le_bytes()); // ET_EXEC
    file.extend(machine.to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    file.extend(0x40_0000_u64.to_le_bytes()); // entry
    file.extend(64_u64.to_le_bytes()); // program headers
    file.extend(0_u64.to_le_bytes()); // section headers
    file.extend(0_u32.to_le_bytes()); // flags
    for half in [64_u16, 56, 1, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    file.extend(3_u32.to_le_bytes()); // PT_INTERP
    file.extend(4_u32.to_le_bytes()); // readable
    let length = loader.len() as u64 + 1;
    for word in [120, 0x40_0078, 0x40_0078, length, length, 1] {
        file.extend(u64::to_le_bytes(word));
    }
    file.extend(loader.as_bytes());
    file.push(0);
    file
}

/// `EM_X86_64` or `EM_AARCH64`: this machine's, and another.
const MACHINES: (u16, u16, &str) =
    if cfg!(target_arch = "x86_64") { (62, 183, "aarch64") } else { (183, 62, "x86_64") };

#[test]
fn a_missing_loader_is_named() {
    as_each(|who| {
        let program = file(who, "program", elf(MACHINES.0, "/lib/ld-musl-none.so.1"), 0o755);
        let words = ["ENOENT", "not the loader it needs: /lib/ld-musl-none.so.1", "musl"];
        run(who, &program, 126, &words);
    });
}

#[test]
fn a_program_for_another_processor_is_named() {
    as_each(|who| {
        let program = file(who, "program", elf(MACHINES.1, "/lib/ld.so"), 0o755);
        let words = format!("is a 64-bit program for {}", MACHINES.2);
        if Path::new("/proc/sys/fs/binfmt_misc/status").exists() {
            return skip("an emulator may be registered here");
        }
        run(who, &program, 126, &["ENOEXEC", &words, "this machine is"]);
        let cut = file(who, "cut", b"\x7fELF\x02\x01", 0o755);
        run(who, &cut, 126, &["ENOEXEC", "is cut off or damaged"]);
    });
}

#[test]
fn a_file_without_the_right_to_be_executed_is_named() {
    as_each(|who| {
        let script = file(who, "script", "#!/bin/sh\n", 0o644);
        let words = ["EACCES", "is not executable (mode 0644", "chmod a+x"];
        run(who, &script, 126, &words);
        run(who, Path::new("/usr"), 126, &["EACCES", "/usr is a directory"]);
        run(who, Path::new("/dev/null"), 126, &["EACCES"]);
        // Found in PATH, and no more than found.
        let directory = script.parent().unwrap();
        let ran = nsctl(who, ["run", "script"]).env("PATH", directory).run();
        ran.expect_error(126, &["EACCES", "script is not executable"]);
    });
    if nix::unistd::geteuid().is_root() {
        let own = file(Who::Root, "own", "#!/bin/sh\n", 0o700);
        run(Who::User, &own, 126, &["EACCES", "mode 0700, owner 0:0", "whom the workload is"]);
    }
}

#[test]
fn a_mount_without_execution_is_named() {
    as_each(|who| {
        let directory = who.directory();
        let mut command = Command::new("unshare");
        let script = "mount -t tmpfs -o noexec none \"$1\"; cp /bin/true \"$1/true\"; \
                      exec \"$0\" run --userns new \"$1/true\"";
        command.args(["-Urm", "sh", "-ec", script]).arg(program()).arg(&directory);
        let words = format!("is on {}, which is mounted noexec", directory.display());
        let ran = nsctl(who, [""; 0]).started_by(who, command).run();
        ran.expect_error(126, &["EACCES", &words]);
    });
}

#[test]
fn capabilities_that_a_file_demands_are_named() {
    if !nix::unistd::geteuid().is_root() || !super::common::have("setcap") {
        return skip("only root can give a file capabilities, with setcap");
    }
    let program = file(Who::Root, "program", fs::read("/bin/true").unwrap(), 0o755);
    let set = Command::new("setcap").arg("cap_net_admin=ep").arg(&program).status().unwrap();
    assert!(set.success());
    run(Who::Root, &program, 126, &["EPERM", "CAP_NET_ADMIN", "remedy: --cap-add"]);
    let run = ["run", "--cap-add", "NET_ADMIN", program.to_str().unwrap()];
    nsctl(Who::Root, run).run().success();
}

#[test]
fn a_file_without_a_head_is_run_by_the_shell_or_refused() {
    as_each(|who| {
        let script = file(who, "script", "exit 7\n", 0o755);
        nsctl(who, ["run", script.to_str().unwrap()]).run().expect_code(7);
        let binary = file(who, "binary", b"\0\x01\x02\n", 0o755);
        run(who, &binary, 126, &["ENOEXEC", "neither an ELF program nor begins with #!"]);
    });
}

#[test]
fn control_characters_in_names_do_not_reach_the_terminal() {
    as_each(|who| {
        let name = "\x1b]0;title\x07\x1b[31m\u{9b}red\u{202e}\r\nsecond";
        for arguments in [
            &["run", name][..],
            &["run", "-w", name, "true"],
            &["run", "--user", name, "true"],
            &["run", "--name", name, "true"],
            &["run", "--hostname", &format!("{name}{}", "x".repeat(64)), "true"],
            &["run", "--net", name, "true"],
            &["run", "--no-such\x1b[31m", "true"],
            &["run", "--propagation", name, "true"],
            &["no\x1b[31mverb"],
        ] {
            let ran = nsctl(who, arguments).run();
            assert_ne!(ran.code, Some(0), "{ran:?}");
            let shown = ran.stderr.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(shown, None, "{ran:?}");
            assert!(!ran.stderr.contains('\u{202e}'), "{ran:?}");
        }
    });
}

#[test]
fn names_that_are_not_utf_8_reach_the_workload_untouched() {
    as_each(|who| {
        let odd = std::ffi::OsStr::from_bytes(b"\xff\xfe\x80 x");
        let directory = who.directory().join(odd);
        let mut ran = nsctl(who, ["run", "--argv0"]);
        fs::create_dir(&directory).unwrap();
        let script = r#"printf %s "$0$1$ODD" | od -An -tx1; pwd | od -An -c | tr -d ' \n'"#;
        ran.command.arg("sh").arg("-w").arg(&directory).arg("-e");
        ran.command.arg(std::ffi::OsStr::from_bytes(b"ODD=\xf0"));
        ran.command.args(["sh", "-c", script]).arg(odd).arg(odd);
        let ran = ran.run();
        let words: Vec<&str> = ran.success().split_whitespace().collect();
        let expected = "ff fe 80 20 78 ff fe 80 20 78 f0";
        assert!(words.join(" ").starts_with(expected), "{ran:?}");
        assert!(ran.stdout.contains("377376200x"), "{ran:?}");

        let mut ran = nsctl(who, ["run"]);
        ran.command.arg(odd);
        ran.run().expect_error(127, &["cannot execute"]);
    });
}

#[test]
fn verbose_shows_each_step_with_its_time() {
    as_each(|who| {
        let shows = |ran: Ran| {
            ran.success();
            for step in ["clone3({flags=", "mount(\"proc\", \"/proc\"", "sethostname(\"bird\")"] {
                let line = ran.stderr.lines().find(|line| line.contains(step));
                let line = line.unwrap_or_else(|| panic!("no {step} in {}", ran.stderr));
                let time = line.split(" µs").next().unwrap_or_default();
                let time = time.rsplit(' ').next().unwrap_or_default();
                assert!(time.parse::<u64>().is_ok(), "{line}");
            }
        };
        shows(nsctl(who, ["-v", "run", "--hostname", "bird", "true"]).run());
        shows(nsctl(who, ["run", "--hostname", "bird", "true"]).env("RUST_LOG", "debug").run());
        let quiet =
            nsctl(who, ["run", "--hostname", "bird", "true"]).env("RUST_LOG", "error").run();
        quiet.success();
        assert_eq!(quiet.stderr, "");
    });
}

#[test]
fn verbose_says_which_causes_were_looked_for() {
    let ran = nsctl(Who::User, ["-v", "run", "no-such"]).run();
    ran.expect_error(127, &["cause not-found: found", "cause interpreter: not seen"]);
}
