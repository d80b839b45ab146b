//! The workload's attributes as a process: environment, directory, limits, words.

use std::fs;
use std::os::unix::process::CommandExt;

use super::common::{Who, as_each, helper, nsctl};

/// Runs a script of sh with these options; returns what it wrote.
fn script(who: Who, options: &[&str], script: &str) -> String {
    let ran = nsctl(who, [&["run"], options, &["sh", "-c", script]].concat()).run();
    ran.success().to_string()
}

#[test]
fn the_callers_environment_is_kept_and_changed_as_asked() {
    as_each(|who| {
        let show = "echo $A-$B-${C-unset}-$FROM_CALLER";
        let with = |options: &[&str]| {
            let arguments = [&["run"], options, &["/bin/sh", "-c", show]].concat();
            let ran = nsctl(who, arguments).env("FROM_CALLER", "yes").env("C", "c").run();
            ran.success().to_string()
        };
        assert_eq!(with(&[]), "--c-yes");
        assert_eq!(with(&["-e", "A=1", "--env", "B=x=y z"]), "1-x=y z-c-yes");
        assert_eq!(with(&["-e", "A=1", "-e", "A=2"]), "2--c-yes");
        assert_eq!(with(&["--clear-env"]), "--unset-");
        assert_eq!(with(&["--clear-env", "-e", "FROM_CALLER", "-e", "NOT_SET"]), "--unset-yes");
        assert_eq!(with(&["-e", "C="]), "---yes");

        let file = who.directory().join("variables");
        fs::write(&file, "# a comment\n\nA=from file\r\n  B=\"as it is\"\nC\n").unwrap();
        let option = format!("--env-file={}", file.display());
        assert_eq!(with(&["--clear-env", &option]), "from file-\"as it is\"-c-");
        assert_eq!(with(&[&option, "-e", "A=over"]), "over-\"as it is\"-c-yes");
    });
}

#[test]
fn wrong_variables_are_refused() {
    as_each(|who| {
        nsctl(who, ["run", "-e", "=x", "true"]).run().expect_error(125, &["no name", "NAME=VALUE"]);
        nsctl(who, ["run", "-e", "", "true"]).run().expect_error(125, &["no name"]);
        nsctl(who, ["run", "--env-file=/no/such", "true"]).run().expect_error(125, &["/no/such"]);
        nsctl(who, ["run", "--env-file=/", "true"]).run().expect_error(125, &["directory"]);
    });
}

#[test]
fn an_environment_of_megabytes_arrives_or_is_refused_by_the_kernel() {
    as_each(|who| {
        let large = "x".repeat(100_000);
        let ran = nsctl(who, ["run", "sh", "-c", "echo ${#LARGE}"]).env("LARGE", &large).run();
        assert_eq!(ran.success(), "100000");
    });
}

#[test]
fn the_working_directory_is_kept_where_it_exists_inside() {
    as_each(|who| {
        let directory = who.directory();
        let from = |directory: &std::path::Path, options: &[&str]| {
            let mut nsctl = nsctl(who, [&["run"], options, &["sh", "-c", "pwd -P"]].concat());
            nsctl.command.current_dir(directory);
            nsctl.run().success().to_string()
        };
        assert_eq!(from(&directory, &[]), directory.to_str().unwrap());
        assert_eq!(from("/proc".as_ref(), &[]), "/proc");
        assert_eq!(from(&directory, &["-w", "/etc"]), "/etc");
        // A process of the host that the new /proc does not have.
        let own = format!("/proc/{}", std::process::id());
        if who == Who::Root {
            assert_eq!(from(own.as_ref(), &[]), "/");
        }
        let gone = directory.join("gone");
        fs::create_dir(&gone).unwrap();
        let name = std::ffi::CString::new(gone.to_str().unwrap()).unwrap();
        let mut nsctl = nsctl(who, ["run", "sh", "-c", "pwd -P"]);
        nsctl.command.current_dir(&gone);
        // SAFETY: rmdir is safe between fork and exec.
        unsafe {
            nsctl.command.pre_exec(move || {
                libc::rmdir(name.as_ptr());
                Ok(())
            });
        }
        assert_eq!(nsctl.run().success(), "/");
    });
}

#[test]
fn a_working_directory_that_cannot_be_entered_is_an_error() {
    as_each(|who| {
        nsctl(who, ["run", "-w", "/no/such", "true"])
            .run()
            .expect_error(125, &["/no/such", "ENOENT"]);
        nsctl(who, ["run", "-w", "/etc/passwd", "true"]).run().expect_error(125, &["ENOTDIR"]);
        nsctl(who, ["run", "-w", "etc", "true"]).run().expect_error(125, &["not absolute", "/etc"]);
        nsctl(who, ["run", "-w", "", "true"]).run().expect_code(125);
        let closed = who.directory().join("closed");
        fs::create_dir(&closed).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o000);
        fs::set_permissions(&closed, mode).unwrap();
        if who == Who::User && nix::unistd::geteuid().is_root() {
            // Owned by root, so the user's being root inside does not help.
            nix::unistd::chown(&closed, Some(0.into()), Some(0.into())).unwrap();
            let option = format!("--workdir={}", closed.display());
            nsctl(who, ["run", &option, "true"]).run().expect_error(125, &["EACCES"]);
        }
    });
}

