//! `--mount`, `--file`, `--symlink`: every type, every key, every refusal.

use std::fs;

use super::common::{Who, as_each, busybox_root, nsctl, shell, skip};

fn inside(who: Who, options: &[&str], script: &str) -> String {
    let ran = nsctl(who, [&["run"], options, &["sh", "-c", script]].concat()).run();
    ran.success().to_string()
}

fn refused(who: Who, options: &[&str], words: &[&str]) {
    nsctl(who, [&["run"], options, &["true"]].concat()).run().expect_error(125, words);
}

#[test]
fn a_bind_has_dockers_words() {
    as_each(|who| {
        let source = who.directory();
        fs::write(source.join("x"), "here").unwrap();
        for words in ["src=S,dst=/v", "source=S,target=/v", "destination=/v,source=S,type=bind"] {
            let kind = if words.contains("type") { "" } else { "type=bind," };
            let mount = format!("{kind}{words}").replace('S', source.to_str().unwrap());
            assert_eq!(inside(who, &["--mount", &mount], "cat /v/x"), "here", "{mount}");
        }
        let base = format!("type=bind,src={},dst=/v", source.display());
        let script = "touch /v/y 2>/dev/null && echo written || echo refused";
        for (words, expected) in [
            ("", "written"),
            (",ro", "refused"),
            (",readonly", "refused"),
            (",readonly=true", "refused"),
            (",ro=false", "written"),
            (",rw", "written"),
            (",ro,bind-recursive=readonly", "refused"),
            (",bind-propagation=rslave,consistency=cached,z", "written"),
        ] {
            let mount = format!("{base}{words}");
            assert_eq!(inside(who, &["--mount", &mount], script), expected, "{words}");
        }
    });
}

#[test]
fn file_systems_of_the_kernel_show_the_containers_namespaces() {
    as_each(|who| {
        let show =
            |mount: &str| inside(who, &["--mount", mount], "grep ' /m ' /proc/self/mountinfo");
        for (kind, fstype, flags) in [
            ("proc", "proc", "ro,nosuid,nodev,noexec"),
            ("sysfs", "sysfs", "ro,nosuid,nodev,noexec"),
            ("mqueue", "mqueue", "rw,nosuid,nodev,noexec"),
            ("devpts", "devpts", "rw,nosuid,noexec"),
            ("cgroup", "cgroup2", "ro,nosuid,nodev,noexec"),
            ("cgroup2", "cgroup2", "ro,nosuid,nodev,noexec"),
        ] {
            let line = show(&format!("type={kind},dst=/m"));
            assert!(line.contains(&format!(" - {fstype} ")), "{line}");
            assert!(line.contains(&format!(" /m {flags}")), "{line}");
        }
        assert!(show("type=mqueue,dst=/m,ro").contains(" /m ro,"));
        assert!(show("type=proc,dst=/m,rw").contains(" /m rw,"));
        assert!(show("type=proc,dst=/m,hidepid=2").contains("hidepid="));
        assert!(show("type=devpts,dst=/m,mode=0600,max=7").contains("mode=600"));
        let proc = ["--mount", "type=proc,dst=/m"];
        assert_eq!(inside(who, &proc, "cat /m/1/comm"), "nsinit");
        let net = ["--mount", "type=sysfs,dst=/m"];
        assert_eq!(inside(who, &net, "ls /m/class/net"), "lo");
    });
}

#[test]
fn what_the_container_does_not_own_is_not_mounted() {
    let who = Who::User;
    for (kind, share) in
        [("proc", "pid"), ("sysfs", "net"), ("mqueue", "ipc"), ("cgroup", "cgroup")]
    {
        let mount = format!("type={kind},dst=/m");
        refused(
            who,
            &["--share", share, "--mount", &mount],
            &["not the container's own", &format!("sharing of {share}")],
        );
    }
}

#[test]
fn directories_are_shown_as_one() {
    as_each(|who| {
        let (one, two, kept) = (who.directory(), who.directory(), who.directory());
        fs::write(one.join("both"), "one").unwrap();
        fs::write(two.join("both"), "two").unwrap();
        fs::write(two.join("only"), "two").unwrap();
        let lower = format!("lowerdir={},lowerdir={}", one.display(), two.display());
        let overlay = |more: &str| format!("type=overlay,dst=/m,{lower}{more}");
        let script = "cat /m/both /m/only; touch /m/new 2>/dev/null && echo , || echo .";
        assert_eq!(inside(who, &["--mount", &overlay("")], script), "onetwo,");
        assert_eq!(inside(who, &["--mount", &overlay(",ro")], script), "onetwo.");
        let upper = overlay(&format!(",upper={}", kept.display()));
        assert_eq!(inside(who, &["--mount", &upper], script), "onetwo,");
        assert_eq!(inside(who, &["--mount", &upper], "ls /m"), "both\nnew\nonly");
        assert!(kept.join("upper/new").exists() && !one.join("new").exists());
    });
}

