//! `--tmpfs`: an empty file system in memory, with every option.

use super::common::{Who, as_each, nsctl};

fn inside(who: Who, options: &[&str], script: &str) -> String {
    let ran = nsctl(who, [&["run"], options, &["sh", "-c", script]].concat()).run();
    ran.success().to_string()
}

/// Mode, owner, flags and options of what is mounted on /t.
const SHOW: &str = "stat -c '%a %u:%g' /t; grep ' /t ' /proc/self/mountinfo | cut -d' ' -f6; \
                    grep ' /t ' /proc/self/mountinfo | sed 's/.* - //'";

#[test]
fn it_is_empty_everybodys_and_executes_nothing() {
    as_each(|who| {
        let shown = inside(who, &["--tmpfs", "/t"], SHOW);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "1777 0:0", "{who:?}");
        for flag in ["rw", "nosuid", "nodev", "noexec"] {
            assert!(lines[1].split(',').any(|found| found == flag), "{}", lines[1]);
        }
        assert!(lines[2].starts_with("tmpfs "), "{}", lines[2]);
        assert_eq!(inside(who, &["--tmpfs", "/etc"], "ls /etc"), "");
    });
}

#[test]
fn each_option_arrives() {
    as_each(|who| {
        let shown = |options: &str| {
            let tmpfs = format!("/t:{options}");
            inside(who, &["--tmpfs", &tmpfs], SHOW)
        };
        for (options, expected) in [
            ("size=64k", "size=64k"),
            ("size=65536", "size=64k"),
            ("size=1MiB", "size=1024k"),
            ("size=2m,mode=700", "size=2048k"),
            ("nr_inodes=100", "nr_inodes=100"),
            ("size=10%", "size="),
            ("mode=0711", "711 0:0"),
            ("uid=0,gid=0", "0:0"),
            ("ro", "ro,"),
            ("noatime", "noatime"),
        ] {
            assert!(shown(options).contains(expected), "{options}: {}", shown(options));
        }
        assert!(!shown("exec").contains("noexec") && shown("exec").contains("nosuid"));
        assert!(!shown("suid,dev,exec").contains("nosuid"));
        let mount = "type=tmpfs,dst=/t,tmpfs-size=64k,tmpfs-mode=750,exec,ro";
        let shown = inside(who, &["--mount", mount], SHOW);
        assert!(shown.contains("size=64k") && shown.contains("750 0:0"), "{shown}");
        assert!(!shown.contains("noexec") && shown.contains("ro,"), "{shown}");
    });
}

#[test]
fn its_size_is_a_limit() {
    as_each(|who| {
        let script = "head -c 100000 /dev/zero >/t/x 2>/dev/null && echo fits || echo full";
        assert_eq!(inside(who, &["--tmpfs", "/t:size=64k"], script), "full");
        assert_eq!(inside(who, &["--tmpfs", "/t:size=1m"], script), "fits");
    });
}

#[test]
fn wrong_options_are_refused() {
    as_each(|who| {
        for (tmpfs, words) in [
            ("", &["the place inside is missing", "--tmpfs DST"][..]),
            ("t", &["does not begin with /"]),
            ("/", &["the root itself"]),
            ("/t:", &["no option \"\""]),
            ("/t:size=1q", &["no size", "64k"]),
            ("/t:size=-1", &["no size"]),
            ("/t:size=0", &["no limit to the kernel"]),
            ("/t:size=99999999999999999999", &["no size"]),
            ("/t:size=16777216t", &["no size"]),
            ("/t:size=101%", &["no size"]),
            ("/t:size=1m,size=2m", &["said twice"]),
            ("/t:mode=999", &["octal"]),
            ("/t:mode=", &["octal"]),
            ("/t:uid=4294967296", &["no id"]),
            ("/t:uid=-1", &["no id"]),
            ("/t:nope", &["no option \"nope\""]),
            ("/t:ro,rw", &["contradict"]),
            ("/t:tmpcopyup", &["nothing is copied"]),
            ("/t:size=1m:ro", &["more than two fields"]),
            ("/proc/self", &["must stay"]),
        ] {
            let ran = nsctl(who, ["run", "--tmpfs", tmpfs, "true"]).run();
            ran.expect_error(125, words);
        }
    });
    nsctl(Who::User, ["run", "--tmpfs", "/t:uid=12345", "true"])
        .run()
        .expect_error(125, &["uid 12345", "not mapped", "--map-auto"]);
}