/// Name of the option, name in /proc/self/limits, value.
const LIMITS: [(&str, &str, u64); 16] = [
    ("as", "Max address space", 1 << 40),
    ("core", "Max core file size", 0),
    ("cpu", "Max cpu time", 1000),
    ("data", "Max data size", 1 << 40),
    ("fsize", "Max file size", 1 << 30),
    ("locks", "Max file locks", 10),
    ("memlock", "Max locked memory", 4096),
    ("msgqueue", "Max msgqueue size", 4096),
    ("nice", "Max nice priority", 0),
    ("nofile", "Max open files", 50),
    ("nproc", "Max processes", 500),
    ("rss", "Max resident set", 1 << 40),
    ("rtprio", "Max realtime priority", 0),
    ("rttime", "Max realtime timeout", 1_000_000),
    ("sigpending", "Max pending signals", 100),
    ("stack", "Max stack size", 1 << 20),
];

#[test]
fn each_limit_has_its_name() {
    as_each(|who| {
        for (name, title, value) in LIMITS {
            for spelled in [name.to_string(), format!("RLIMIT_{}", name.to_uppercase())] {
                let option = format!("--rlimit={spelled}={value}");
                let ran = nsctl(who, ["run", &option, "cat", "/proc/self/limits"]).run();
                let line = ran.success().lines().find(|line| line.starts_with(title)).unwrap();
                let value = value.to_string();
                let numbers: Vec<&str> = line[title.len()..].split_whitespace().take(2).collect();
                assert_eq!(numbers, [&value, &value], "{who:?} {line}");
            }
        }
        let soft_and_hard = script(who, &["--ulimit", "nofile=60:70"], "ulimit -Sn; ulimit -Hn");
        assert_eq!(soft_and_hard, "60\n70");
    });
}

/// Those of nsctl, shim and init are never in the way, however low.
#[test]
fn a_limit_is_the_workloads_alone() {
    let [_, _, program] = helper("nothing");
    as_each(|who| {
        for limit in [
            "nofile=3",
            "as=20000000",
            "data=10000000",
            "stack=200000",
            "fsize=0",
            "sigpending=0",
            "memlock=0",
            "core=0",
        ] {
            for options in [&[] as &[&str], &["--no-init"]] {
                let option = format!("--rlimit={limit}");
                let arguments = [&["run", &option], options, &[program.as_str()]].concat();
                // With so few descriptors a dynamic program could not even be loaded.
                let ran = nsctl(who, arguments).env("NSCTL_TEST_HELPER", "nothing").run();
                assert_eq!(ran.code, Some(0), "{who:?} {limit} {options:?}: {ran:?}");
            }
        }
    });
}

#[test]
fn wrong_limits_are_refused() {
    as_each(|who| {
        for wrong in [
            "nofile",
            "nofile=",
            "nofile=x",
            "nofile=2:1",
            "nope=1",
            "nofile=-2",
            "nofile=1:2:3",
            "=1",
        ] {
            let option = format!("--rlimit={wrong}");
            nsctl(who, ["run", &option, "true"]).run().expect_error(125, &[wrong, "NAME=SOFT"]);
        }
    });
    nsctl(Who::User, ["run", "--rlimit=nofile=999999999", "true"])
        .run()
        .expect_error(125, &["RLIMIT_NOFILE", "EPERM"]);
    // Room for nsinit, but not for a second process.
    nsctl(Who::User, ["run", "--rlimit=nproc=1", "true"])
        .run()
        .expect_error(125, &["the workload's process", "EAGAIN"]);
}

#[test]
fn umask_and_nice_value_are_set() {
    as_each(|who| {
        assert_eq!(script(who, &["--umask", "027"], "umask"), "0027");
        assert_eq!(script(who, &["--umask=0"], "umask"), "0000");
        assert_eq!(script(who, &["--nice", "7"], "nice"), "7");
        for wrong in ["8", "1000", "+22", "-1", "", "0x1"] {
            let option = format!("--umask={wrong}");
            nsctl(who, ["run", &option, "true"]).run().expect_error(125, &["umask", "octal"]);
        }
        for wrong in ["20", "-21", "x", ""] {
            let option = format!("--nice={wrong}");
            nsctl(who, ["run", &option, "true"]).run().expect_code(125);
        }
    });
    nsctl(Who::User, ["run", "--nice=-5", "true"]).run().expect_error(125, &["nice value -5"]);
}

#[test]
fn argv0_is_what_the_workload_is_told() {
    as_each(|who| {
        for options in [&["--argv0=-other name"] as &[&str], &["--argv0=-other name", "--no-init"]]
        {
            let arguments = [&["run"], options, &["cat", "/proc/self/cmdline"]].concat();
            assert_eq!(nsctl(who, arguments).run().success(), "-other name\0/proc/self/cmdline\0");
        }
    });
}

#[test]
fn options_of_the_command_are_the_commands() {
    as_each(|who| {
        let said = |arguments: &[&str]| nsctl(who, arguments).run().success().to_string();
        assert_eq!(said(&["run", "echo", "--name", "-e", "x"]), "--name -e x");
        assert_eq!(said(&["run", "--", "echo", "--", "y"]), "-- y");
        nsctl(who, ["run", "--no-such-option", "true"])
            .run()
            .expect_error(125, &["--no-such-option"]);
        nsctl(who, ["run"]).run().expect_code(125);
        nsctl(who, ["run", ""]).run().expect_code(127);
    });
}
