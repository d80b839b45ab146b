//! What a group counts, and who is in it.

use std::fs;
use std::time::Duration;

use super::ground::{Ground, on_each};
use crate::common::{eventually, skip};

fn stats(ground: &Ground) -> serde_json::Value {
    let ran = ground.run(&["stats", "--no-stream", "--json", "c"]);
    let all: serde_json::Value = serde_json::from_str(ran.success()).unwrap();
    all[0].clone()
}

#[test]
fn stats_says_which_file_each_number_is_from() {
    const PROC: &str = "/proc/PID/stat";
    for (hierarchies, cpu, memory, tasks) in [
        (&["unified"][..], "cpu.stat", PROC, PROC),
        (&["cpuacct", "memory", "pids"], "cpuacct.usage", "memory.usage_in_bytes", "pids.current"),
        (&["unified", "memory"], "cpu.stat", "memory.usage_in_bytes", PROC),
        (&["freezer"], PROC, PROC, PROC),
    ] {
        on_each(hierarchies, |ground| {
            ground.start(&["sh", "-c", "sleep 1000 & while :; do :; done"]);
            let group = ground.groups()[0].clone();
            let all = || ground.processes(&group).len() == 3;
            assert!(eventually(Duration::from_secs(10), all));
            let stats = stats(ground);
            let unified =
                ground.groups().into_iter().find(|path| path.join("cgroup.type").exists());
            let has = |file: &str| unified.as_ref().is_some_and(|path| path.join(file).exists());
            let memory = if has("memory.current") { "memory.current" } else { memory };
            let tasks = if has("pids.current") { "pids.current" } else { tasks };
            let sources = &stats["sources"];
            for (name, source) in [
                ("cpu_percent", cpu),
                ("cpu_us", cpu),
                ("memory_bytes", memory),
                ("processes", "cgroup.procs"),
                ("tasks", tasks),
            ] {
                assert_eq!(sources[name], source, "{name}: {stats}");
            }
            assert!(stats["cpu_percent"].as_f64().unwrap() > 5.0, "{stats}");
            assert!(stats["memory_bytes"].as_u64().unwrap() > 10_000, "{stats}");
            assert_eq!((&stats["processes"], &stats["tasks"]), (&3.into(), &3.into()), "{stats}");
        });
    }
}

#[test]
fn exec_joins_the_containers_group() {
    for hierarchies in [&["unified"][..], &["freezer"], &["unified", "pids", "memory"]] {
        on_each(hierarchies, |ground| {
            ground.start(&["sleep", "1000"]);
            let show = ["exec", "c", "cat", "/proc/self/cgroup", "/proc/1/cgroup"];
            let shown = ground.run(&show);
            let lines: Vec<&str> = shown.success().lines().collect();
            // The same, and in the container's own namespace.
            assert_eq!(lines[..lines.len() / 2], lines[lines.len() / 2..]);
            ground.run(&["exec", "-d", "c", "sleep", "1001"]).success();
            for group in ground.groups() {
                assert_eq!(ground.processes(&group).len(), 3, "{group:?}");
            }
            // What divides its group is in one below.
            if hierarchies == ["unified"] {
                let group = ground.groups()[0].clone();
                let below = ground.make(&group, "below");
                for pid in ground.processes(&group) {
                    fs::write(below.join("cgroup.procs"), pid.to_string()).unwrap();
                }
                ground.run(&["exec", "-d", "c", "sleep", "1002"]).success();
                assert_eq!(ground.processes(&below).len(), 4);
            }
            ground.run(&["rm", "-f", "c"]).success();
            ground.expect_no_group();
        });
    }
}

#[test]
fn a_container_that_shares_process_ids_is_known_by_its_group() {
    on_each(&["unified"], |ground| {
        ground.start(&["--pid=host", "sh", "-c", "setsid sleep 1000 & sleep 1001"]);
        let both = || ground.run(&["top", "c"]).stdout.contains("sleep 1000");
        assert!(eventually(Duration::from_secs(10), both));
        ground.run(&["pause", "c"]).success();
        ground.run(&["unpause", "c"]).success();
        ground.run(&["stop", "c"]).success();
        ground.expect_no_group();
    });
}

/// What fills memory until it is killed.
const FILL: &str = "tail /dev/zero; exit $?";

#[test]
fn who_was_killed_because_memory_ran_out_is_told() {
    for hierarchy in ["memory", "unified"] {
        on_each(&[hierarchy], |ground| {
            let directory = ground.directory(hierarchy);
            let limit = match hierarchy {
                "memory" => directory.join("memory.limit_in_bytes"),
                _ => directory.join("memory.max"),
            };
            if !limit.exists() {
                skip("the unified hierarchy has no memory controller here");
                return;
            }
            fs::write(&limit, "33554432").unwrap();
            // Swap would only make it take longer.
            let _ = fs::write(directory.join("memory.swap.max"), "0");
            ground.start(&["sh", "-c", "sleep 1000 & tail /dev/zero; sleep 1001"]);
            let killed = || ground.inspect()["state"]["oom_killed"] == true;
            assert!(eventually(Duration::from_secs(30), killed), "{}", ground.inspect());
            assert_eq!(ground.inspect()["state"]["status"], "running");
            ground.run(&["rm", "-f", "c"]).success();
            ground.start(&["sh", "-c", FILL]);
            assert_eq!(ground.run(&["wait", "c"]).success(), "137");
            let state = ground.inspect()["state"].clone();
            assert_eq!((&state["oom_killed"], &state["exit_status"]), (&true.into(), &137.into()));
            let shown = ground.run(&["ps", "-a"]);
            assert!(shown.success().contains("exited (137, out of memory)"), "{shown:?}");
            ground.run(&["rm", "c"]).success();
            ground.start(&["sh", "-c", "kill -9 $$"]);
            assert_eq!(ground.run(&["wait", "c"]).success(), "137");
            assert_eq!(ground.inspect()["state"]["oom_killed"], false);
        });
    }
    on_each(&["freezer"], |ground| {
        ground.start(&["true"]);
        ground.run(&["wait", "c"]).success();
        assert!(ground.inspect()["state"]["oom_killed"].is_null(), "nobody counts");
    });
}