#[test]
fn a_file_has_the_content_that_is_given() {
    as_each(|who| {
        let shown = inside(
            who,
            &["--file", "/a/b=one=1\ntwo", "--file", "/etc/hostname=", "--file", "/c=-x"],
            "cat /a/b /etc/hostname /c; stat -c ' %a %u:%g' /a/b",
        );
        assert_eq!(shown, "one=1\ntwo-x 644 0:0");
        let long = "x".repeat(100_000);
        let file = format!("/a={long}");
        assert_eq!(inside(who, &["--file", &file], "wc -c </a"), "100000");
        // Private to the container, and its to change.
        let shown = inside(
            who,
            &["--file", "/etc/hostname=x"],
            "echo y >>/etc/hostname; cat /etc/hostname",
        );
        assert_eq!(shown, "xy");
    });
}

#[test]
fn a_file_has_the_content_of_standard_input() {
    as_each(|who| {
        let run = |options: &[&str], input: Vec<u8>| {
            let all = [&["run"], options, &["sh", "-c", "wc -c </a; cat"]].concat();
            nsctl(who, all).input(input).run()
        };
        // All of it, so that nothing is left for the command.
        let ran = run(&["--file", "/a=-"], b"0123456789\n".to_vec());
        assert_eq!(ran.success(), "11");
        assert_eq!(run(&["--file", "/a=-"], vec![b'x'; 3 << 20]).success(), (3 << 20).to_string());
        let large = run(&["--file", "/a=-"], vec![b'x'; (16 << 20) + 1]);
        large.expect_error(125, &["longer than 16 MiB", "-v FILE:DST"]);
        let twice = run(&["--file", "/a=-", "--file", "/b=-"], Vec::new());
        twice.expect_error(125, &["two files"]);
    });
}

#[test]
fn a_link_is_made_or_agreed_with() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let rootfs = ["--rootfs", root.to_str().unwrap()];
        let linked = |links: &[&str], script: &str| inside(who, &[&rootfs, links].concat(), script);
        let links = ["--symlink", "/a/b=../bin", "--symlink", "/c=/no/such"];
        assert_eq!(
            linked(&links, "readlink /a/b; readlink /c; ls /a/b/sh"),
            "../bin\n/no/such\n/a/b/sh"
        );
        std::os::unix::fs::symlink("same", root.join("same")).unwrap();
        assert_eq!(linked(&["--symlink", "/same=same"], "readlink /same"), "same");
    });
}

