//! What makes no sense is refused before anything is made: status 125, the word that is
//! wrong, why, and what helps. The rest, however odd, reaches the workload.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use super::common::{Tag, Who, as_each, nsctl};

/// Runs each of these with `true` behind it; each must be refused with its words, say
/// what helps, and make nothing.
fn refused(rows: &[(&[&str], &[&str])]) {
    as_each(|who| {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        for (options, words) in rows {
            let ran = nsctl(who, ["run"].iter().chain(*options).chain(&["true"])).run();
            ran.expect_error(125, words);
            let helps = ["remedy: ", "tip: ", "Usage: ", "possible values: ", "try '--help'"];
            assert!(helps.iter().any(|help| ran.stderr.contains(help)), "{ran:?}");
            assert!(ran.stderr.starts_with("nsctl: ") && ran.stdout.is_empty(), "{ran:?}");
        }
        assert_eq!(fs::read_to_string("/proc/self/mountinfo").unwrap(), mounts);
    });
}

#[test]
fn no_command_is_refused() {
    as_each(|who| {
        nsctl(who, ["run"]).run().expect_error(125, &["required arguments", "<COMMAND>"]);
        nsctl(who, ["run", "--"]).run().expect_error(125, &["<COMMAND>"]);
        nsctl(who, ["runn", "true"]).run().expect_error(125, &["'runn'", "'run'"]);
        let none: [&str; 0] = [];
        nsctl(who, none).run().expect_error(125, &["Usage: nsctl", "run "]);
    });
}

#[test]
fn an_unknown_option_is_refused_with_the_one_that_was_meant() {
    refused(&[
        (&["--hostnam", "x"], &["unexpected argument '--hostnam'", "'--hostname'"]),
        (&["--cap-ad", "CHOWN"], &["'--cap-ad'", "'--cap-add'"]),
        (&["-Z"], &["unexpected argument '-Z'"]),
    ]);
}

#[test]
fn a_line_of_dockers_gets_what_becomes_of_it() {
    refused(&[
        (&["-p", "80:80"], &["docker's -p: a new network", "nsctl explain docker run"]),
        (&["--entrypoint", "sh"], &["docker's --entrypoint", "nsctl explain docker run"]),
    ]);
    as_each(|who| {
        let ran = nsctl(who, ["run", "no-such-image", "sh", "-c", "true"]).run();
        ran.expect_error(127, &["if no-such-image is an image", "--rootfs DIR sh"]);
        let ran = nsctl(who, ["run", "no-such-command", "no-such-file"]).run();
        assert!(!ran.stderr.contains("image"), "{ran:?}");
        let ran = nsctl(who, ["run", "--network", "none", "readlink", "/proc/self/ns/net"]).run();
        assert_ne!(ran.success(), fs::read_link("/proc/self/ns/net").unwrap().to_str().unwrap());
    });
}

#[test]
fn the_options_of_the_command_are_its_own() {
    as_each(|who| {
        let ran = nsctl(who, ["run", "echo", "--hostname", "-v", "--", "--no-such"]).run();
        assert_eq!(ran.success(), "--hostname -v -- --no-such");
    });
}

#[test]
fn a_namespace_that_is_none_is_refused() {
    let kinds =
        ["--net", "--pid", "--ipc", "--uts", "--userns", "--cgroupns", "--mntns", "--timens"];
    for option in kinds {
        refused(&[
            (&[option, ""], &[option, "\"\"", "pid:PID"]),
            (&[option, "nope"], &["nope", "pid:PID"]),
            (&[option, "pid:"], &["\"\" is no process id"]),
            (&[option, "pid:0"], &["\"0\" is no process id"]),
            (&[option, "pid:-1"], &["\"-1\" is no process id"]),
            (&[option, "pid:4294967296"], &["\"4294967296\" is no process id"]),
            (&[option, "pid:99999999"], &["/proc/99999999/ns/", "there is no such process"]),
            (&[option, "path:"], &["there is no such file"]),
            (&[option, "path:/nope/x"], &["/nope/x", "there is no such file"]),
            (&[option, "path:/etc/passwd"], &["/etc/passwd", "no namespace file"]),
            (&[option, "path:/"], &["no namespace file"]),
            (&[option, "container:nope"], &["no such container: nope", "nsctl ps -a"]),
        ]);
    }
    refused(&[
        (&["--net", "path:/proc/self/ns/uts"], &["it is a UTS namespace", "the option for uts"]),
        (&["--share", "nope"], &["no such kind of namespace: nope", "cgroup, ipc"]),
        (&["--share", ""], &["no such kind of namespace: \"\""]),
        (&["--share", "net", "--net", "new"], &["--net and --share net contradict"]),
    ]);
}

