//! `nsctl doctor -- …` says why that run fails, as the run itself would, and does nothing of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::common::{Ran, Who, as_each, busybox_root, nsctl, skip, write_as};

fn doctor(who: Who, line: &[&str]) -> Ran {
    nsctl(who, [&["doctor", "--json", "--"], line].concat()).run()
}

/// The name of the first cause.
#[track_caller]
fn expect(ran: &Ran, name: &str, words: &[&str]) {
    ran.expect_code(1);
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let first = &found["causes"][0];
    assert_eq!(first["name"].as_str().unwrap_or(""), name, "{}", ran.stdout);
    for word in words {
        let text = format!("{} {}", first["evidence"], first["remedy"]);
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
}

#[test]
fn a_run_that_works_is_not_carried_out() {
    as_each(|who| {
        let file = who.directory().join("made");
        let touch = ["touch", file.to_str().unwrap()];
        for options in
            [&[][..], &["run"], &["nsctl", "run", "--net", "host"], &["run", "--no-init"]]
        {
            let ran = doctor(who, &[options, &touch].concat());
            ran.success();
            assert_eq!(ran.stderr, "");
        }
        assert!(!file.exists());
        let pid_file = who.directory().join("pid");
        let line =
            ["run", "-d", "--name", "bird", "--pid-file", pid_file.to_str().unwrap(), "true"];
        doctor(who, &line).success();
        assert!(!pid_file.exists());
        assert_eq!(nsctl(who, ["ps", "-aq"]).run().success(), "");
    });
}

#[test]
fn a_program_that_cannot_be_executed_is_explained() {
    as_each(|who| {
        let directory = who.directory();
        let make = |name: &str, content: &str, mode: u32| {
            let path = directory.join(name);
            write_as(who, &path, content);
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path.to_str().unwrap().to_string()
        };
        expect(&doctor(who, &["no-such-program"]), "not-found", &["in PATH"]);
        let closed = make("closed", "#!/bin/sh\n", 0o644);
        expect(&doctor(who, &[&closed]), "not-executable", &["mode 0644", "chmod a+x"]);
        let script = make("script", "#!/no/such/shell\n", 0o755);
        expect(&doctor(who, &[&script]), "interpreter", &["/no/such/shell"]);
        // What is no program is taken for a script, as shells do, if it is text.
        doctor(who, &[&make("text", "hello\n", 0o755)]).success();
        let binary = make("binary", "a\0b\n", 0o755);
        expect(&doctor(who, &[&binary]), "no-program", &["neither an ELF program"]);
    });
}

#[test]
fn a_program_inside_a_root_is_looked_for_there() {
    as_each(|who| {
        let Some(root) = busybox_root(who) else { return };
        let root = root.to_str().unwrap();
        doctor(who, &["run", "--rootfs", root, "sh", "-c", "exit 3"]).success();
        expect(&doctor(who, &["run", "--rootfs", root, "bash"]), "not-found", &["bash"]);
        // An image or an empty root is not seen from outside; what execve says is.
        let ran = doctor(who, &["run", "--rootfs", "none", "/bin/sh"]);
        expect(&ran, "not-found", &["/bin/sh"]);
    });
}

#[test]
fn what_is_not_there_to_be_mounted_is_named() {
    as_each(|who| {
        let ran = doctor(who, &["run", "--rootfs", "/no/such/root", "true"]);
        expect(&ran, "path-missing", &["there is no /no", "mkdir -p /no/such/root"]);
        let ran = doctor(who, &["run", "-v", "/no/such/source:/mnt", "true"]);
        expect(&ran, "path-missing", &["there is no /no"]);
        let ran = doctor(who, &["run", "--rootfs", "/etc/passwd/x", "true"]);
        expect(&ran, "path-not-directory", &["/etc/passwd is not a directory"]);
    });
    let ran =
        doctor(Who::User, &["run", "--net", "host", "--mount", "type=sysfs,dst=/mnt", "true"]);
    expect(&ran, "mount-of-another-namespace", &["it shows the network namespace"]);
}

#[test]
fn a_range_that_is_not_granted_is_named() {
    if Who::User.name().is_none() {
        return skip("the user has no name");
    }
    let ran = doctor(Who::User, &["run", "--map-users", "0:5000:1", "true"]);
    expect(&ran, "range-not-granted", &["/etc/subuid grants"]);
}

/// A root that the caller may not enter, or that is in a directory that it may not search.
#[test]
fn a_root_that_is_closed_is_named() {
    if !nix::unistd::geteuid().is_root() {
        return skip("only root can make what is not the user's");
    }
    let Some(root) = busybox_root(Who::Root) else { return };
    let path = root.to_str().unwrap();
    let closed = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    closed(&root, 0o700);
    let ran = doctor(Who::User, &["run", "--rootfs", path, "true"]);
    expect(&ran, "root-closed", &[path, "mode 0700, owner 0:0", "--map-auto"]);
    let ran = nsctl(Who::User, ["run", "--rootfs", path, "true"]).run();
    ran.expect_error(125, &["may not be entered by"]);
    let above = root.parent().unwrap();
    closed(above, 0o700);
    let ran = doctor(Who::User, &["run", "--rootfs", path, "true"]);
    expect(&ran, "path-closed", &[above.to_str().unwrap()]);
    closed(above, 0o755);
    closed(&root, 0o755);
    // Root goes everywhere.
    closed(&root, 0o700);
    doctor(Who::Root, &["run", "--rootfs", path, "true"]).success();
}

#[test]
fn an_overlay_over_files_of_an_unmapped_owner_will_fail_later() {
    if !nix::unistd::geteuid().is_root() {
        return skip("only root can make a root that is not the user's");
    }
    let Some(root) = busybox_root(Who::Root) else { return };
    let path = root.to_str().unwrap();
    let run = ["run", "--rootfs", path, "--overlay"];
    let ran = doctor(Who::User, &[&run[..], &["true"]].concat());
    ran.success();
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["later"][0]["name"], "overlay-unmapped-owner", "{}", ran.stdout);
    // And so it does.
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o777)).unwrap();
    let ran = nsctl(Who::User, [&run[..], &["touch", "/tmp/file"]].concat()).run();
    assert!(ran.code != Some(0) && ran.stderr.contains("Value too large"), "{ran:?}");
    // Not for an owner who exists inside.
    let ran = doctor(Who::Root, &[&run[..], &["true"]].concat());
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["later"], serde_json::json!([]));
}

#[test]
fn people_get_the_same_in_words() {
    let ran = nsctl(Who::User, ["doctor", "--", "no-such-program"]).run();
    ran.expect_code(1);
    assert!(ran.stdout.starts_with("does not: cannot execute no-such-program"), "{ran:?}");
    let ran = nsctl(Who::User, ["doctor", "--", "true"]).run();
    assert!(ran.success().starts_with("works: "), "{ran:?}");
    let ran = nsctl(Who::User, ["doctor", "--", "run", "--no-such-option", "true"]).run();
    ran.expect_error(125, &["--no-such-option"]);
}
