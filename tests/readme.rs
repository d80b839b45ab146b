//! What README.md and the guide show at a prompt happens as it stands there: after `$` as a user,
//! after `#` as root.

use super::common::{Who, document, have, nsctl, play};

#[test]
fn the_classical_demonstrations_are_as_shown() {
    let needed = ["ipcmk", "ps", "ip", "findmnt", "mknod", "hostname"];
    if needed.iter().all(|program| have(program)) {
        let readme = document("README.md");
        let section = |title| readme.split("\n## ").find(|part| part.starts_with(title)).unwrap();
        assert_eq!(play(section("What it does")), (1, 0));
        let (by_user, by_root) = play(section("Namespaces by doing"));
        assert!(by_user >= 15, "{by_user}");
        assert!(by_root == 3 || !nix::unistd::geteuid().is_root(), "{by_root}");
    }
}

/// Plays a page of the guide that shows at least so many commands of a user's, and so many of root's.
fn page(name: &str, (least, roots): (usize, usize), needed: &[&str]) {
    if needed.iter().chain(&["unshare", "grep"]).all(|program| have(program)) {
        let (by_user, by_root) = play(&document(&format!("guide/{name}.md")));
        assert!(by_user >= least, "{name}: {by_user}");
        assert!(by_root == roots || !nix::unistd::geteuid().is_root(), "{name}: {by_root}");
    }
}

#[test]
fn the_guide_is_as_shown() {
    page("README", (8, 0), &["hostname"]);
}

#[test]
fn the_page_on_user_namespaces_is_as_shown() {
    page("user", (15, 2), &["awk", "mknod"]);
}

#[test]
fn the_page_on_mount_namespaces_is_as_shown() {
    page("mount", (12, 0), &["findmnt", "mount"]);
}

#[test]
fn the_page_on_pid_namespaces_is_as_shown() {
    page("pid", (12, 0), &["ps"]);
}

#[test]
fn the_page_on_uts_namespaces_is_as_shown() {
    page("uts", (12, 0), &["hostname"]);
}

#[test]
fn the_page_on_ipc_namespaces_is_as_shown() {
    page("ipc", (10, 0), &["ipcmk", "ipcs"]);
}

#[test]
fn the_page_on_network_namespaces_is_as_shown() {
    page("net", (16, 3), &["ip", "python3"]);
}

#[test]
fn the_page_on_cgroup_namespaces_is_as_shown() {
    page("cgroup", (8, 0), &["cmp"]);
}

#[test]
fn the_page_on_time_namespaces_is_as_shown() {
    page("time", (9, 0), &["uptime", "awk"]);
}

/// A line of nsctl in running text names only what there is: verbs, options, checks of doctor.
#[test]
fn what_the_documents_name_exists() {
    let kinds = ["user", "mount", "pid", "uts", "ipc", "net", "cgroup", "time", "README"];
    let guide = kinds.map(|kind| document(&format!("guide/{kind}.md"))).join("\n");
    let text = document("README.md") + &guide;
    // What is between two ``` is played, or is no line of nsctl's.
    let prose: String = text.split("```").step_by(2).collect();
    let spans = prose.split('`').skip(1).step_by(2);
    let lines = spans.filter_map(|span| span.trim_start_matches("sudo ").strip_prefix("nsctl "));
    let mut checked = 0;
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().take_while(|word| *word != "--").collect();
        let names_things = ["doctor", "completion"].contains(&words[0]);
        for (at, word) in words.iter().enumerate() {
            let name = word.split('=').next().unwrap();
            let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            let is_long = name.starts_with("--");
            // What explain is given is another tool's.
            let is_verb = at == 0 || at == 1 && words[0] == "ns";
            let is_ours = is_verb || names_things || is_long && words[0] != "explain";
            if !is_ours || !is_plain || name.starts_with('-') && !is_long {
                continue;
            }
            let asked = [&["__complete", "--"], &words[..at], &[name]].concat();
            let ran = nsctl(Who::User, asked).run();
            let offered = ran.success().lines().any(|found| found.split('\t').next() == Some(name));
            assert!(offered, "`nsctl {line}`: there is no {name}");
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked}");
}
