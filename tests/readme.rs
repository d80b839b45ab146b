//! What README.md and the guide show at a prompt happens as it stands there: after `$` as a user,
//! after `#` as root.

use super::common::{document, have, play};

#[test]
fn the_classical_demonstrations_are_as_shown() {
    let needed = ["ipcmk", "ps", "ip", "findmnt", "mknod", "hostname"];
    if needed.iter().all(|program| have(program)) {
        let readme = document("README.md");
        let mut sections = readme.split("\n## ");
        let section = sections.find(|part| part.starts_with("Namespaces by doing")).unwrap();
        let (by_user, by_root) = play(section);
        assert!(by_user >= 15, "{by_user}");
        assert!(by_root == 3 || !nix::unistd::geteuid().is_root(), "{by_root}");
    }
}

/// Plays a page of the guide that shows at least so many commands.
fn page(name: &str, least: usize, needed: &[&str]) {
    if needed.iter().chain(&["unshare", "grep"]).all(|program| have(program)) {
        let (by_user, by_root) = play(&document(&format!("guide/{name}.md")));
        assert!(by_user + by_root >= least, "{name}: {by_user} {by_root}");
    }
}

#[test]
fn the_guide_is_as_shown() {
    page("README", 8, &["hostname"]);
}

#[test]
fn the_page_on_user_namespaces_is_as_shown() {
    page("user", 15, &["awk", "mknod"]);
}

#[test]
fn the_page_on_mount_namespaces_is_as_shown() {
    page("mount", 12, &["findmnt", "mount"]);
}

#[test]
fn the_page_on_pid_namespaces_is_as_shown() {
    page("pid", 12, &["ps"]);
}

#[test]
fn the_page_on_uts_namespaces_is_as_shown() {
    page("uts", 12, &["hostname"]);
}

#[test]
fn the_page_on_ipc_namespaces_is_as_shown() {
    page("ipc", 10, &["ipcmk", "ipcs"]);
}

#[test]
fn the_page_on_network_namespaces_is_as_shown() {
    page("net", 18, &["ip", "python3"]);
}

#[test]
fn the_page_on_cgroup_namespaces_is_as_shown() {
    page("cgroup", 8, &["cmp"]);
}

#[test]
fn the_page_on_time_namespaces_is_as_shown() {
    page("time", 9, &["uptime", "awk"]);
}