#[test]
fn a_pipe_in_the_place_of_a_namespace_does_not_hang() {
    as_each(|who| {
        let pipe = who.directory().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
        let path = format!("path:{}", pipe.display());
        nsctl(who, ["run", "--net", &path, "true"]).run().expect_error(125, &["no namespace file"]);
    });
}

#[test]
fn a_wrong_name_or_clock_is_refused() {
    let long = "x".repeat(65);
    refused(&[
        (&["--hostname", ""], &["the host name is empty"]),
        (&["--hostname", &long], &["is too long", "65 bytes", "at most 64"]),
        (&["--domainname", &long], &["is too long", "at most 64"]),
        (&["--uts", "host", "--hostname", "x"], &["--hostname needs a new UTS namespace"]),
        (&["--time-offset", "boottime"], &["boottime="]),
        (&["--time-offset", "nope=1"], &["the clock nope", "monotonic and boottime"]),
        (&["--monotonic", "x"], &["monotonic=x"]),
        (&["--boottime", "-999999999999"], &["out of range", "from -"]),
        (&["--boottime", "99999999999999999"], &["out of range"]),
        (&["--timens", "host", "--boottime", "5"], &["needs a new time namespace"]),
        (&["--propagation", "x"], &["'x'", "private, slave, shared, unchanged"]),
        (&["--mntns", "host", "--propagation", "slave"], &["--propagation needs"]),
        (&["--persist", "net"], &["--persist net", "KIND=FILE"]),
        (&["--persist", "nope=/x"], &["no such kind of namespace: nope"]),
        (&["--persist", "net=/nope/x"], &["/nope/x"]),
    ]);
}

#[test]
fn a_wrong_identity_is_refused() {
    refused(&[
        (&["--user", ""], &["no such user: \"\""]),
        (&["--user", "no-such-user"], &["no such user: no-such-user", "/etc/passwd"]),
        (&["--user", "4294967295"], &["4294967295", "from 0 to 4294967294"]),
        (&["--user", "4294967296"], &["4294967296", "from 0 to 4294967294"]),
        (&["--user", "-1"], &["no such user: -1"]),
        (&["--user", "0:"], &["no such group"]),
        (&["--user", ":0"], &["no such user"]),
        (&["--user", "0:no-such-group"], &["no such group: no-such-group"]),
        (&["--user", "1:2:3"], &["2:3"]),
        (&["--groups", ""], &["group"]),
        (&["--groups", "1", "--keep-groups"], &["--keep-groups"]),
        (&["--map-user", "-1"], &["-1"]),
        (&["--map-user", "4294967295"], &["4294967295"]),
        (&["--map-user", "1", "--keep-id"], &["--map-user", "--keep-id"]),
        (&["--map-users", "1:2"], &["1:2", "three fields"]),
        (&["--map-users", "0:0:0"], &["it maps no id"]),
        (&["--map-users", "0:4294967294:2"], &["past the largest id"]),
        (&["--map-users", "0:1:1", "--map-users", "0:2:1"], &["overlap inside"]),
        (&["--map-users", "0:1:1", "--map-users", "1:1:1"], &["overlap outside"]),
        (&["--map-groups", "4294967296:0:1"], &["4294967296"]),
        (&["--map-auto", "--map-users", "all"], &["--map-auto", "--map-users"]),
        (&["--setgroups", "x"], &["'x'", "allow, deny"]),
        (&["--userns", "host", "--keep-id"], &["cannot map ids"]),
    ]);
}

