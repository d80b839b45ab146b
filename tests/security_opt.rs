//! docker's words for rights, and labels of security modules.

use std::fs;

use super::common::{Ran, Who, as_each, nsctl, skip};

fn run(who: Who, options: &[&str], command: &[&str]) -> Ran {
    nsctl(who, [&["run"], options, command].concat()).run()
}

fn status(who: Who, options: &[&str]) -> String {
    let read = ["grep", "-E", "^(NoNewPrivs|Seccomp):", "/proc/self/status"];
    run(who, options, &read).success().replace(['\t', '\n'], "")
}

#[test]
fn new_privileges_and_the_filter_have_dockers_words() {
    as_each(|who| {
        for (options, expected) in [
            (&["no-new-privileges"][..], "NoNewPrivs:1Seccomp:2"),
            (&["no-new-privileges:true"], "NoNewPrivs:1Seccomp:2"),
            (&["no-new-privileges=false"], "NoNewPrivs:0Seccomp:2"),
            (&["seccomp=unconfined"], "NoNewPrivs:1Seccomp:0"),
            (&["seccomp:unconfined", "no-new-privileges:false"], "NoNewPrivs:0Seccomp:0"),
            (&["seccomp=builtin"], "NoNewPrivs:1Seccomp:2"),
            (&["label=disable", "apparmor=unconfined"], "NoNewPrivs:1Seccomp:2"),
        ] {
            let flags: Vec<&str> =
                options.iter().flat_map(|option| ["--security-opt", option]).collect();
            assert_eq!(status(who, &flags), expected, "{options:?}");
        }
        let flags = ["--privileged", "--security-opt", "no-new-privileges"];
        assert_eq!(status(who, &flags), "NoNewPrivs:1Seccomp:0");
    });
}

#[test]
fn a_profile_is_read_by_dockers_word_too() {
    as_each(|who| {
        let path = who.directory().join("profile.json");
        let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}"#;
        fs::write(&path, profile).unwrap();
        let option = format!("seccomp={}", path.display());
        run(who, &["--security-opt", &option], &["mkdir", "/dev/shm/x"]).expect_code(1);
    });
}

#[test]
fn kernel_files_are_shown_by_dockers_and_podmans_words() {
    as_each(|who| {
        let masked = ["sh", "-c", "grep -c ' /proc/[a-z]' /proc/self/mountinfo; true"];
        assert_ne!(run(who, &[], &masked).success(), "0");
        for word in ["systempaths=unconfined", "unmask=ALL"] {
            assert_eq!(run(who, &["--security-opt", word], &masked).success(), "0", "{word}");
        }
    });
}

#[test]
fn words_that_mean_nothing_and_contradictions_are_refused() {
    as_each(|who| {
        let refused = |options: &[&str], words: &[&str]| {
            run(who, options, &["true"]).expect_error(125, words);
        };
        for word in ["", "nope", "mask=/proc", "no-new-privileges=maybe", "seccomp", "seccomp="] {
            refused(&["--security-opt", word], &["means nothing here", "systempaths=unconfined"]);
        }
        let label = ["--security-opt", "label=type:container_t"];
        refused(&label, &["label=type:container_t", "--selinux-label"]);
        let twice = ["--security-opt", "seccomp=unconfined", "--seccomp", "default"];
        refused(&twice, &["--seccomp", "one of them"]);
        let both = ["--security-opt", "no-new-privileges", "--allow-new-privileges"];
        refused(&both, &["--allow-new-privileges", "one of them"]);
    });
}

#[test]
fn a_label_of_a_module_that_is_not_there_is_refused() {
    let apparmor = fs::read_to_string("/sys/module/apparmor/parameters/enabled");
    as_each(|who| {
        if apparmor.as_ref().is_ok_and(|on| on.starts_with('Y')) {
            skip("AppArmor is active here");
        } else {
            let words = ["AppArmor profile docker-default", "AppArmor is not active", "unconfined"];
            run(who, &["--apparmor", "docker-default"], &["true"]).expect_error(125, &words);
            let option = ["--security-opt", "apparmor=docker-default"];
            run(who, &option, &["true"]).expect_error(125, &words);
        }
        if fs::exists("/sys/fs/selinux/enforce").unwrap() {
            skip("SELinux is active here");
        } else {
            let option = ["--selinux-label", "system_u:system_r:container_t:s0"];
            let words = ["SELinux label system_u:", "SELinux is not active", "remedy: "];
            run(who, &option, &["true"]).expect_error(125, &words);
        }
    });
}

#[test]
fn a_label_is_one_line() {
    as_each(|who| {
        for wrong in ["", "a\nb"] {
            run(who, &["--apparmor", wrong], &["true"]).expect_error(125, &["empty or holds"]);
        }
    });
}