#[test]
fn wrong_mounts_are_refused_before_anything_is_made() {
    as_each(|who| {
        for (mount, words) in [
            ("", &["a field is empty", "--mount type=TYPE"][..]),
            ("type=bind,dst=/v", &["src= is missing"]),
            ("type=bind,src=/usr", &["dst= is missing"]),
            ("src=/usr,dst=/v", &["type= is missing", "bind, tmpfs"]),
            ("type=nope,dst=/v", &["no type \"nope\""]),
            ("type=volume,src=x,dst=/v", &["no volumes", "type=bind"]),
            ("type=bind,src=/no/such,dst=/v", &["there is no /no"]),
            ("type=bind,src=/usr,dst=v", &["does not begin with /"]),
            ("type=bind,src=/usr,dst=/v,nope=1", &["type=bind has no nope=1"]),
            ("type=bind,src=/usr,dst=/v,ro=x", &["neither true nor false"]),
            ("type=bind,src=/usr,dst=/v,ro,rw", &["contradict"]),
            ("type=bind,src=/usr,dst=/v,bind-propagation=x", &["rprivate, rslave, rshared"]),
            ("type=bind,src=/usr,dst=/v,bind-recursive=x", &["enabled, disabled"]),
            ("type=bind,src=/usr,src=/etc,dst=/v", &["said twice"]),
            (r#"type=bind,src="/usr",dst=/v"#, &["double quote"]),
            (r#"type=bind,"src=/usr,dst=/v"#, &["quote without its end"]),
            ("type=tmpfs,dst=/v,src=/usr", &["type=tmpfs has no src=/usr"]),
            ("type=tmpfs,dst=/v,tmpfs-size=x", &["no size"]),
            ("type=overlay,dst=/v", &["lowerdir= is missing"]),
            ("type=overlay,dst=/v,lowerdir=/no/such", &["there is no /no"]),
            ("type=overlay,dst=/v,lowerdir=/usr/bin,upperdir=/no/a,workdir=/b", &["changes /no/a"]),
            ("type=overlay,dst=/v,lowerdir=/usr/bin,upper=/usr/bin", &["inside the other"]),
            ("type=proc,dst=/v,hidepid=9", &["hidepid is one of"]),
            ("type=proc,dst=/proc/x", &["must stay"]),
            ("type=devpts,dst=/v,mode=9", &["octal"]),
        ] {
            refused(who, &["--mount", mount], words);
        }
        for (option, value, word) in [
            ("--file", "/a", "it has no ="),
            ("--file", "a=b", "does not begin with /"),
            ("--file", "/proc/self/comm=x", "must stay"),
            ("--symlink", "/a", "it has no ="),
            ("--symlink", "/a=", "1 to 4095 bytes"),
            ("--symlink", "/proc/a=b", "no link in /proc"),
        ] {
            refused(who, &[option, value], &[word, option]);
        }
    });
    refused(Who::User, &["--mount", "type=devpts,dst=/v,gid=5"], &["gid 5", "not mapped"]);
}

#[test]
fn cve_2021_43784_a_flood_is_refused_or_done_whole() {
    as_each(|who| {
        let flood = "x".repeat(100_000);
        for option in ["-v", "--mount", "--tmpfs", "--device", "--rootfs", "--overlay-lower"] {
            let ran = nsctl(who, ["run", option, &flood, "true"]).run();
            assert_eq!(ran.code, Some(125), "{option}");
            assert!(ran.stderr.len() < 5000, "{option}: {} bytes", ran.stderr.len());
        }
        let many: Vec<String> =
            (0..500).map(|number| format!("--file=/t/{number}={number}")).collect();
        let mut arguments = vec!["run".to_string(), "--tmpfs=/t".into()];
        arguments.extend(many);
        arguments.extend(["sh".into(), "-c".into(), "ls /t | wc -l; cat /t/499".into()]);
        assert_eq!(nsctl(who, arguments).run().success(), "500\n499");
    });
}

#[test]
fn nothing_of_it_is_left_on_the_host() {
    as_each(|who| {
        if fs::metadata("/v").is_ok() {
            return skip("the machine has a /v");
        }
        let before = fs::read_to_string("/proc/self/mountinfo").unwrap();
        inside(who, &["-v", "/usr:/v/w", "--tmpfs", "/v/x", "--file", "/v/y=z"], "true");
        refused(who, &["-v", "/usr:/v", "--tmpfs", "/v/w", "--workdir", "/no"], &["/no"]);
        assert!(fs::metadata("/v").is_err());
        let after = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let own = |text: &str| -> Vec<String> {
            text.lines().filter(|line| line.contains("nsctl")).map(str::to_string).collect()
        };
        assert_eq!(own(&before), own(&after));
    });
}

/// In a user namespace the kernel gives no proc and no sysfs that forbids less than the host's.
#[test]
fn a_new_proc_and_sysfs_have_the_flags_of_the_hosts() {
    if !nix::unistd::geteuid().is_root() {
        return skip("changing the flags of /proc needs root");
    }
    let script = "for at in /proc:noatime /proc:strictatime /sys:ro,noatime /sys:rw,nodiratime; do \
         unshare --mount sh -ec ' \
             mount -o remount,bind,nosuid,nodev,noexec,${1#*:} ${1%:*}; shift; exec \"$@\" \
         ' sh $at \"$NSCTL\" run --map-users 0:1000000000:65536 --map-groups 0:1000000000:65536 \
             --mount type=proc,dst=/tmp/p,rw --mount type=sysfs,dst=/tmp/s,relatime \
             sh -c 'test -e /tmp/p/self && test -e /tmp/s/class && echo shown' || exit; \
         done";
    let ran = shell(Who::Root, script).run();
    assert_eq!(ran.success(), "shown\nshown\nshown\nshown");
}