#[test]
fn a_wrong_setting_of_the_process_is_refused() {
    refused(&[
        (&["-e", ""], &["it has no name"]),
        (&["-e", "=x"], &["\"=x\"", "it has no name"]),
        (&["--env-file", "/no/such"], &["/no/such"]),
        (&["--env-file", "/"], &["/: Is a directory"]),
        (&["-w", ""], &["a value is required"]),
        (&["-w", "relative"], &["relative is not absolute", "--workdir /relative"]),
        (&["--rlimit", "nofile"], &["it has no ="]),
        (&["--rlimit", "nope=1"], &["there is no limit nope", "nofile"]),
        (&["--rlimit", "nofile=2:1"], &["the soft limit is above the hard one"]),
        (&["--rlimit", "nofile=99999999999999999999"], &["is no number"]),
        (&["--umask", "9"], &["umask 9", "octal"]),
        (&["--umask", "7777"], &["umask 7777"]),
        (&["--preserve-fds", "-1"], &["-1"]),
        (&["--preserve-fds", "x"], &["'x'", "--preserve-fds"]),
        (&["--preserve-fds", "99"], &["descriptor", "is not open"]),
        (&["--preserve-fds", "4294967295"], &["more than 1024"]),
        (&["--nice", "20"], &["20 is not in -20..=19"]),
        (&["--nice", "x"], &["'x'"]),
        (&["--name", ""], &["\"\" is no name"]),
        (&["--umask", ""], &["umask \"\"", "octal"]),
        (&["--stop-signal", ""], &["no such signal: \"\""]),
        (&["--name", "a/b"], &["\"a/b\" is no name"]),
        (&["--name", ".."], &["\"..\" is no name"]),
        (&["--stop-signal", "NOPE"], &["no such signal: NOPE"]),
        (&["--stop-signal", "0"], &["no such signal: 0", "1 to 64"]),
        (&["--stop-signal", "65"], &["no such signal: 65"]),
        (&["--pid-file", "/no/such/file"], &["cannot write the pid to /no/such/file"]),
        (&["--pid-file", "/"], &["/ is a directory"]),
        (&["--status-fd", "99"], &["descriptor 99", "99>FILE"]),
        (&["--status-fd", "-1"], &["-1"]),
        (&["--no-init", "--init"], &["--no-init", "--init"]),
        (&["--tty", "--no-tty"], &["--tty", "--no-tty"]),
    ]);
}

#[test]
fn wrong_rights_are_refused() {
    refused(&[
        (&["--cap-add", ""], &["no such capability: \"\""]),
        (&["--cap-add", "NOPE"], &["no such capability: NOPE", "NET_ADMIN"]),
        (&["--cap-drop", "CHOWN,"], &["no such capability: \"\""]),
        (&["--cap-add", "ALL", "--cap-drop", "ALL"], &["contradict each other"]),
        (&["--cap-add", "CHOWN", "--cap-drop", "cap_chown"], &["CAP_CHOWN is both added and"]),
        (&["--seccomp", "nope"], &["profile nope: No such file", "--seccomp default"]),
        (&["--dry-run=nope"], &["'nope'", "plan, shell"]),
    ]);
}

#[test]
fn what_is_refused_leaves_no_file() {
    as_each(|who| {
        let directory = who.directory();
        let file = |name: &str| directory.join(name).to_str().unwrap().to_string();
        let (pid, keep) = (file("pid"), format!("net={}", file("net")));
        let mut options = vec!["run", "--name", "a", "--pid-file", &pid];
        if who == Who::Root {
            options.extend(["--persist", &keep]);
        }
        for wrong in [["--user", "no-such-user"], ["--stop-signal", "NOPE"], ["-w", "relative"]] {
            let ran = nsctl(who, options.iter().chain(&wrong).chain(&["true"])).run();
            ran.expect_code(125);
            let left: Vec<_> = fs::read_dir(&directory).unwrap().collect();
            assert!(left.is_empty(), "{wrong:?} left {left:?}");
        }
    });
}

