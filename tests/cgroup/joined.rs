//! `nsctl enter --join-cgroup`: into the control groups of a process, as nsenter does.

use super::ground::on_each;

#[test]
fn the_groups_of_a_container_are_joined_when_asked_for() {
    for hierarchies in [&["unified"][..], &["pids", "freezer"], &["unified", "pids"]] {
        on_each(hierarchies, |ground| {
            ground.start(&["sleep", "1000"]);
            let id = ground.inspect()["id"].as_str().unwrap_or_default().to_string();
            let see = |options: &[&str]| {
                let words = [&["enter"], options, &["c", "cat", "/proc/self/cgroup"]].concat();
                ground.run(&words).success().to_string()
            };
            // Not in its cgroup namespace, where every path is "/".
            let joined = see(&["--join-cgroup", "--uts"]);
            let its = joined.lines().filter(|line| line.ends_with(&format!("nsctl-{id}")));
            assert_eq!(its.count(), hierarchies.len(), "{joined}");
            assert!(!see(&["--uts"]).contains(&id), "without the option");
            // With all namespaces, too.
            let inside = see(&["-c", "--all"]);
            let names: Vec<&str> =
                hierarchies.iter().map(|name| name.trim_start_matches("unified")).collect();
            for line in
                inside.lines().filter(|line| names.contains(&line.split(':').nth(1).unwrap_or("?")))
            {
                assert!(line.ends_with(":/"), "{inside}");
            }
            ground.run(&["rm", "-f", "c"]).success();
        });
    }
}

#[test]
fn groups_that_are_not_ones_own_are_refused() {
    on_each(&["unified"], |ground| {
        ground.start(&["sleep", "1000"]);
        if ground.who == crate::common::Who::User {
            // Somebody who may not move processes there.
            assert!(ground.host(&format!(
                "chown 0:0 /sys/fs/cgroup/unified/{}/nsctl-*/cgroup.procs",
                ground.parent
            )));
            let ran = ground.run(&["enter", "--join-cgroup", "--uts", "c", "true"]);
            ran.expect_error(125, &["control groups", "cgroup.procs", "EACCES"]);
        }
        ground.run(&["rm", "-f", "c"]);
    });
    let ran = crate::common::nsctl(
        crate::common::Who::User,
        ["enter", "--join-cgroup", "/proc/self/ns/uts", "true"],
    );
    ran.run().expect_error(125, &["--join-cgroup"]);
}
