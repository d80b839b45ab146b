//! A working directory is inside, by whatever path it is asked for.

use super::common::{as_each, nsctl};

/// Descriptors of ours, the host's /dev that its own name hides, other ways to the host.
#[test]
fn cve_2024_21626_no_path_of_proc_leads_to_the_host() {
    as_each(|who| {
        let links = (3..=20).map(|number| format!("/proc/self/fd/{number}"));
        let others = ["/proc/self/cwd", "/proc/1/cwd", "/proc/self/root", "/proc/thread-self/cwd"];
        for path in links.chain(others.map(str::to_string)) {
            for init in [&["run"][..], &["run", "--no-init"]] {
                let ran =
                    nsctl(who, [init, &["-w", &path, "readlink", "/proc/self/cwd"]].concat()).run();
                ran.expect_error(125, &["working directory", &path]);
                assert_eq!(ran.stdout, "", "{path}");
            }
        }
    });
}

#[test]
fn a_processes_directory_of_the_host_is_no_working_directory() {
    as_each(|who| {
        let path = format!("/proc/{}/root", std::process::id());
        nsctl(who, ["run", "--pid", "host", "-w", &path, "true"]).run().expect_code(125);
    });
}

#[test]
fn an_ordinary_path_through_links_is_followed() {
    as_each(|who| {
        let target = who.directory();
        let link = target.join("link");
        std::os::unix::fs::symlink("/usr/share", &link).unwrap();
        let ran = nsctl(who, ["run", "-w", link.to_str().unwrap(), "pwd", "-P"]).run();
        assert_eq!(ran.success(), "/usr/share");
    });
}