#[test]
fn an_argument_that_is_not_utf_8_is_refused_where_it_must_be() {
    as_each(|who| {
        for option in ["--net", "--user", "--cap-add", "--rlimit", "--propagation", "--name"] {
            let odd = OsString::from_vec(b"\xff\x1b[31m".to_vec());
            let mut ran = nsctl(who, ["run", option]);
            ran.command.arg(odd).arg("true");
            let ran = ran.run();
            ran.expect_code(125);
            assert!(!ran.stderr.contains('\x1b') && ran.stderr.starts_with("nsctl: "), "{ran:?}");
        }
    });
}

#[test]
fn a_megabyte_of_arguments_arrives() {
    as_each(|who| {
        // The kernel's limit for one is 128 KiB.
        let word = "x".repeat(100_000);
        let words: Vec<&str> = std::iter::repeat_n(word.as_str(), 10).collect();
        let script = "for word; do echo ${#word}; done | sort | uniq -c | tr -s ' '; echo $#";
        let run = ["run", "sh", "-c", script, "sh"].into_iter().chain(words);
        assert_eq!(nsctl(who, run).run().success(), " 10 100000\n10");
    });
}

#[test]
fn a_deep_working_directory_is_kept() {
    as_each(|who| {
        // Longer than PATH_MAX: no path names it.
        let mut ran = nsctl(who, ["run", "sh", "-c", "echo here"]);
        let top = who.directory();
        let names = ["d".repeat(200), "e".repeat(200)];
        // SAFETY: mkdir and chdir are safe between fork and exec, and allocate nothing here.
        unsafe {
            ran.command.pre_exec(move || {
                nix::unistd::chdir(&top)?;
                for name in names.iter().cycle().take(30) {
                    nix::unistd::mkdir(name.as_str(), nix::sys::stat::Mode::S_IRWXU)?;
                    nix::unistd::chdir(name.as_str())?;
                }
                Ok(())
            });
        }
        assert_eq!(ran.run().success(), "here");

        let deep = who.directory().join("d/".repeat(100));
        fs::create_dir_all(&deep).unwrap();
        let mut ran = nsctl(who, ["run", "pwd"]);
        ran.command.current_dir(&deep);
        let shown = deep.to_str().unwrap().trim_end_matches('/').to_string();
        assert_eq!(ran.run().success(), shown);
    });
}

#[test]
fn a_removed_working_directory_gives_the_root() {
    as_each(|who| {
        let gone = who.directory().join("gone");
        fs::create_dir(&gone).unwrap();
        let mut ran = nsctl(who, ["run", "pwd"]);
        let path = gone.clone();
        // SAFETY: chdir is safe between fork and exec; the removal allocates, but this
        // process has no other thread that could hold the allocator's lock in its copy.
        unsafe {
            ran.command.pre_exec(move || {
                nix::unistd::chdir(&path)?;
                fs::remove_dir(&path)
            });
        }
        assert_eq!(ran.run().success(), "/");
    });
}

#[test]
fn a_full_standard_error_does_not_change_the_status() {
    as_each(|who| {
        // A pipe that is full and does not wait, and one that nobody reads.
        for full in [true, false] {
            let (reader, writer) = nix::unistd::pipe().unwrap();
            let mut reader = fs::File::from(reader);
            if full {
                let flags = nix::fcntl::OFlag::O_NONBLOCK;
                nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETFL(flags)).unwrap();
                while nix::unistd::write(&writer, &[b'x'; 4096]).is_ok() {}
            }
            let mut ran = nsctl(who, ["run", "no-such-command"]);
            ran.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer);
            let mut child = ran.command.spawn().unwrap();
            // The command holds our copy of the pipe.
            ran.command.stderr(Stdio::null());
            if !full {
                drop(reader);
            } else {
                assert_eq!(child.wait().unwrap().code(), Some(127));
                reader.read_exact(&mut [0; 4096]).unwrap();
                continue;
            }
            assert_eq!(child.wait().unwrap().code(), Some(127));
        }
    });
}

#[test]
fn nothing_is_left_of_what_is_refused() {
    as_each(|who| {
        let tag = Tag::new();
        let (name, value) = tag.variable();
        for _ in 0..20 {
            let run = ["run", "--rlimit", "nofile=unlimited", "true"];
            nsctl(who, run).env(name, value).run().expect_code(125);
        }
        tag.expect_none_within(std::time::Duration::from_secs(1));
    });
}
